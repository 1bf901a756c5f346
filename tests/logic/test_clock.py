"""Holds end in their time: not early, and not much late."""

from __future__ import annotations

import time

import gevent

from webchat.logic.clock import TICK, Clock
from webchat.logic.mailbox import Parked

LATE = 1.0  # seconds that a machine with other work may be


class Time:
    """A clock that is set by hand; the timer is a real one."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def look(clock: Clock) -> None:
    """What the timer does; it cannot know that the time was set."""
    clock._on_tick()


def test_nobody_ends_early_and_nobody_more_than_a_tick_late() -> None:
    hand = Time()
    clock = Clock(hand)
    holds = [Parked(1) for _ in range(30)]
    for number, parked in enumerate(holds):
        clock.add(parked, number * 0.05)
    for now in (1000.0, 1000.12, 1000.49, 1000.51, 1001.0, 1010.0):
        hand.now = now
        look(clock)
        over = [parked.over for parked in holds]
        assert not any(is_over for number, is_over in enumerate(over) if 1000 + number * 0.05 > now)
        assert all(is_over for number, is_over in enumerate(over) if 1000 + number * 0.05 < now - TICK)
    assert all(parked.woken for parked in holds)


def test_who_has_left_is_not_called() -> None:
    hand = Time()
    clock = Clock(hand)
    stays, leaves = Parked(1), Parked(1)
    for parked in (stays, leaves):
        clock.add(parked, 1.0)
    clock.discard(leaves)
    hand.now += 2
    look(clock)
    assert (stays.over, leaves.over) == (True, False)
    clock.discard(stays)  # it may have been called in the same moment


def test_the_timer_waits_for_the_first_of_them() -> None:
    clock = Clock(time.monotonic)
    late, early, left = Parked(1), Parked(1), Parked(1)
    started = time.monotonic()
    clock.add(late, 0.3)
    clock.add(early, 0.1)
    clock.add(left, 0.0)
    clock.discard(left)
    ends: dict[Parked, float] = {}
    with gevent.Timeout(5.0):
        while len(ends) < 2:
            gevent.sleep(0.001)
            for parked in (early, late):
                if parked.over:
                    ends.setdefault(parked, time.monotonic() - started)
    assert 0.1 <= ends[early] < 0.1 + TICK + LATE
    assert 0.3 <= ends[late] < 0.3 + TICK + LATE
    assert not left.over


def test_it_stops_when_nobody_is_parked_and_starts_again() -> None:
    hand = Time()
    clock = Clock(hand)
    for _ in range(2):
        parked = Parked(1)
        clock.add(parked, 0.0)
        assert clock._timer is not None
        hand.now += 60
        look(clock)
        assert parked.over
        assert clock._timer is None
