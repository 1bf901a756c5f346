"""HTTP/1.1 on kept connections, on gevent: an answer, or Unanswered, and never a request sent twice by itself but where
a kept connection had ended before it.

A poll has a connection of its own, as in a browser; everything else shares a pool, as behind a balancer.
"""

# mypy: disable-error-code="import-not-found, import-untyped"

from __future__ import annotations

import json
import random
import time
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from gevent import socket, ssl

TIMEOUT = 30.0
RACE = 0.5  # seconds; a connection that ends later was cut while the answer was awaited
IDLE_MAX = 64  # connections kept in the pool: a busy moment's worth


class Unanswered(Exception):
    """No answer came; the connection is closed. `stale`: a kept connection had ended before this request, which is
    HTTP's own race: every client must try again on another one."""

    def __init__(self, why: str, stale: bool = False) -> None:
        super().__init__(why)
        self.stale = stale


class Refused(Exception):
    """An answer that is not what was asked for."""


class Answer(NamedTuple):
    status: int
    wait: float  # seconds, of Retry-After; at most 5
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    def __str__(self) -> str:
        return f"{self.status} {self.raw[:120].decode(errors='replace')}"


class Connection:
    """One kept connection, parsed in C by geventhttpclient, as Locust's FastHttpUser does.

    Not by way of its pool: that asks `select` whether a connection still lives, which knows no descriptor above 1,023,
    and so makes a new connection for every request once a thousand polls are parked.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        # One address has only some 28,000 ports to one server.
        source = (f"127.0.0.{random.randint(1, 8)}", 0) if host == "127.0.0.1" else None
        self._host = parts.netloc
        self._used = False
        self.is_open = True
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            self._sock = socket.create_connection((host, port), TIMEOUT, source)
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if parts.scheme == "https":
                self._sock = ssl.create_default_context().wrap_socket(self._sock, server_hostname=host)
        except OSError as error:
            raise Unanswered(f"no connection: {error}") from None

    def request(self, method: str, path: str, token: str = "", body: Any = None, timeout: float = TIMEOUT) -> Answer:
        from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError, HTTPSocketResponse

        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n"
        if token:
            head += f"Authorization: Bearer {token}\r\n"
        data = b"" if body is None else json.dumps(body).encode()
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        used, self._used, start = self._used, True, time.perf_counter()
        try:
            self._sock.settimeout(timeout)
            self._sock.sendall(head.encode() + b"\r\n" + data)
            response = HTTPSocketResponse(self._sock, method=method)
            raw = bytes(response.read())
        except BaseException as error:
            self.close()
            if not isinstance(error, OSError | HTTPParseError):
                raise  # the greenlet was killed: its tab is closed
            stale = used and isinstance(error, HTTPConnectionClosed | ConnectionError)
            stale = stale and time.perf_counter() - start < RACE
            raise Unanswered(str(error) or type(error).__name__, stale) from None
        if response.should_close():
            self.close()
        wait = str(response.get("retry-after", "0"))
        return Answer(response.get_code(), min(5.0, float(wait)) if wait.isdigit() else 0.0, raw)

    def close(self) -> None:
        self.is_open = False
        with suppress(OSError):
            self._sock.close()


class ConnectionPool:
    """Kept connections for everything but polls. `urls`: where a request may go."""

    def __init__(self, urls: list[str]) -> None:
        self.urls = urls
        self._idle: dict[str, list[Connection]] = {url: [] for url in urls}

    def request(self, method: str, path: str, token: str = "", body: Any = None) -> Answer:
        """To any of the servers. Raises Unanswered."""
        url = random.choice(self.urls)
        idle = self._idle[url]
        while True:
            connection = idle.pop() if idle else Connection(url)
            try:
                answer = connection.request(method, path, token, body)
            except Unanswered as failure:
                if failure.stale:
                    continue
                raise
            if connection.is_open and len(idle) < IDLE_MAX:
                idle.append(connection)
            else:
                connection.close()
            return answer
