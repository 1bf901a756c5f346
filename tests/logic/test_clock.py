"""Holds end in their time: not early, and not much late."""

from __future__ import annotations

import gevent

from webchat.logic.clock import TICK, Clock
from webchat.logic.mailbox import Parked


class Time:
    """A clock that is set by hand; the timer is a real one."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def tick() -> None:
    gevent.sleep(1.5 * TICK)


def test_nobody_ends_early_and_nobody_more_than_a_tick_late() -> None:
    time = Time()
    clock = Clock(time)
    holds = [Parked(1) for _ in range(30)]
    for number, parked in enumerate(holds):
        clock.add(parked, number * 0.05)
    for now in (1000.0, 1000.12, 1000.49, 1000.51, 1001.0, 1010.0):
        time.now = now
        tick()
        over = [parked.over for parked in holds]
        assert not any(is_over for number, is_over in enumerate(over) if 1000 + number * 0.05 > now)
        assert all(is_over for number, is_over in enumerate(over) if 1000 + number * 0.05 < now - TICK)
    assert all(parked.woken for parked in holds)


def test_who_has_left_is_not_called() -> None:
    time = Time()
    clock = Clock(time)
    stays, leaves = Parked(1), Parked(1)
    for parked in (stays, leaves):
        clock.add(parked, 1.0)
    clock.discard(leaves)
    time.now += 2
    tick()
    assert (stays.over, leaves.over) == (True, False)
    clock.discard(stays)  # it may have been called in the same moment


def test_it_stops_when_nobody_is_parked_and_starts_again() -> None:
    time = Time()
    clock = Clock(time)
    for _ in range(2):
        parked = Parked(1)
        clock.add(parked, 0.0)
        assert clock._timer is not None
        time.now += 60
        tick()
        assert parked.over
        assert clock._timer is None
