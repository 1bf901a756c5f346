"""Calls that are held: made in a thread, looked at when they have ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Self

from tests.client import Answer

PARKING = 0.4  # seconds in which a request has certainly arrived


class Held:
    """A call in the background; `parked` returns when it can be taken to be held."""

    def __init__(self, call: Callable[[], Answer]) -> None:
        self._call = call
        self._answer: Answer | None = None
        self._started = time.monotonic()
        self.seconds = 0.0  # that the call took
        self._thread = threading.Thread(target=self._run, daemon=True)

    @classmethod
    def parked(cls, call: Callable[[], Answer]) -> Self:
        (held,) = cls.all_parked([call])
        return held

    @classmethod
    def all_parked(cls, calls: Iterable[Callable[[], Answer]]) -> list[Self]:
        """At the same time, in no order."""
        every = [cls(call) for call in calls]
        for held in every:
            held._thread.start()
        time.sleep(PARKING)
        for held in every:
            assert held.waits, f"it was answered at once: {held._answer}"
        return every

    @property
    def waits(self) -> bool:
        return self._thread.is_alive()

    def answer(self, within: float) -> Answer:
        """What came; fails where nothing comes within these seconds."""
        self._thread.join(within)
        assert self._answer is not None, f"no answer within {within} s"
        return self._answer

    def _run(self) -> None:
        self._answer = self._call()
        self.seconds = time.monotonic() - self._started
