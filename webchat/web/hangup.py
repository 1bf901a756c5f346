"""Notice that the client of a parked poll has gone, though nobody reads from or writes to its connection."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import gevent

READ = 1  # libev's event mask

Watch = Callable[[Callable[[], None]], AbstractContextManager[object]]


def watcher(environ: dict[str, Any]) -> Watch:
    """A watch on this request's connection; one that never fires where the server does not show its socket."""
    connection = environ.get("gunicorn.socket")
    if connection is None or hasattr(connection, "cipher"):
        return _never  # under TLS the socket's readiness says nothing
    return lambda gone: _watch(connection, gone)


def _never(_: Callable[[], None]) -> AbstractContextManager[object]:
    return contextlib.nullcontext()


@contextlib.contextmanager
def _watch(connection: Any, gone: Callable[[], None]) -> Iterator[None]:
    readable = gevent.get_hub().loop.io(connection.fileno(), READ)

    def look() -> None:
        try:
            # The plain socket below gevent's: it must not wait. Peeking leaves a pipelined request unread.
            seen = connection._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            seen = b""
        readable.stop()  # either way: a readable socket would call again at once, for ever
        if not seen:
            gone()

    readable.start(look)
    try:
        yield
    finally:
        readable.stop()
        readable.close()
