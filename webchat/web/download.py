"""Files on their way out: whole or in part, in pieces, and harmless whatever they are.

Only pictures of the kinds that we have looked at are shown in place; everything else is saved, as octets. No browser
guesses another type, runs anything in it, or shows it on another site's page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import quote

import falcon

from webchat.logic.files import PICTURES, Content

PIECE = 256 * 1024  # bytes read and sent at once
YEAR = 31_536_000  # seconds
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Vary": "Authorization, Cookie, X-Webchat-Session",
    "Accept-Ranges": "bytes",
}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_PLAIN_NAME = re.compile(r"[^A-Za-z0-9 !#$&+.^_`|~()-]")

Read = Callable[[Content, int, int], bytes]


def download(req: falcon.Request, resp: falcon.Response, content: Content, read: Read, for_ever: bool = True) -> None:
    """Answer with the content; `for_ever`: under this address there will never be another."""
    etag = f'"{content.version}"'
    resp.set_headers(_SAFE)
    resp.set_header("Cache-Control", f"private, max-age={YEAR}, immutable" if for_ever else "private, no-cache")
    resp.set_header("ETag", etag)
    if etag in [tag.strip().removeprefix("W/") for tag in (req.get_header("If-None-Match") or "").split(",")]:
        content.file.close()
        resp.status = 304
        return
    resp.content_type = content.type
    resp.set_header("Content-Disposition", disposition(content))
    start, end = 0, content.size
    asked = _RANGE.fullmatch(req.get_header("Range") or "") if req.get_header("If-Range") in (None, etag) else None
    if asked is not None and asked[0] != "bytes=-":
        start, end = _part(asked[1], asked[2], content.size)
        if start >= end:
            content.file.close()
            raise falcon.HTTPRangeNotSatisfiable(content.size)
        resp.status = 206
        resp.set_header("Content-Range", f"bytes {start}-{end - 1}/{content.size}")
    resp.set_stream(Pieces(content, read, start, end), end - start)


def disposition(content: Content) -> str:
    """RFC 6266: the name twice, for those who know Unicode (RFC 8187) and those who do not."""
    how = "inline" if content.type in PICTURES else "attachment"
    plain = _PLAIN_NAME.sub("_", content.name)
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(content.name, safe='')}"


def _part(first: str, last: str, size: int) -> tuple[int, int]:
    """From where to where, as Python counts."""
    if not first:
        return max(0, size - _number(last)), size
    return _number(first), min(size, _number(last) + 1) if last else size


def _number(digits: str) -> int:
    """As many as one likes; of what no file reaches, only that it is as much."""
    return int(digits.lstrip("0")[:19] or "0")


class Pieces:
    """The body: read as it is sent, so that no file is ever in memory as a whole. `close` it."""

    def __init__(self, content: Content, read: Read, start: int, end: int) -> None:
        self._content = content
        self._read = read
        self._start = start
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        at = self._start
        while at < self._end:
            piece = self._read(self._content, at, min(PIECE, self._end - at))
            if not piece:
                raise OSError("a file that does not change has become shorter")  # all that is left is to hang up
            at += len(piece)
            yield piece

    def close(self) -> None:
        self._content.file.close()
