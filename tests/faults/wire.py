"""HTTP as an independent client speaks it: the standard library's, with every way to fail told apart.

refused   no connection: nothing was sent
stale     a kept connection had ended before this request: HTTP's own race, every client must retry
cut       a fresh connection ended before the whole answer was there
timeout   no answer in the time that the client gives it
own       the client itself hung up
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import struct
from typing import Any, NamedTuple

import gevent

Address = tuple[str, int]
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 seconds: closing sends RST


class Failed(Exception):
    """`how`: see the module."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class Response(NamedTuple):
    status: int
    headers: dict[str, str]  # names in lower case
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw) if self.raw else None

    @property
    def retry_after(self) -> str | None:
        return self.headers.get("retry-after")


class Wire:
    """One client's connections: at most one request at a time, at most one idle connection per address."""

    def __init__(self, token: str = "") -> None:
        self.token = token
        self._idle: dict[Address, http.client.HTTPConnection] = {}
        self._current: http.client.HTTPConnection | None = None
        self._hung_up = False

    def request(
        self, address: Address, method: str, path: str, body: Any = None, timeout: float = 15, fresh: bool = False
    ) -> Response:
        """One request, `timeout` seconds in all. Raises Failed."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None
        if isinstance(body, bytes):  # a file
            data, headers["Content-Type"] = body, "application/octet-stream"
        elif body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        connection = self._idle.pop(address, None)
        if connection is not None and fresh:
            connection.close()
            connection = None
        reused = connection is not None
        self._hung_up = False
        try:
            with gevent.Timeout(timeout, TimeoutError()):
                if connection is None:
                    connection = _connect(address, timeout)
                self._current = connection
                connection.request(method, path, data, headers)
                with connection.getresponse() as answer:
                    names = {name.lower(): value for name, value in answer.getheaders()}
                    response = Response(answer.status, names, answer.read())
                    closing = answer.will_close
        except (OSError, http.client.HTTPException) as error:
            if connection is not None:
                connection.close()
            raise Failed(self._why(error, reused)) from error
        finally:
            self._current = None
        if closing:
            connection.close()
        else:
            self._idle[address] = connection
        return response

    def hang_up(self, reset: bool = False) -> bool:
        """End the request that is under way, as a client does that vanishes; False where there is none."""
        line = self._current.sock if self._current else None
        if line is None:
            return False
        self._hung_up = True
        with contextlib.suppress(OSError):
            if reset:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            # The greenlet that reads sees the end, and closes; with the option above that sends RST.
            line.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
        return True

    def close(self) -> None:
        """Close what is idle."""
        for connection in self._idle.values():
            connection.close()
        self._idle.clear()

    def _why(self, error: Exception, reused: bool) -> str:
        if self._hung_up:
            return "own"
        if isinstance(error, TimeoutError):
            return "timeout"
        if isinstance(error, _Refused):
            return "refused"
        return "stale" if reused and isinstance(error, ConnectionError) else "cut"


class _Refused(ConnectionError):
    pass


def _connect(address: Address, timeout: float) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(*address, timeout=timeout)
    try:
        connection.connect()
    except TimeoutError:
        raise
    except OSError as error:
        raise _Refused(str(error)) from error
    return connection
