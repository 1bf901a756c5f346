"""The launcher's event loop: signals, readable sockets and timers, and otherwise sleep.

No thread and no polling: it wakes for something that happened, so an idle launcher costs no CPU.
"""

from __future__ import annotations

import heapq
import itertools
import selectors
import signal
import socket
import time
from collections.abc import Callable

Callback = Callable[[], object]


class Loop:
    """Register, then `run()` until `finish(code)`. Callbacks run one at a time, in the main thread."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._signals: dict[int, Callback] = {}
        self._timers: list[tuple[float, int, Callback]] = []
        self._count = itertools.count()
        self._code: int | None = None

    def on_signal(self, signum: int, callback: Callback) -> None:
        self._signals[signum] = callback

    def watch(self, sock: socket.socket, callback: Callback) -> None:
        """Call back whenever `sock` is readable (its end included), until `unwatch`."""
        self._selector.register(sock, selectors.EVENT_READ, callback)

    def unwatch(self, sock: socket.socket) -> None:
        self._selector.unregister(sock)

    def later(self, seconds: float, callback: Callback) -> None:
        """Call back once. There is no cancelling: a callback looks whether it is still wanted."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._count), callback))

    def finish(self, code: int) -> None:
        """End `run()`; the first code counts."""
        if self._code is None:
            self._code = code

    def run(self) -> int:
        """Take over signal handling; returns the code of `finish`."""
        inner, outer = socket.socketpair()
        inner.setblocking(False)
        outer.setblocking(False)
        with inner, outer:
            self.watch(inner, lambda: self._signalled(inner.recv(64)))
            before = signal.set_wakeup_fd(outer.fileno(), warn_on_full_buffer=False)
            handlers = {signum: signal.signal(signum, _awake) for signum in self._signals}
            for callback in [self._signals[signal.SIGCHLD]] if signal.SIGCHLD in self._signals else []:
                callback()  # a child may have ended before we listened
            try:
                while self._code is None:
                    self._turn()
            finally:
                self.unwatch(inner)
                signal.set_wakeup_fd(before)
                for signum, handler in handlers.items():
                    signal.signal(signum, handler)
        return self._code

    def _turn(self) -> None:
        wait = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None
        for key, _ in self._selector.select(wait):
            key.data()
        while self._timers and self._timers[0][0] <= time.monotonic():
            heapq.heappop(self._timers)[2]()

    def _signalled(self, numbers: bytes) -> None:
        for signum in numbers:
            if signum in self._signals:
                self._signals[signum]()


def _awake(_signum: int, _frame: object) -> None:
    """A Python handler must exist for the wake-up fd to be written to."""


class Backoff:
    """How long to wait before the next start: nothing at first, then doubling, up to `longest` seconds.

    A run of `steady` seconds is a success and starts the count again.
    """

    def __init__(self, first: float = 0.1, longest: float = 5.0, steady: float = 10.0) -> None:
        self.first, self.longest, self.steady = first, longest, steady
        self._next = 0.0

    def after(self, uptime: float) -> float:
        """Seconds to wait now, after a run of `uptime` seconds."""
        if uptime >= self.steady:
            self._next = 0.0
        wait, self._next = self._next, min(self.longest, max(self.first, 2 * self._next))
        return wait
