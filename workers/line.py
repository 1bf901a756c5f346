"""A connection's line: one watch on its socket for all of its life.

gevent watches a socket anew for each read, and a parked poll needs a second watch that tells when its client has
gone: four changes of the kernel's interest for each request. Here there is one, and what its call means depends on
who is there: a greenlet that waits for the next request goes on; a connection that rests without one gets one
(`workers.connections`); a parked poll is told that its client has gone; while a request is worked on, it means nothing
yet, and the watch stops.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from gevent import get_hub, getcurrent

READ = 1  # libev's event mask


class Line:
    """`client`: gevent's socket. `close` ends the watch (not the socket)."""

    __slots__ = ("_gone", "_hub", "_reader", "_to_rest", "_watch", "_woken", "client", "raw")

    def __init__(self, client: Any) -> None:
        self.client = client
        self.raw: socket.socket = client._sock
        self._hub = get_hub()
        self._watch = self._hub.loop.io(client.fileno(), READ)
        self._reader: Callable[[], object] | None = None
        self._gone: Callable[[], None] | None = None
        self._woken: Callable[[], None] | None = None
        self._to_rest = False

    def receive(self, size: int) -> bytes | None:
        """What comes next, as soon as something comes; nothing (`b""`) when the connection has ended.

        None when the line was told to `let_go` of the greenlet that waits.
        """
        while True:
            self._reader = getcurrent().switch
            self._go_on()
            try:
                self._hub.switch()
            finally:
                self._reader = None
            if self._to_rest:
                self._to_rest = False
                return None
            try:
                return self.raw.recv(size)
            except BlockingIOError:
                continue

    def let_go(self) -> None:
        """End the wait of `receive`, if it still waits at the loop's next turn."""
        self._hub.loop.run_callback(self._let_go)

    def _let_go(self) -> None:
        if self._reader is not None:
            self._to_rest = True
            self._reader()

    def when_readable(self, woken: Callable[[], None]) -> None:
        """Call back once, on the event loop, when something has arrived or the connection has ended."""
        self._woken = woken
        self._go_on()

    def watch(self, gone: Callable[[], None]) -> Line:
        """As a context: `gone` is called, once, when the client closes its end meanwhile."""
        self._gone = gone
        return self

    def __enter__(self) -> None:
        self._go_on()

    def __exit__(self, *_: object) -> None:
        self._gone = None

    def close(self) -> None:
        self._watch.stop()
        self._watch.close()

    def _go_on(self) -> None:
        if not self._watch.active:
            self._watch.start(self._readable)

    def _readable(self) -> None:
        if self._reader is not None:
            self._reader()
            return
        if self._woken is not None:
            woken, self._woken = self._woken, None
            woken()
            return
        self._watch.stop()  # a socket that stays readable would call again at once, for ever
        gone = self._gone
        if gone is not None and self._has_ended():
            gone()

    def _has_ended(self) -> bool:
        """Peeking leaves a pipelined request unread."""
        try:
            return not self.raw.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True
