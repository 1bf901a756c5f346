"""The clock of the parked polls: one timer for all of them, which ticks while anybody is parked.

A timer each would be a heap of thousands, of which each poll changes two places. Holds need no precision: nobody ends
early, and nobody more than a tick late.
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
        self._tick = 0  # the last one that is over
        self._timer: Any = None  # while anybody is parked

    def add(self, parked: Parked, seconds: float) -> None:
        """Let it `expire` after so long, unless it is discarded before."""
        now = self._now()
        parked.due = due = int((now + seconds) / TICK) + 1
        those = self._due.get(due)
        if those is not None:
            those.add(parked)
            return
        if self._timer is None:
            self._tick = int(now / TICK)
            self._timer = get_hub().loop.timer(TICK, TICK)
            self._timer.start(self._on_tick)
        self._due[due] = {parked}

    def discard(self, parked: Parked) -> None:
        those = self._due.get(parked.due)
        if those is not None:
            those.discard(parked)

    def _on_tick(self) -> None:
        now = int(self._now() / TICK)
        for tick in range(self._tick + 1, now + 1):
            for parked in self._due.pop(tick, ()):
                parked.expire()
        self._tick = now
        if not self._due:
            self._timer.stop()
            self._timer.close()
            self._timer = None
