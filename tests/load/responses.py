"""HTTP/1.1 responses, cut out of a stream of bytes: by Content-Length, by chunks, or without a body.

Made for a client that shares its cores with the server it measures: the usual answer arrives in one piece and is
cut with a handful of slices. A response whose end is the end of the connection is refused: no long-poll server
that keeps connections sends such a thing.
"""

from __future__ import annotations

from typing import NamedTuple

NO_BODY = (204, 304)
HEAD_MAX = 65_536  # bytes


class Malformed(ValueError):
    """No HTTP/1.1 response of a kind that is understood here."""


class Response(NamedTuple):
    """`headers`: names in lower case; of several with one name, the last. `closes`: it is the connection's last."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes
    closes: bool


class Parser:
    """One connection's stream. Every request on it is answered before the next one is made."""

    __slots__ = ("_buffer", "_wanted")

    def __init__(self) -> None:
        self._buffer = b""
        self._wanted = 0  # bytes without which another look is in vain

    def feed(self, data: bytes) -> list[Response]:
        """The responses that these bytes complete. Raises Malformed."""
        if self._buffer:
            data = self._buffer + data
        found = []
        while data and len(data) >= self._wanted:
            response, end = self._first(data)
            if response is None:
                break
            data = data[end:]
            self._wanted = 0
            if response.status >= 200:  # 100 Continue and its kind announce the real one
                found.append(response)
        self._buffer = data
        return found

    def _first(self, data: bytes) -> tuple[Response | None, int]:
        """The first response and where it ends; None while it is not all there."""
        end_of_head = data.find(b"\r\n\r\n")
        if end_of_head < 0:
            if not b"HTTP/1.1 ".startswith(data[:9]) or len(data) > HEAD_MAX:
                raise Malformed(f"not an HTTP/1.1 response: {data[:60]!r}")
            return None, 0
        status, headers = _head(data[:end_of_head])
        start = end_of_head + 4
        length = headers.get(b"content-length")
        body: bytes | None
        if length is not None and b"transfer-encoding" not in headers:
            if not length.isdigit():
                raise Malformed(f"Content-Length: {length!r}")
            end = start + int(length)
            self._wanted = end
            body = data[start:end] if len(data) >= end else None
        elif headers.get(b"transfer-encoding", b"").lower() == b"chunked":
            body, end = _dechunk(data, start)
        elif status < 200 or status in NO_BODY:
            body, end = b"", start
        else:
            raise Malformed("neither Content-Length nor chunked: its end would be the connection's")
        if body is None:
            return None, 0
        return Response(status, headers, body, headers.get(b"connection", b"").lower() == b"close"), end


def _head(head: bytes) -> tuple[int, dict[bytes, bytes]]:
    """Status and headers. Raises Malformed."""
    status_line, *lines = head.split(b"\r\n")
    if not status_line.startswith(b"HTTP/1.1 ") or not status_line[9:12].isdigit():
        raise Malformed(f"not an HTTP/1.1 response: {status_line[:60]!r}")
    headers = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    return int(status_line[9:12]), headers


def _dechunk(data: bytes, at: int) -> tuple[bytes | None, int]:
    """The body from `at` on and where it ends; None while it is not all there. Raises Malformed."""
    parts = []
    while True:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            return None, 0
        try:
            size = int(data[at:line_end].partition(b";")[0], 16)
        except ValueError:
            raise Malformed(f"chunk size {data[at : at + 20]!r}") from None
        at = line_end + 2
        if size == 0:
            break
        if len(data) < at + size + 2:
            return None, 0
        parts.append(data[at : at + size])
        at += size + 2
    while True:  # trailers, up to an empty line
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            return None, 0
        if line_end == at:
            return b"".join(parts), at + 2
        at = line_end + 2
