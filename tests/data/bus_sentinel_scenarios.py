"""What a doorbell must do whose master Sentinel names, against a real one that is killed, frozen and replaced.

A process of its own, patched by gevent as a worker is: pytest is not. Usage: `bus_sentinel_scenarios.py FOLDER`.
"""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import sys
from pathlib import Path

from tests.contracts.bus_contract import ANN, BOB, CONTRACT, Ear, Scene, play, until
from tests.valkey import Server, loopback
from tests.valkey_sentinel import SERVICE, ValkeySentinel
from webchat.data.bus import Bus
from webchat.data.bus_redis.once import ring_once
from webchat.doctor.doorbell import examine
from webchat.entities.feed import Entry
from webchat.settings import Settings
from workers.doorbell import check


class Watched(Scene):
    """A master, a replica, and three sentinels."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.valkey = ValkeySentinel(folder, loopback(5))
        self.url = self.valkey.url

    def two(self) -> tuple[Bus, Bus, Ear]:
        ringer, _ = self.bus()
        hearer, ear = self.bus()
        hearer.subscribe(ANN)
        return ringer, hearer, ear

    def settle(self) -> None:
        for server in self.valkey.servers:
            server.thaw()
            if not server.runs:
                server.start()
        host, port = self.valkey.master().address
        the_other(self, self.valkey.master()).command("REPLICAOF", host, port)  # Sentinel would take ten seconds
        self.valkey.until_whole()


def subscribed(server: Server) -> bool:
    return bool(server.command("PUBSUB", "NUMSUB", f"webchat:space:{ANN}")[1])


def the_other(scene: Watched, master: Server) -> Server:
    (found,) = (server for server in scene.valkey.servers if server is not master)
    return found


def heard_again(ringer: Bus, hearer: Bus, ear: Ear) -> None:
    until("both hear", lambda: not ringer.deaf and not hearer.deaf, 15)
    ear.rings.clear()
    ringer.ring([Entry(ANN, 2, b"{}")])
    until("it is heard", lambda: ear.rings)


def who_rings_once_asks_for_the_master(scene: Watched) -> None:
    _, _, ear = scene.two()
    assert ring_once(scene.url, "space", [Entry(ANN, 1, b"{}")])
    until("it is heard", lambda: ear.rings == [Entry(ANN, 1, b"{}")])


def the_start_and_the_doctor_find_it_well(scene: Watched) -> None:
    check(scene.url)
    found = list(examine(Settings(redis_url=scene.url)))
    assert [finding for finding in found if finding.level != "ok"] == []
    host, port = scene.valkey.master().address
    assert found[0].says.startswith(f"redis://webchat:***@{host}:{port} answers in")


def who_asks_for_another_service_is_told(scene: Watched) -> None:
    (found,) = examine(Settings(redis_url=scene.url.replace(f"/{SERVICE}?", "/another?")))
    assert found.level == "problem"
    assert "no sentinel knows of a master 'another' that is up" in found.says
    (found,) = examine(Settings(redis_url=scene.url.split("?")[0]))
    assert found.level == "problem"
    assert "Authentication required" in found.says


def a_master_that_is_replaced_is_left(scene: Watched) -> None:
    """As before maintenance: both are alive."""
    ringer, hearer, ear = scene.two()
    master = scene.valkey.master()
    other = the_other(scene, master)
    scene.valkey.sentinels[0].command("SENTINEL", "FAILOVER", SERVICE)
    until("the new master is subscribed to", lambda: subscribed(other), 15)
    heard_again(ringer, hearer, ear)
    assert None in ear.missed_calls, "rings may be lost"
    assert not subscribed(master)
    scene.settle()


def a_master_that_dies_costs_nothing_but_time(scene: Watched) -> None:
    ringer, hearer, ear = scene.two()
    scene.valkey.master().kill()
    until("it is deaf", lambda: hearer.deaf, 2)
    hearer.subscribe(BOB)  # returns, and counts later
    heard_again(ringer, hearer, ear)
    assert None in ear.missed_calls, "rings may be lost"
    ringer.ring([Entry(BOB, 1, b"{}")])
    until("so is who came meanwhile", lambda: Entry(BOB, 1, b"{}") in ear.rings)
    scene.settle()


def a_master_that_freezes_is_left(scene: Watched) -> None:
    """By the connection that rings as well, which nothing has broken."""
    ringer, hearer, ear = scene.two()
    master = scene.valkey.master()
    master.freeze()
    until("it is deaf", lambda: hearer.deaf, 2)
    heard_again(ringer, hearer, ear)
    master.thaw()
    heard_again(ringer, hearer, ear)


def nothing_was_refused(scene: Watched) -> None:
    """The shipped ACL is enough, for the servers and for the sentinels."""
    scene.bus()
    for server in (*scene.valkey.servers, *scene.valkey.sentinels):
        assert server.command("ACL", "LOG") == []


SCENARIOS = [
    *CONTRACT,
    who_rings_once_asks_for_the_master,
    the_start_and_the_doctor_find_it_well,
    who_asks_for_another_service_is_told,
    a_master_that_is_replaced_is_left,
    a_master_that_dies_costs_nothing_but_time,
    a_master_that_freezes_is_left,
    nothing_was_refused,
]

if __name__ == "__main__":
    scene = Watched(Path(sys.argv[1]))
    with scene.valkey:
        play(scene, SCENARIOS)
