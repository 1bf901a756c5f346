"""A connection's line: one watch on its socket for all of its life.

gevent watches a socket anew for each read, and a parked poll needs a second watch that tells when its client has
gone: four changes of the kernel's interest for each request. Here there is one, and what its call means depends on
what the connection waits for: the next request; or, parked, that its client goes. While a request is worked on, it
means nothing yet, and the watch stops.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from gevent import get_hub

READ = 1  # libev's event mask

Call = Callable[[], object]


class Line:
    """`client`: gevent's socket, `raw` the plain one below it. `close` ends the watch (not the socket)."""

    __slots__ = ("_gone", "_next", "_watch", "client", "raw")

    def __init__(self, client: Any) -> None:
        self.client = client
        self.raw: socket.socket = client._sock
        self._watch = get_hub().loop.io(client.fileno(), READ)
        self._next: Call | None = None
        self._gone: Call | None = None

    def read(self, size: int) -> bytes | None:
        """What has arrived; nothing (`b""`) when the connection has ended. None where nothing has arrived after all."""
        try:
            return self.raw.recv(size)
        except BlockingIOError:
            return None

    def when_readable(self, call: Call) -> None:
        """Call once, on the event loop, when something has arrived or the connection has ended."""
        self._next = call
        self._go_on()

    def when_gone(self, call: Call | None) -> None:
        """Call once, on the event loop, when the client closes its end. None: no more."""
        self._gone = call
        if call is not None:
            self._go_on()

    def close(self) -> None:
        self._next = self._gone = None
        self._watch.stop()
        self._watch.close()

    def _go_on(self) -> None:
        if not self._watch.active:
            self._watch.start(self._readable)

    def _readable(self) -> None:
        call, self._next = self._next, None
        if call is not None:
            call()
            return
        self._watch.stop()  # a socket that stays readable would call again at once, for ever
        gone = self._gone
        if gone is not None and self._has_ended():
            self._gone = None
            gone()

    def _has_ended(self) -> bool:
        """Peeking leaves a pipelined request unread."""
        try:
            return not self.raw.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True
