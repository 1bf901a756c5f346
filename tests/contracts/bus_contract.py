"""What every doorbell must do, whatever it is made of: one server, a master that Sentinel names, a Cluster.

Run in processes of their own, patched by gevent as a worker is (pytest is not): see `tests.data.test_bus_redis`.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

import gevent

from webchat.data.bus import Bus
from webchat.data.bus_redis import open_bus
from webchat.data.bus_redis.ringer import KEEP
from webchat.entities.feed import Alarm, Entry, Murmur, Revocation, Ring, Whisper

ANN, BOB = 1, 2


class Ear:
    """A listener that writes down what it is told."""

    def __init__(self) -> None:
        self.rings: list[Ring] = []
        self.missed_calls: list[list[int] | None] = []

    def deliver(self, rings: Iterable[Ring]) -> None:
        self.rings.extend(rings)

    def missed(self, users: Iterable[int] | None) -> None:
        self.missed_calls.append(None if users is None else list(users))


class CountedBus(Bus, Protocol):
    def subscriptions(self) -> int: ...


class Scene:
    """Buses on one doorbell, at `url`."""

    url: str

    def __init__(self) -> None:
        self._buses: list[Bus] = []

    def bus(self, space: str = "space") -> tuple[CountedBus, Ear]:
        bus, ear = open_bus(self.url, space, f"worker{len(self._buses)}"), Ear()
        bus.start(ear)
        self._buses.append(bus)
        until("the doorbell is heard", lambda: not bus.deaf)
        gevent.sleep(0)  # what was told as it began
        ear.missed_calls.clear()
        return bus, ear  # type: ignore[return-value]

    def clear(self) -> None:
        """Between two scenarios."""
        for bus in self._buses:
            bus.stop()
        self._buses.clear()

    def close(self) -> None:
        self.clear()


def until(what: str, look: Callable[[], object], seconds: float = 10) -> None:
    with gevent.Timeout(seconds, AssertionError(f"not within {seconds} s: {what}")):
        while not look():
            gevent.sleep(0.005)


S = TypeVar("S", bound=Scene)


def play(scene: S, scenarios: Sequence[Callable[[S], None]]) -> None:
    """One after the other; a line for each on stdout, `NAME ok`, and on stderr what went wrong."""
    try:
        for scenario in scenarios:
            try:
                scenario(scene)
                sys.stdout.write(f"{scenario.__name__} ok\n")
            except Exception:  # noqa: BLE001  the others are played all the same
                sys.stderr.write(f"{scenario.__name__}: {traceback.format_exc()}\n")
            scene.clear()
    finally:
        scene.close()


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
    assert bus.subscriptions() == 5000


def more_rings_than_can_wait_become_one_alarm(scene: Scene) -> None:
    bus, ear = scene.bus()
    bus.subscribe(ANN)
    bus.ring([Entry(BOB, number, b"{}") for number in range(1, KEEP)] + [Entry(ANN, 1, b"{}")])
    until("as many as can wait are brought", lambda: ear.rings == [Entry(ANN, 1, b"{}")])
    assert ear.missed_calls == []
    bus.ring([Entry(ANN, 2, b"{}"), *(Entry(BOB, number, b"{}") for number in range(1, KEEP + 2))])
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


CONTRACT: list[Callable[[Scene], None]] = [
    rings_reach_those_who_subscribed,
    an_alarm_reaches_every_worker_of_this_database,
    a_subscription_is_confirmed_before_it_returns,
    many_subscribe_at_once,
    more_rings_than_can_wait_become_one_alarm,
    who_unsubscribes_and_comes_back_hears,
]
