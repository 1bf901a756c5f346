"""The accepting end: gevent's server, whose idle connections may rest without a greenlet.

A greenlet costs some 8 KiB of stack, which a parked poll uses and a connection between two requests does not. One that
has been idle for a while is taken off its greenlet and kept by its line alone; when something arrives, it gets a new
one. It stays one of the connections that are counted: a place is kept free for its return, so that it never has to
wait for one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gevent.pool import Pool
from gevent.server import StreamServer

from workers.line import Line


class Places(Pool):  # type: ignore[misc]  # gevent is untyped
    """Greenlets of connections; `resting` connections have none, and need one at any moment."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.resting = 0

    def full(self) -> bool:
        return int(self.free_count()) <= self.resting


class Server(StreamServer):  # type: ignore[misc]
    """`places`: how many connections there may be."""

    def __init__(self, listener: Any, places: int, **tls: Any) -> None:
        super().__init__(listener, handle=self._not_yet, spawn=Places(places), **tls)
        self._resting: set[Any] = set()

    @property
    def connections(self) -> int:
        return len(self.pool) + int(self.pool.resting)

    def rest(self, line: Line, go_on: Callable[[], None]) -> None:
        """The line's greenlet is about to end; `go_on` is to run in another one when something arrives."""
        self._resting.add(line.client)
        self.pool.resting += 1
        line.when_readable(partial(self._wake, line, go_on))

    def _wake(self, line: Line, go_on: Callable[[], None]) -> None:
        self.pool.resting -= 1
        self.pool.spawn(self._again, line.client, go_on)

    def _again(self, client: Any, go_on: Callable[[], None]) -> None:
        self._resting.discard(client)
        try:
            go_on()
        finally:
            self.do_close(client)

    def do_close(self, sock: Any, *rest: Any) -> None:
        """Called when a connection's greenlet ends."""
        if sock not in self._resting:
            super().do_close(sock, *rest)

    def _not_yet(self, *_: Any) -> None:
        raise NotImplementedError("the worker sets the handler")
