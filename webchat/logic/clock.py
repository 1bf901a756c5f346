"""The clock of the parked polls: one timer for all of them.

A timer each would be a heap of thousands, of which each poll changes two places. Holds need no precision: those that
are over within the same tick end together, nobody early, and nobody more than a tick late.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gevent import get_hub

from webchat.logic.mailbox import Parked

TICK = 0.1  # seconds


class Clock:
    """`now`: seconds, monotonic."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._due: dict[int, set[Parked]] = {}  # by the tick at which their holds are over
        self._next = 0  # the tick that the timer waits for
        self._timer: Any = None  # while anybody is parked

    def add(self, parked: Parked, seconds: float) -> None:
        """Let it `expire` after so long, unless it is discarded before."""
        now = self._now()
        parked.due = due = int((now + seconds) / TICK) + 1
        those = self._due.get(due)
        if those is not None:
            those.add(parked)
            return
        self._due[due] = {parked}
        if self._timer is None or due < self._next:
            self._wait(due, now)

    def discard(self, parked: Parked) -> None:
        those = self._due.get(parked.due)
        if those is not None:
            those.discard(parked)
            if not those:
                del self._due[parked.due]

    def _wait(self, tick: int, now: float) -> None:
        self._stop()
        self._next = tick
        self._timer = get_hub().loop.timer(max(0.0, tick * TICK - now))
        self._timer.start(self._on_tick, update=True)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def _on_tick(self) -> None:
        now = self._now()
        for tick in [tick for tick in self._due if tick * TICK <= now]:
            for parked in self._due.pop(tick):
                parked.expire()
        self._stop()
        if self._due:
            self._wait(min(self._due), now)
