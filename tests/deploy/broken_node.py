"""A node that takes requests and hangs up on them, now or later, or answers late; it remembers what it was sent."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from typing import NamedTuple, Self

from tests.client import Address

READY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Seen(NamedTuple):
    """One request as it arrived; `fields` by their names in lower case, doubles joined by a comma."""

    method: str
    path: str
    fields: dict[str, str]


class BrokenNode:
    """Answers health checks and the first `good` requests of each connection, then hangs up on the next one.

    `hold`: seconds until it answers one that is good.
    """

    def __init__(self, good: int = 0, hold: float = 0) -> None:
        self.seen: list[Seen] = []
        self._good = good
        self._hold = hold
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: Address = self._listener.getsockname()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def of(self, method: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        answered = 0
        with line, contextlib.suppress(OSError):
            while (seen := self._read(line)) is not None:
                if seen.path == "/readyz":
                    line.sendall(READY)
                    continue
                self.seen.append(seen)
                if answered >= self._good:
                    return
                answered += 1
                time.sleep(self._hold)
                line.sendall(READY)

    def _read(self, line: socket.socket) -> Seen | None:
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := line.recv(65536)):
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        missing = int(length[1]) - len(body) if length else 0
        while missing > 0 and (more := line.recv(65536)):
            missing -= len(more)
        first, *rest = head.decode("latin-1").split("\r\n")
        fields: dict[str, str] = {}
        for name, _, value in (field.partition(":") for field in rest):
            key = name.strip().lower()
            fields[key] = f"{fields[key]}, {value.strip()}" if key in fields else value.strip()
        method, path, _ = first.split(" ")
        return Seen(method, path, fields)
