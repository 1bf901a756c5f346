"""What a doorbell of several shards must do, against a real Valkey Cluster whose masters fail and whose slots move.

A process of its own, patched by gevent as a worker is: pytest is not. Usage: `bus_cluster_scenarios.py FOLDER`.
"""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import sys
from functools import partial
from pathlib import Path

from redis.crc import key_slot

from tests.contracts.bus_contract import ANN, BOB, CONTRACT, Ear, Scene, play, until
from tests.valkey import Server, loopback
from tests.valkey_cluster import ValkeyCluster
from webchat.data.bus import Bus
from webchat.data.bus_redis.once import ring_once
from webchat.entities.feed import Alarm, Entry

MANY = 60  # users: enough for every shard


class Sharded(Scene):
    """Three masters with a replica each."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.cluster = ValkeyCluster(folder, loopback(6), replicas=1)
        self.url = self.cluster.url

    def settle(self) -> None:
        """All nodes are there again, and all agree."""
        for node in self.cluster.nodes:
            node.thaw()
            if not node.runs:
                node.start()
        self.cluster.until_whole()
        until("every master has its replica", lambda: all(map(self.cluster.replicas_of, self.cluster.masters())))

    def close(self) -> None:
        super().close()
        self.cluster.stop()


def slot_of(user: int) -> int:
    return key_slot(b"webchat:space:%d" % user)


def subscribed(node: Server, user: int) -> bool:
    return bool(node.command("PUBSUB", "SHARDNUMSUB", f"webchat:space:{user}")[1])


def rung_is_heard(ringer: Bus, ear: Ear, number: int, seconds: float = 10) -> None:
    wanted = {Entry(user, number, b"{}") for user in range(1, MANY + 1)}
    ringer.ring(sorted(wanted))
    until("all users' rings are heard", lambda: wanted <= set(ear.rings), seconds)


def two(scene: Sharded) -> tuple[Bus, Bus, Ear]:
    ringer, _ = scene.bus()
    hearer, ear = scene.bus()
    for user in range(1, MANY + 1):
        hearer.subscribe(user)
    return ringer, hearer, ear


def rings_go_to_the_shard_of_their_user_alone(scene: Sharded) -> None:
    ringer, _, ear = two(scene)
    rung_is_heard(ringer, ear, 1)
    owners = {slot: scene.cluster.owner(slot) for slot in {slot_of(user) for user in range(1, MANY + 1)}}
    for node in scene.cluster.masters():
        mine = {user for user in range(1, MANY + 1) if owners[slot_of(user)] is node}
        names = {f"webchat:space:{user}" for user in mine}
        there = {name for name in node.command("PUBSUB", "SHARDCHANNELS", "webchat:space:*") if "worker" not in name}
        assert mine
        assert there - {"webchat:space:0"} == names
        assert node.command("PUBSUB", "CHANNELS", "*") == []


def a_slot_that_moves_takes_its_rings_along(scene: Sharded) -> None:
    ringer, hearer, ear = two(scene)
    here = scene.cluster.owner(slot_of(ANN))
    there = next(node for node in scene.cluster.masters() if node is not here)
    ear.missed_calls.clear()
    scene.cluster.move_slot(slot_of(ANN), there)
    until("that something may be lost is told", lambda: [ANN] in ear.missed_calls, 2)
    rung_is_heard(ringer, ear, 1, 2)
    assert not hearer.deaf
    scene.cluster.move_slot(slot_of(ANN), here)
    rung_is_heard(ringer, ear, 2, 2)


def slots_move_while_it_rings(scene: Sharded) -> None:
    """Each ring comes, or the listener is told that it may not have."""
    ringer, _, ear = two(scene)
    masters = scene.cluster.masters()
    for number in range(1, 7):
        ear.missed_calls.clear()
        scene.cluster.move_slot(slot_of(BOB), masters[number % len(masters)])
        ringer.ring([Entry(BOB, number, b"{}")])
        until(
            "it is heard, or its loss is told",
            partial(heard_or_told, ear, number),
            3,
        )


def heard_or_told(ear: Ear, number: int) -> bool:
    return Entry(BOB, number, b"{}") in ear.rings or [BOB] in ear.missed_calls


def the_probe_follows_its_slot(scene: Sharded) -> None:
    """Every slot of a master but one goes, and comes back: it hears that master all the while."""
    _, hearer, _ = two(scene)
    (probe,) = {
        name
        for node in scene.cluster.masters()[:1]
        for name in node.command("PUBSUB", "SHARDCHANNELS", "webchat:space:worker:worker1:*")
    }
    slot = key_slot(probe.encode())
    here = scene.cluster.owner(slot)
    there = next(node for node in scene.cluster.masters() if node is not here)
    scene.cluster.move_slot(slot, there)
    until(
        "it probes by another slot of that master",
        lambda: here.command("PUBSUB", "SHARDCHANNELS", "webchat:space:worker:worker1:*"),
        3,
    )
    until("it hears", lambda: not hearer.deaf, 2)
    scene.cluster.move_slot(slot, here)


def a_new_master_is_found_and_one_without_slots_is_left(scene: Sharded) -> None:
    ringer, hearer, ear = two(scene)
    here = scene.cluster.owner(slot_of(ANN))
    (address,) = loopback(1)
    added = scene.cluster.add(address)
    scene.cluster.move_slot(slot_of(ANN), added)
    rung_is_heard(ringer, ear, 1, 3)
    until("it is probed, too", lambda: not hearer.deaf and not ringer.deaf, 3)
    assert subscribed(added, ANN)
    scene.cluster.move_slot(slot_of(ANN), here)
    rung_is_heard(ringer, ear, 2, 3)
    scene.cluster.remove(added)
    until("it is not missed", lambda: not hearer.deaf and not ringer.deaf, 5)
    rung_is_heard(ringer, ear, 3, 3)


def all_die_and_come_back(scene: Sharded) -> None:
    ringer, hearer, ear = two(scene)
    for node in scene.cluster.nodes:
        node.kill()
    until("it is deaf", lambda: hearer.deaf, 2)
    ringer.ring([Entry(ANN, 1, b"{}")])
    hearer.subscribe(MANY + 1)
    ear.missed_calls.clear()
    scene.settle()
    until("it hears again", lambda: not hearer.deaf and not ringer.deaf, 10)
    until("the loss is told", lambda: None in ear.missed_calls)
    rung_is_heard(ringer, ear, 2)
    ringer.ring([Entry(MANY + 1, 1, b"{}")])
    until("so is who came meanwhile", lambda: Entry(MANY + 1, 1, b"{}") in ear.rings)


def a_replica_that_takes_over_is_followed(scene: Sharded) -> None:
    """As before maintenance: both are alive."""
    ringer, hearer, ear = two(scene)
    (replica,) = scene.cluster.replicas_of(scene.cluster.owner(slot_of(ANN)))
    scene.cluster.failover(replica)
    until("the replica is subscribed to", lambda: subscribed(replica, ANN), 5)
    until("it hears", lambda: not hearer.deaf, 5)
    rung_is_heard(ringer, ear, 1, 5)


def a_master_that_dies_costs_nothing_but_time(scene: Sharded) -> None:
    ringer, hearer, ear = two(scene)
    master = scene.cluster.owner(slot_of(ANN))
    ear.missed_calls.clear()
    master.kill()
    until("it is deaf", lambda: hearer.deaf, 2)
    hearer.subscribe(MANY + 1)  # returns, and counts later
    until("the replica is heard", lambda: not hearer.deaf and not ringer.deaf, 10)
    until("the loss is told", lambda: ear.missed_calls)
    rung_is_heard(ringer, ear, 1)
    ringer.ring([Entry(MANY + 1, 1, b"{}")])
    until("so is who came meanwhile", lambda: Entry(MANY + 1, 1, b"{}") in ear.rings)
    scene.settle()


def a_master_that_freezes_is_left(scene: Sharded) -> None:
    ringer, hearer, ear = two(scene)
    master = scene.cluster.owner(slot_of(ANN))
    master.freeze()
    until("it is deaf", lambda: hearer.deaf, 2)
    until("the replica is heard", lambda: not hearer.deaf and not ringer.deaf, 10)
    rung_is_heard(ringer, ear, 1)
    master.thaw()
    scene.settle()
    rung_is_heard(ringer, ear, 2)


def who_rings_once_reaches_every_shard(scene: Sharded) -> None:
    _, _, ear = two(scene)
    ear.missed_calls.clear()
    rings = [Entry(user, 1, b"{}") for user in range(1, MANY + 1)]
    assert ring_once(scene.url, "space", [*rings, Alarm()])
    until("all are heard", lambda: set(rings) <= set(ear.rings))
    until("so is the alarm", lambda: None in ear.missed_calls)


SCENARIOS = [
    *CONTRACT,
    rings_go_to_the_shard_of_their_user_alone,
    who_rings_once_reaches_every_shard,
    a_slot_that_moves_takes_its_rings_along,
    slots_move_while_it_rings,
    the_probe_follows_its_slot,
    a_new_master_is_found_and_one_without_slots_is_left,
    a_replica_that_takes_over_is_followed,
    a_master_that_dies_costs_nothing_but_time,
    a_master_that_freezes_is_left,
    all_die_and_come_back,
]

if __name__ == "__main__":
    scene = Sharded(Path(sys.argv[1]))
    with scene.cluster:
        play(scene, SCENARIOS)
