"""Notice that the client of a parked poll has gone, though nobody reads from or writes to its connection.

For servers that do not look after it themselves: who can hold a request (`webchat.web.held`) watches its connections.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent

from webchat.logic.hub import Watch

READ = 1  # libev's event mask


def watcher(environ: dict[str, Any]) -> Watch:
    """A watch on this request's connection; one that never fires where the server does not show its socket."""
    connection = environ.get("gunicorn.socket")
    if connection is None or hasattr(connection, "cipher"):
        return _never  # under TLS the socket's readiness says nothing
    return partial(_Watched, connection)


def _never(_: Callable[[], None]) -> contextlib.AbstractContextManager[object]:
    return contextlib.nullcontext()


class _Watched:
    """While it is entered: `gone` is called, once, when the client has closed its end."""

    __slots__ = ("_connection", "_gone", "_readable")

    def __init__(self, connection: Any, gone: Callable[[], None]) -> None:
        self._connection = connection
        self._gone = gone
        self._readable = gevent.get_hub().loop.io(connection.fileno(), READ)

    def __enter__(self) -> None:
        self._readable.start(self._look)

    def __exit__(self, *_: object) -> None:
        self._readable.stop()
        self._readable.close()

    def _look(self) -> None:
        try:
            # The plain socket below gevent's: it must not wait. Peeking leaves a pipelined request unread.
            seen = self._connection._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            seen = b""
        self._readable.stop()  # either way: a readable socket would call again at once, for ever
        if not seen:
            self._gone()
