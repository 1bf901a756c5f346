"""Connections that are kept: made, served until they break, and made again; and where they lead."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NoReturn

import gevent
import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import ConnectionInterface
from redis.exceptions import RedisError
from redis.retry import Retry

SOCKET_TIMEOUT = 3.0  # seconds; a server that is silent for longer is frozen: reconnect
RETRY_FIRST, RETRY_MAX = 0.05, 0.5  # seconds between attempts to connect: back within 1 s of the server
STEADY = 5.0  # seconds; what lasted so long begins a new outage when it breaks

log = structlog.get_logger()
Broken = (RedisError, OSError)
Connect = Callable[[], ConnectionInterface]


class Line:
    """One connection at a time. `serve` is given each, and returns or raises when that is broken, as `broken` hears."""

    def __init__(
        self, name: str, connect: Connect, serve: Callable[[ConnectionInterface], None], broken: Callable[[], None]
    ) -> None:
        self._name = name
        self._connect = connect
        self._serve = serve
        self._broken = broken
        self._connection: ConnectionInterface | None = None
        self._greenlet: gevent.Greenlet | None = None

    def start(self) -> None:
        self._greenlet = gevent.spawn(self._keep)

    def stop(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()

    def give_up(self) -> None:
        """Start over: wakes whoever reads or writes the present connection."""
        if self._connection is not None:
            self._connection.disconnect()

    def _keep(self) -> NoReturn:
        pause = RETRY_FIRST
        while True:
            began = time.monotonic()
            try:
                self._connection = self._connect()
                self._connection.connect()
                # That a server is silent, the hearer knows; and a timeout would end the connection that only rings.
                socket_of(self._connection).settimeout(None)
                self._serve(self._connection)
            except Broken as error:
                self._broken()
                if time.monotonic() - began > STEADY:
                    pause = RETRY_FIRST
                if pause == RETRY_FIRST:  # once per outage
                    log.warning("doorbell broken", connection=self._name, error=str(error))
            except Exception as error:  # a greenlet that ends here would leave the worker deaf for ever
                self._broken()
                log.exception("doorbell failed", connection=self._name, error=repr(error))
            finally:
                self.give_up()
            gevent.sleep(pause)
            pause = min(pause * 2, RETRY_MAX)


def socket_of(connection: ConnectionInterface) -> Any:
    """The socket below the library's connection: replies are read in chunks, which the library does not offer, and
    a broken connection is not made again behind our back, as the library would."""
    line = getattr(connection, "_sock", None)
    if line is None:
        raise ConnectionError("the connection is closed")
    return line


def client(url: str, timeout: float = SOCKET_TIMEOUT) -> Redis:
    """A client of one server that fails rather than tries again. Raises ValueError for what is no URL."""
    return Redis.from_url(
        url, protocol=2, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
    )


def connector(url: str) -> Connect:
    """To one server."""
    return client(url).connection_pool.make_connection
