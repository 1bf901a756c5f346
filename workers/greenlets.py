"""Greenlets, lent to whatever has something to do.

A connection waits nearly all of its life: for its next request, or parked in a poll. A greenlet of its own would keep
some 8 KiB of stack all the time. So it has none: when there is something to do, it borrows one until that is done.

Answers that are ready go out before new requests are taken up: whoever is told together with thousands of others must
not wait until those others have asked again. Neither keeps the other one waiting for good.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from gevent import Greenlet, get_hub, getcurrent
from gevent.pool import Group

KEPT = 32  # greenlets that wait to be lent again
ANSWERS = 0.1  # seconds in which answers go out,
REQUESTS = 0.02  # and then requests are taken up, while there are both

Work = Callable[[], object]


class Greenlets:
    """One worker's; see the module."""

    def __init__(self) -> None:
        self._all = Group()
        self._free: list[Any] = []
        self._answers: deque[Work] = deque()
        self._requests: deque[Work] = deque()
        self._called = False

    @property
    def kept(self) -> int:
        """How many wait to be lent again."""
        return len(self._free)

    def answer(self, work: Work) -> None:
        """Do it at the event loop's next turn."""
        self._answers.append(work)
        self._call()

    def request(self, work: Work) -> None:
        """Do it now, or when it is its turn. Only in a callback of the event loop."""
        if self._answers or self._requests:
            self._requests.append(work)
            self._call()
        else:
            self._lend(work)

    def kill(self) -> None:
        """End whatever is still being done."""
        self._all.kill(block=True, timeout=1)

    def _call(self) -> None:
        if not self._called:
            self._called = True
            get_hub().loop.run_callback(self._turn)

    def _turn(self) -> None:
        self._work_off(self._answers, ANSWERS)
        self._work_off(self._requests, REQUESTS)
        self._called = False
        if self._answers or self._requests:
            self._call()

    def _work_off(self, queue: deque[Work], seconds: float) -> None:
        until = time.monotonic() + seconds
        while queue:
            self._lend(queue.popleft())
            if time.monotonic() > until:
                break

    def _lend(self, work: Work) -> None:
        """Run it until it is done or has to wait."""
        if self._free:
            self._free.pop().switch(work)
        else:
            greenlet = Greenlet(self._serve, work)
            self._all.add(greenlet)
            greenlet.switch()

    def _serve(self, work: Work) -> None:
        me, hub = getcurrent(), get_hub()
        while True:
            work()
            if len(self._free) >= KEPT:
                return
            self._free.append(me)
            del work  # it may be all that keeps a connection alive
            work = hub.switch()
