"""The accepting end: gevent's server, which also counts connections that have no greenlet.

gevent's counts greenlets, and accepts no more connections when there are as many as there may be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gevent.pool import Pool
from gevent.server import StreamServer

Take = Callable[["Server", Any, Any], bool]


class Named:
    """A listener's name, for connections that are handled after the listener was closed.

    gunicorn asks the listener itself, and resets a connection that was accepted just before the end.
    """

    def __init__(self, listener: Any) -> None:
        self._name = listener.getsockname()

    def getsockname(self) -> Any:
        return self._name


class Places(Pool):  # type: ignore[misc]  # gevent is untyped
    """Greenlets of connections that have one each; `lines` have none of their own."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.lines = 0

    def full(self) -> bool:
        return int(self.free_count()) <= self.lines


class Server(StreamServer):  # type: ignore[misc]
    """`places`: how many connections there may be. `take(server, client, addr)`: whether it serves this one without a
    greenlet of its own, until it says `done`; if not, the handler gets one."""

    def __init__(self, listener: Any, places: int, take: Take, **tls: Any) -> None:
        super().__init__(listener, handle=self._not_yet, spawn=Places(places), **tls)
        self.named = Named(listener)
        self._take = take

    @property
    def connections(self) -> int:
        return len(self.pool) + int(self.pool.lines)

    def do_handle(self, client: Any, addr: Any) -> None:
        self.pool.lines += 1
        taken = False
        try:
            taken = self._take(self, client, addr)
        finally:
            if not taken:
                self.pool.lines -= 1
        if not taken:
            super().do_handle(client, addr)

    def done(self, client: Any) -> None:
        """A connection that was taken has ended."""
        self.pool.lines -= 1
        client.close()
        self._start_accepting_if_started()

    def _not_yet(self, *_: Any) -> None:
        raise NotImplementedError("the worker sets the handler")
