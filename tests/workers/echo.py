"""A WSGI application that tells what it saw, and answers in every way that WSGI knows.

It serves `test_plain`, in the worker under test and in the stock one. The path chooses: `/read/NAME` how the body is
read, `/answer/NAME` how it is answered; everything else reads the whole body and tells. `/counts` tells how often
each answer was asked for, and how often its iterable was closed.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gevent

Environ = dict[str, Any]
Way = Callable[[Environ, Callable[..., Any]], Iterable[Any]]
TEXT = ("Content-Type", "text/plain")
HUGE = 8 << 20  # bytes; more than the kernel takes of an answer that nobody reads
OBJECTS = ("wsgi.errors", "wsgi.input", "wsgi.early_hints", "wsgi.file_wrapper", "gunicorn.socket")
QUICK = "comet."  # what begins so is in the environ of our worker alone, and when the quick way was taken
PORTS = ("REMOTE_PORT", "SERVER_PORT")

called: Counter[str] = Counter()
closed: Counter[str] = Counter()


def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
    _, kind, name = [*environ["PATH_INFO"].split("/", 2), "", ""][:3]
    if kind == "answer":
        called[name] += 1
        return ANSWERS[name](environ, start_response)
    read = READS[name] if kind == "read" else READS["whole"]
    seen = {key: value for key, value in environ.items() if not key.startswith((*OBJECTS, *PORTS, QUICK))}
    seen["objects"] = sorted(key for key in OBJECTS if key in environ)
    seen["ports"] = all(environ[key].isdigit() for key in PORTS)
    told: dict[str, Any] = {"fast": int("comet.holds" in environ), "seen": seen}
    told["body"] = [piece.decode("latin-1") for piece in read(environ["wsgi.input"])]
    if kind == "counts":
        told = {"called": called, "closed": closed}
    body = json.dumps(told, sort_keys=True).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


READS: dict[str, Callable[[Any], Iterable[bytes]]] = {
    "whole": lambda body: [body.read()],
    "nothing": lambda _: [],
    "some": lambda body: [body.read(3), body.read(0)],
    "pieces": lambda body: iter(lambda: body.read(5), b""),
    "a line": lambda body: [body.readline()],
    "short lines": lambda body: iter(lambda: body.readline(4), b""),
    "lines": lambda body: body.readlines(),
    "iterated": lambda body: body,
    "mixed": lambda body: [body.readline(), body.read(2), *body.readlines(), body.read()],
    "beyond": lambda body: [body.read(1 << 20), body.read(), body.read(1), body.readline()],
}


class Closing:
    """An iterable whose `close` is counted."""

    def __init__(self, name: str, pieces: Iterable[Any]) -> None:
        self._name = name
        self._pieces = pieces

    def __iter__(self) -> Iterator[Any]:
        return iter(self._pieces)

    def close(self) -> None:
        closed[self._name] += 1


class Sized(Closing):
    """The same, with a length: the server may take its only piece as the whole answer."""

    def __len__(self) -> int:
        return 1


def fixed(
    pieces: Iterable[Any], *headers: Any, status: Any = "200 OK", kind: Callable[[str, Any], Any] = lambda _, got: got
) -> Way:
    """An answer that is known beforehand."""

    def way(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
        start_response(status, [TEXT, *headers])
        answer: Iterable[Any] = kind(environ["PATH_INFO"].removeprefix("/answer/"), pieces)
        return answer

    return way


def failing(error: BaseException, *pieces: bytes, headers: tuple[Any, ...] = (), late: bool = True) -> Way:
    """An answer that breaks after these pieces, in its iteration (`late`) or after having `write` them."""

    def way(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
        write = start_response("200 OK", [TEXT, *headers])
        if not late:
            for piece in pieces:
                write(piece)
            raise error
        return Closing(environ["PATH_INFO"].removeprefix("/answer/"), steps())

    def steps() -> Iterator[bytes]:
        yield from pieces
        raise error

    return way


def no_start(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
    return [b"x"]


def start_late(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
    start_response("200 OK", [TEXT])
    yield b"late"


def start_twice(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
    start_response("200 OK", [TEXT])
    start_response("201 Created", [TEXT])
    return [b"x"]


def start_again(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
    start_response("200 OK", [("X-Old", "1"), ("Content-Length", "3")])
    try:
        raise KeyError("mended")
    except KeyError as error:
        start_response("500 Oops", [("X-New", "1"), ("Content-Length", "5")], (KeyError, error, error.__traceback__))
    return [b"sorry"]


def start_too_late(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
    start_response("200 OK", [TEXT, ("Content-Length", "9")])(b"out")
    try:
        raise KeyError("too late")
    except KeyError as error:
        start_response("500 Oops", [TEXT], (KeyError, error, error.__traceback__))
    return [b"never"]


def caught(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
    """An application that looks whether its headers are accepted."""
    try:
        start_response("200 OK", [("X", "a\r\nb")])
    except Exception as error:  # noqa: BLE001  whatever the server says
        start_response("502 Told", [TEXT], (type(error), error, error.__traceback__))
    return [b"told"]


def changed(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
    headers = [TEXT, ("X-Was", "here")]
    start_response("200 OK", headers)
    headers.clear()
    return [b"x"]


def written(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
    write = start_response("200 OK", [TEXT])
    write(b"one, ")
    write(b"")
    write(b"two, ")
    return [b"three"]


def file(*headers: tuple[str, str]) -> Way:
    def way(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
        content = tempfile.TemporaryFile()  # noqa: SIM115  the server closes it
        content.write(b"0123456789" * 1000)
        content.seek(5)
        start_response("200 OK", [TEXT, *headers])
        wrapped: Iterable[Any] = environ["wsgi.file_wrapper"](content)
        return wrapped

    return way


def memory_file(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
    start_response("200 OK", [TEXT])
    wrapped: Iterable[Any] = environ["wsgi.file_wrapper"](io.BytesIO(b"0123456789" * 1000))
    return wrapped


def hinted(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
    environ["wsgi.early_hints"]([("Link", "</a.css>; rel=preload")])
    start_response("200 OK", [TEXT])
    return [b"x"]


def badly_hinted(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
    environ["wsgi.early_hints"]([("Link", "a\r\nSet-Cookie: b")])
    return [b"x"]


class AfterTheEnd(Sized):
    """Does in its `close` what comes too late then."""

    def __init__(self, name: str, do: Callable[[], Any]) -> None:
        super().__init__(name, [b"done"])
        self._do = do

    def close(self) -> None:
        super().close()
        self._do()


def hinted_too_late(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
    start_response("200 OK", [TEXT, ("Content-Length", "4")])
    return AfterTheEnd("hinted too late", lambda: environ["wsgi.early_hints"]([("Link", "</a.css>")]))


def written_too_late(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
    write = start_response("200 OK", [TEXT, ("Content-Length", "4")])
    return AfterTheEnd("written too late", lambda: write(b"more"))


def failing_close(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
    start_response("200 OK", [TEXT, ("Content-Length", "4")])
    return AfterTheEnd("failing close", lambda: 1 // 0)


def logged(environ: Environ, start_response: Callable[..., Any]) -> Iterable[Any]:
    environ["wsgi.errors"].write("told by the application\n")
    start_response("200 OK", [TEXT])
    return [b"x"]


LENGTH_4 = ("Content-Length", "4")
ANSWERS: dict[str, Way] = {
    "one piece": fixed([b"x"]),
    "one piece with length": fixed([b"four"], LENGTH_4),
    "nothing": fixed([]),
    "an empty piece": fixed([b""]),
    "several pieces": fixed([b"a", b"", b"b"]),
    "several with length": fixed([b"fo", b"ur"], LENGTH_4),
    "closed iterable": fixed([b"a", b"b"], kind=Closing),
    "closed, sized": fixed([b"four"], kind=Sized),
    "closed, sized, with length": fixed([b"four"], LENGTH_4, kind=Sized),
    "closed, sized, 204": fixed([b""], status="204 No Content", kind=Sized),
    "closed, sized, too long": fixed([b"fours"], LENGTH_4, kind=Sized),
    "closed, sized, hop by hop": fixed([b"four"], ("Connection", "close"), kind=Sized),
    "closed, sized, bad header": fixed([b"four"], ("X", "a\nb"), kind=Sized),
    "too long": fixed([b"fours"], LENGTH_4),
    "too long, in pieces": fixed([b"fo", b"urs", b"x"], LENGTH_4),
    "too short": fixed([b"f"], LENGTH_4),
    "length twice": fixed([b"four"], LENGTH_4, LENGTH_4),
    "lengths that differ": fixed([b"four"], LENGTH_4, ("Content-Length", "5")),
    "length with zeros": fixed([b"four"], ("content-length", "004")),
    "length with spaces": fixed([b"four"], ("Content-Length", " 4 ")),
    "length that is none": fixed([b"four"], ("Content-Length", "four")),
    "own transfer-encoding": fixed([b"four"], ("Transfer-Encoding", "chunked")),
    "204": fixed([], status="204 No Content"),
    "204 with body": fixed([b"body"], LENGTH_4, status="204 No Content"),
    "304": fixed([], LENGTH_4, status="304 Not Modified"),
    "304 with body": fixed([b"body"], status="304 Not Modified"),
    "404": fixed([b"no"], status="404 Not Found"),
    "no reason": fixed([b"x"], status="200"),
    "empty reason": fixed([b"x"], status="200 "),
    "odd reason": fixed([b"x"], status="200 \u00e9t\u00e9\t!"),
    "bad status": fixed([b"x"], status="OK"),
    "status over lines": fixed([b"x"], status="200 OK\r\nX: y"),
    "status in bytes": fixed([b"x"], status=b"200 OK"),
    "empty status": fixed([b"x"], status=""),
    "hop by hop": fixed([b"x"], ("Connection", "close"), ("Keep-Alive", "timeout=1"), ("TE", "gzip")),
    "upgrade": fixed([], ("Connection", "upgrade"), ("Upgrade", "websocket")),
    "own server and date": fixed([b"x"], ("Server", "mine"), ("Date", "today")),
    "header over lines": fixed([b"x"], ("X", "secret\r\nSet-Cookie: a=b")),
    "header with zero": fixed([b"x"], ("X", "secret\0")),
    "header beyond latin-1": fixed([b"x"], ("X", "\u20ac")),
    "header in latin-1": fixed([b"x"], ("X", "\u00e9")),
    "header with spaces": fixed([b"x"], ("X", " \t padded \t ")),
    "empty header": fixed([b"x"], ("X", "")),
    "bad name": fixed([b"x"], ("X Y", "1")),
    "empty name": fixed([b"x"], ("", "1")),
    "name over lines": fixed([b"x"], ("X\r\nY", "1")),
    "name in bytes": fixed([b"x"], (b"X", "1")),
    "value is a number": fixed([b"x"], ("X", 1)),
    "header is a list": fixed([b"x"], ["X", "1"]),
    "header of three": fixed([b"x"], ("X", "1", "2")),
    "cookies": fixed([b"x"], ("Set-Cookie", "a=b"), ("Set-Cookie", "c=d"), ("set-cookie", "a=b")),
    "text": fixed(["text"]),
    "text, sized": fixed("t"),
    "bytes for an iterable": fixed(b"x"),
    "number": fixed([1]),
    "bytearray": fixed([bytearray(b"x")]),
    "started late": start_late,
    "started never": no_start,
    "started twice": start_twice,
    "started again": start_again,
    "started too late": start_too_late,
    "caught": caught,
    "changed headers": changed,
    "written": written,
    "file": file(),
    "file with length": file(("Content-Length", "20")),
    "file in memory": memory_file,
    "hints": hinted,
    "bad hints": badly_hinted,
    "hinted too late": hinted_too_late,
    "written too late": written_too_late,
    "failing close": failing_close,
    "logged": logged,
    "huge": fixed([b"h" * HUGE]),
    "huge, in pieces": fixed([b"h" * (HUGE // 8)] * 8),
    "fails": failing(KeyError("secret"), late=False),
    "fails at the first piece": failing(KeyError("secret")),
    "fails after a piece": failing(KeyError("secret"), b"out"),
    "fails after a piece with length": failing(KeyError("secret"), b"out", headers=(("Content-Length", "2000"),)),
    "fails after a write": failing(KeyError("secret"), b"out", late=False),
    "fails with OSError": failing(FileNotFoundError(2, "secret"), late=False),
    "fails with OSError at the first piece": failing(FileNotFoundError(2, "secret")),
    "fails with OSError after a piece": failing(FileNotFoundError(2, "secret"), b"out"),
    "fails with OSError after a write": failing(FileNotFoundError(2, "secret"), b"out", late=False),
    "fails with EPIPE": failing(BrokenPipeError(32, "the database's"), late=False),
    "times out": failing(gevent.Timeout(1), late=False),
    "times out at the first piece": failing(gevent.Timeout(1)),
    "times out after a piece": failing(gevent.Timeout(1), b"out"),
    "is killed": failing(gevent.GreenletExit(), late=False),
    "stops": failing(StopIteration(), late=False),
    "exits": failing(SystemExit(1), late=False),
    "exits at the first piece": failing(SystemExit(1)),
}
