"""Raw sockets on epoll: non-blocking, kept alive, one request at a time on each connection; and a clock for timers.

No gevent and no asyncio: what the client spends, the server on the same cores does not get. Towards loopback the
connections come from 127.0.0.1 to 127.0.0.8, for one address has only some 28,000 ports to one server.
"""

from __future__ import annotations

import contextlib
import errno
import heapq
import itertools
import select
import socket
import time
from collections.abc import Callable
from typing import Protocol

from tests.load.responses import Malformed, Parser, Response

Address = tuple[str, int]
IP_BIND_ADDRESS_NO_PORT = getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24)  # Linux; the port is chosen at `connect`
SOURCES = [f"127.0.0.{last}" for last in range(1, 9)]
EVENTS_MAX = 512  # of one look at epoll
IN_HAND = (errno.EINPROGRESS, errno.EAGAIN)


class Owner(Protocol):
    """Who uses a line."""

    def answered(self, line: Line, response: Response) -> None: ...

    def lost(self, line: Line) -> None:
        """The connection is gone, with or without a request under way; the line has been closed."""


class Line:
    """One connection. `busy` while an answer is awaited; `used`: when the last request was written (seconds)."""

    __slots__ = ("_out", "busy", "node", "owner", "parser", "sock", "used")

    def __init__(self, sock: socket.socket, node: int, owner: Owner) -> None:
        self.sock = sock
        self.node = node
        self.owner = owner
        self.parser = Parser()
        self.busy = False
        self.used = 0.0
        self._out = b""  # what could not be written yet; while connecting, all of it


class Net:
    """All lines of one process."""

    def __init__(self, addresses: list[Address]) -> None:
        self._addresses = addresses
        self._epoll = select.epoll()
        self._lines: dict[int, Line] = {}
        self._watched: dict[int, Callable[[], None]] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = itertools.count()

    # --- lines

    def open(self, node: int, owner: Owner) -> Line:
        """A new line to this node; what is written before it is connected waits. Raises OSError."""
        host, port = self._addresses[node]
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if host.startswith("127."):
                sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                sock.bind((SOURCES[next(self._serial) % len(SOURCES)], 0))
            failed = sock.connect_ex((host, port))
            if failed and failed not in IN_HAND:
                raise OSError(failed, f"cannot connect to {host}:{port}")
        except OSError:
            sock.close()
            raise
        line = Line(sock, node, owner)
        self._lines[sock.fileno()] = line
        self._epoll.register(sock.fileno(), select.EPOLLIN | (select.EPOLLOUT if failed else 0))
        return line

    def request(self, line: Line, data: bytes) -> None:
        """Write a request; its answer goes to the owner. A line that is gone tells so in the next turn."""
        line.busy = True
        line.used = time.monotonic()
        if line._out:
            line._out += data
            return
        try:
            written = line.sock.send(data)
        except BlockingIOError:
            written = 0
        except OSError:
            return  # epoll reports the same in a moment
        if written < len(data):
            line._out = data[written:]
            self._epoll.modify(line.sock.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def close(self, line: Line) -> None:
        """Close it without a word to its owner."""
        self._lines.pop(line.sock.fileno(), None)
        line.busy = False
        line.sock.close()  # which takes it out of epoll

    @staticmethod
    def idle(line: Line) -> float:
        """Seconds since its last request was written."""
        return time.monotonic() - line.used

    # --- time, and other descriptors

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        self.at(time.monotonic() + seconds, act)

    def at(self, when: float, act: Callable[[], None]) -> None:
        """At this time of time.monotonic()."""
        heapq.heappush(self._timers, (when, next(self._serial), act))

    def watch(self, descriptor: int, act: Callable[[], None]) -> None:
        """Whenever this descriptor can be read."""
        self._watched[descriptor] = act
        self._epoll.register(descriptor, select.EPOLLIN)

    def turn(self) -> None:
        """Wait for whatever comes next, and do all that is due."""
        timers = self._timers
        wait = max(0.0, timers[0][0] - time.monotonic()) if timers else 1.0
        for descriptor, event in self._epoll.poll(wait, EVENTS_MAX):
            line = self._lines.get(descriptor)
            if line is None:
                if descriptor in self._watched:
                    self._watched[descriptor]()
                continue
            if event & select.EPOLLOUT:
                self._write(line)
            if event & ~select.EPOLLOUT:
                self._read(line)
        now = time.monotonic()
        while timers and timers[0][0] <= now:
            heapq.heappop(timers)[2]()

    def _write(self, line: Line) -> None:
        try:
            written = line.sock.send(line._out) if line._out else 0
        except BlockingIOError:
            return
        except OSError:
            return  # `_read` sees it
        line._out = line._out[written:]
        if not line._out:
            with contextlib.suppress(OSError):
                self._epoll.modify(line.sock.fileno(), select.EPOLLIN)

    def _read(self, line: Line) -> None:
        try:
            data = line.sock.recv(65_536)
            responses = line.parser.feed(data) if data else []
        except BlockingIOError:
            return
        except (OSError, Malformed):
            data = b""
        if not data:
            self.close(line)
            line.owner.lost(line)
            return
        for response in responses:
            line.busy = False
            line.owner.answered(line, response)
