"""What a doorbell must do, against a real Valkey that is killed and frozen. Run by `test_bus_redis.py`.

A process of its own, patched by gevent as a worker is: pytest is not. Usage: `bus_scenarios.py FOLDER NAME`.
"""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import gevent

from webchat.data.bus_redis import KEEP, RedisBus
from webchat.entities.feed import Alarm, Entry, Murmur, Revocation, Ring, Whisper
from workers.embedded import find_server

ANN, BOB = 1, 2


class Valkey:
    """A server that can be started again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "v.sock"
        self.start()

    def start(self) -> None:
        command = [find_server(), "--port", "0", "--unixsocket", self.path, "--save", "", "--dir", self.path.parent]
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def cli(self, *command: str) -> None:
        from redis import Redis

        Redis(unix_socket_path=str(self.path)).execute_command(*command)


class Ear:
    """A listener that writes down what it is told."""

    def __init__(self) -> None:
        self.rings: list[Ring] = []
        self.missed_calls: list[list[int] | None] = []

    def deliver(self, rings: Iterable[Ring]) -> None:
        self.rings.extend(rings)

    def missed(self, users: Iterable[int] | None) -> None:
        self.missed_calls.append(None if users is None else list(users))


def until(what: str, look: Callable[[], object], seconds: float = 10) -> None:
    with gevent.Timeout(seconds, AssertionError(f"not within {seconds} s: {what}")):
        while not look():
            gevent.sleep(0.005)


class Scene:
    def __init__(self, folder: Path) -> None:
        self.valkey = Valkey(folder)
        self.buses: list[RedisBus] = []

    def bus(self, space: str = "space") -> tuple[RedisBus, Ear]:
        bus, ear = RedisBus(f"unix://{self.valkey.path}", space, f"worker{len(self.buses)}"), Ear()
        bus.start(ear)
        self.buses.append(bus)
        until("the doorbell is heard", lambda: not bus.deaf)
        ear.missed_calls.clear()
        return bus, ear


def rings_reach_those_who_subscribed(scene: Scene) -> None:
    ringer, own_ear = scene.bus()
    hearer, ear = scene.bus()
    _, stranger = scene.bus()
    _, other_database = scene.bus("elsewhere")
    hearer.subscribe(ANN)
    sent: list[Ring] = [Entry(ANN, 1, b'{"a": "b c"}'), Whisper(ANN, 7), Murmur(ANN, b"{}"), Revocation(ANN, 3)]
    ringer.ring([Entry(BOB, 1, b"not for ann"), *sent])
    until("all were heard", lambda: len(ear.rings) == len(sent))
    assert ear.rings == sent
    assert own_ear.rings == stranger.rings == other_database.rings == []


def an_alarm_reaches_every_worker_of_this_database(scene: Scene) -> None:
    ringer, own_ear = scene.bus()
    _, ear = scene.bus()
    _, other_database = scene.bus("elsewhere")
    ringer.ring([Alarm()])
    until("both heard", lambda: own_ear.missed_calls == ear.missed_calls == [None])
    assert other_database.missed_calls == []


def a_subscription_is_confirmed_before_it_returns(scene: Scene) -> None:
    ringer, _ = scene.bus()
    hearer, ear = scene.bus()
    for number in range(1, 201):
        hearer.subscribe(number)
        ringer.ring([Entry(number, 1, b"{}")])
    until("none was lost", lambda: len(ear.rings) == 200)


def many_subscribe_at_once(scene: Scene) -> None:
    bus, ear = scene.bus()
    gevent.joinall([gevent.spawn(bus.subscribe, user) for user in range(1, 5001)], raise_error=True)
    bus.ring([Entry(user, 1, b"{}") for user in range(1, 5001)])
    until("all were heard", lambda: len(ear.rings) == 5000)


def more_rings_than_can_wait_become_one_alarm(scene: Scene) -> None:
    bus, ear = scene.bus()
    bus.subscribe(ANN)
    bus.ring([Entry(BOB, number, b"{}") for number in range(1, KEEP)] + [Entry(ANN, 1, b"{}")])
    until("as many as can wait are brought", lambda: ear.rings == [Entry(ANN, 1, b"{}")])
    assert ear.missed_calls == []
    bus.ring([Entry(ANN, 2, b"{}"), *(Entry(BOB, number, b"{}") for number in range(1, KEEP + 1))])
    until("the loss of more is told", lambda: ear.missed_calls == [None])


def who_unsubscribes_and_comes_back_hears(scene: Scene) -> None:
    bus, ear = scene.bus()
    for _ in range(50):
        bus.subscribe(ANN)
        bus.unsubscribe(ANN)
    assert bus.subscriptions() == 0
    bus.subscribe(ANN)
    bus.ring([Entry(ANN, 1, b"{}")])
    until("it was heard", lambda: ear.rings)
    assert ear.rings == [Entry(ANN, 1, b"{}")]


def a_restarted_server_is_subscribed_anew_and_the_loss_is_told(scene: Scene) -> None:
    bus, ear = scene.bus()
    bus.subscribe(ANN)
    scene.valkey.kill()
    until("it is deaf", lambda: bus.deaf, 2.0)
    bus.subscribe(BOB)  # during the outage: returns, and counts later
    scene.valkey.start()
    until("it hears again", lambda: not bus.deaf, 5.0)
    assert None in ear.missed_calls, "for anybody"
    bus.ring([Entry(ANN, 2, b"{}"), Entry(BOB, 1, b"{}")])
    until("both are heard", lambda: len(ear.rings) >= 2)


def what_was_rung_into_an_outage_is_heard_or_its_loss_is_told(scene: Scene) -> None:
    bus, ear = scene.bus()
    bus.subscribe(ANN)
    scene.valkey.kill()
    until("it is deaf", lambda: bus.deaf, 2.0)
    started = time.monotonic()
    bus.ring([Entry(ANN, number, b"{}") for number in range(1, 11)])
    assert time.monotonic() - started < 0.1, "ringing does not wait"
    scene.valkey.start()
    # Which of the two depends on whose connection is back first.
    until("all are heard, or the loss is told", lambda: len(ear.rings) == 10 or ear.missed_calls, 5.0)


def a_frozen_server_is_noticed(scene: Scene) -> None:
    bus, ear = scene.bus()
    bus.subscribe(ANN)
    scene.valkey.process.send_signal(signal.SIGSTOP)
    until("it is deaf", lambda: bus.deaf, 2.0)
    started = time.monotonic()
    bus.ring([Entry(ANN, 1, b"{}")])
    bus.subscribe(BOB)
    assert time.monotonic() - started < 0.1, "neither waits for a server that is known to be frozen"
    scene.valkey.process.send_signal(signal.SIGCONT)
    until("it hears again", lambda: not bus.deaf, 6.0)
    bus.ring([Entry(BOB, 1, b"{}")])
    until("it is heard", lambda: Entry(BOB, 1, b"{}") in ear.rings)
    until("the loss is told", lambda: ear.missed_calls)


def killed_connections_come_back_within_a_second(scene: Scene) -> None:
    bus, ear = scene.bus()
    bus.subscribe(ANN)
    for kind in ("pubsub", "normal"):
        ear.missed_calls.clear()
        scene.valkey.cli("CLIENT", "KILL", "TYPE", kind)
        bus.ring([Entry(ANN, 1, b"{}")])
        until("it is heard, or the loss is told", lambda: ear.rings or ear.missed_calls, 1.0)
        until("it hears", lambda: not bus.deaf, 1.0)
        ear.rings.clear()


SCENARIOS = [
    rings_reach_those_who_subscribed,
    an_alarm_reaches_every_worker_of_this_database,
    a_subscription_is_confirmed_before_it_returns,
    many_subscribe_at_once,
    more_rings_than_can_wait_become_one_alarm,
    who_unsubscribes_and_comes_back_hears,
    a_restarted_server_is_subscribed_anew_and_the_loss_is_told,
    what_was_rung_into_an_outage_is_heard_or_its_loss_is_told,
    a_frozen_server_is_noticed,
    killed_connections_come_back_within_a_second,
]

if __name__ == "__main__":
    scene = Scene(Path(sys.argv[1]))
    try:
        {scenario.__name__: scenario for scenario in SCENARIOS}[sys.argv[2]](scene)
    finally:
        for bus in scene.buses:
            bus.stop()
        scene.valkey.kill()
