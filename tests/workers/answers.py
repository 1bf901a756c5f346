"""What came back on a connection, taken apart: one `Answer` after another, and how it ended."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

BODILESS = (204, 304)
_DATE = re.compile(rb"\r\nDate: [^\r\n]*")
_FAST = re.compile(rb'"fast": \d, ')


class Answer(NamedTuple):
    """One answer. `seen`: what the application told, where it did; `fast`: the quick way was taken."""

    status: str
    framing: str  # length, chunked, until the end, none
    connection: str
    fields: tuple[tuple[str, str], ...]  # without those that `framing` and `connection` stand for; in order of name
    body: Any
    fast: bool


def parse(raw: bytes, head: bool = False) -> list[Answer]:
    """All answers in what was received; what is no answer becomes one with the status `garbage`.

    `head`: the first one answers a HEAD, so no body follows whatever its fields say.
    """
    answers = []
    raw = _DATE.sub(b"", raw)
    while raw:
        begin, found, rest = raw.partition(b"\r\n\r\n")
        lines = begin.decode("latin-1").split("\r\n")
        status = lines[0]
        if not found or not re.match(r"HTTP/1\.\d \d\d\d", status):
            answers.append(Answer("garbage", "", "", (), _FAST.sub(b"", raw).decode("latin-1"), False))
            break
        fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        body, framing, raw = _body(int(status[9:12]), fields, rest, head)
        told: Any = body.decode("latin-1")
        fast = False
        if ("content-type", "application/json") in fields and body and "cut off" not in framing:
            told = json.loads(body)
            fast = bool(told.pop("fast", 0))
        connection = ", ".join(value for name, value in fields if name == "connection")
        kept = (field for field in fields if field[0] not in ("connection", "transfer-encoding"))
        answers.append(Answer(status, framing, connection, tuple(sorted(kept)), told, fast))
        head = head and status[9] == "1"
    return answers


def _body(status: int, fields: list[tuple[str, str]], rest: bytes, head: bool) -> tuple[bytes, str, bytes]:
    """The body, how it was framed, and what follows it."""
    named = dict(fields)
    if head or status < 200 or status in BODILESS:
        return b"", "none", rest
    if "transfer-encoding" in named:
        body = b""
        while True:
            size, found, rest = rest.partition(b"\r\n")
            if not found:
                return body, "chunked, cut off", b""
            if not re.fullmatch(rb"[0-9A-F]+", size):
                return body, "chunked, broken", size + found + rest
            length = int(size, 16)
            body, rest = body + rest[:length], rest[length + 2 :]
            if not length:
                return body, named["transfer-encoding"], rest
    if "content-length" in named:
        length = int(named["content-length"].strip())
        return rest[:length], "length" if len(rest) >= length else "length, cut off", rest[length:]
    return rest, "until the end", b""
