"""One plain request and its answer: the WSGI contract (PEP 3333), and one `send`.

The answer of nearly every call is one piece of bytes under a few well-known headers: it is put on the wire here, head
and body together. Any other answer (streamed, without a body by its status, with odd headers, begun by `write`) goes
through gunicorn's own `Response`.

An application may return an iterable of length 1 whose piece does not exist yet (`comet.holds` in the environ says so).
It has three more methods then: `look(wake)` returns the piece, or None, and calls `wake` when it is time to look again;
`gone()` says that the client has left, and ends the wait as well; `close()` is WSGI's. Meanwhile no greenlet waits, and
nothing of the request is kept here but its method and its target.
"""

from __future__ import annotations

import email.utils
import io
import time
from collections.abc import Callable, Iterable, Sized
from typing import Any, Protocol

import gevent
import gunicorn
from gunicorn.config import Config
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.message import TOKEN_RE
from gunicorn.http.unreader import SocketUnreader
from gunicorn.http.wsgi import (
    HEADER_VALUE_RE,
    STATUS_RE,
    FileWrapper,
    Response,
    WSGIErrorsWrapper,
    _make_early_hints_callback,
    base_environ,
)
from gunicorn.util import is_hoppish

from workers.line import Line
from workers.plain import Plain

Headers = list[tuple[Any, Any]]  # strings, if the application keeps to the rules; that is looked at

_LINES_MAX = 512  # header lines kept ready; what an application answers with hardly varies
READ_PAST = 64 * 1024  # bytes at once; gunicorn's reader copies all that it holds for each piece
_BODILESS = ("204", "304")
_lines: dict[tuple[str, str], str] = {}
_date_line: tuple[int, str] = (0, "")


class Worker(Protocol):
    """What an exchange asks of its worker. While not `alive`, connections end with their next answer."""

    alive: bool
    cfg: Config
    wsgi: Callable[..., Iterable[bytes]]


class Request:
    """What gunicorn's `Response` wants to know of a request."""

    version = (1, 1)

    def __init__(self, method: str, target: str, close: bool) -> None:
        self.method = method
        self.uri = target
        self._close = close

    def should_close(self) -> bool:
        return self._close


class Exchange:
    """`start_response` for one request, and the way of its answer.

    `close`: the connection ends with it; else `rest` is what has been read beyond it, with which the next one begins.
    """

    __slots__ = (
        "_body",
        "_held",
        "_length",
        "_line",
        "_lines",
        "_method",
        "_response",
        "_sent",
        "_status",
        "_target",
        "_worker",
        "close",
        "rest",
    )

    def __init__(self, worker: Worker, line: Line, plain: Plain) -> None:
        self._worker = worker
        self._line = line
        self._method: str = plain.environ["REQUEST_METHOD"]
        self._target: str = plain.environ["RAW_URI"]
        self.close = plain.close
        self._status = ""
        self._lines = ""  # its headers, checked
        self._length: str | None = None  # the Content-Length among them
        self._sent = False
        self._response: Response | None = None
        self.rest = b""
        self._body: Body | None = None
        self._held: Any = None  # what the application returned, while its piece does not exist

    # --- the request

    def call(self, plain: Plain, data: bytes) -> Iterable[bytes]:
        """Call the application; what it returns. `data` begins with the request."""
        environ = plain.environ
        environ.update(_environ(self._worker.cfg))
        environ["wsgi.input"] = self._input(data, plain.head, plain.length)
        environ["wsgi.early_hints"] = self.send_early_hints
        environ["gunicorn.socket"] = self._line.client
        return self._worker.wsgi(environ, self.start_response)

    def _input(self, data: bytes, head: int, length: int) -> Any:
        """The body: what has arrived already, or gunicorn's reader for what has not."""
        end = head + length
        if end <= len(data):
            self.rest = data[end:]
            return io.BytesIO(data[head:end])
        unreader = SocketUnreader(self._line.client)
        unreader.unread(data[head:])
        self._body = Body(LengthReader(unreader, length))
        return self._body

    def _finish_body(self) -> None:
        """Read past what the application left of the body, as gunicorn does before it goes on."""
        if self._body is None:
            return
        self.close = True
        if not self._body.failed:
            with gevent.Timeout(self._worker.cfg.keepalive, False):
                while self._body.read(READ_PAST):
                    pass
                self.rest = self._body.reader.unreader.take_buffered()
                self.close = False

    # --- the answer

    def start_response(self, status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info:
            if self.headers_sent:
                raise exc_info[1].with_traceback(exc_info[2])
            self._response = None
        elif self._status:
            raise AssertionError("Response headers already set!")
        if not isinstance(status, str):
            raise TypeError(f"{status!r} is not a string")
        if not STATUS_RE.fullmatch(status):
            raise ValueError(f"Invalid status {status!r}")
        self._status = status
        if not self._take(headers):
            self._gunicorns(headers)
        return self._write

    def _take(self, headers: Headers) -> bool:
        """Make lines of the headers; false where gunicorn has to look at them."""
        lines = ""
        length = None
        if self._status[0] == "1" or self._status[:3] in _BODILESS:
            return False
        for name, value in headers:
            line = _lines.get((name, value))
            if line is None:
                if isinstance(name, str) and name.lower() == "content-length":
                    if length is not None:
                        return False
                    length = value
                    continue
                line = _checked(name, value)
                if line is None:
                    return False
            lines += line
        self._lines, self._length = lines, length
        return True

    def send_early_hints(self, headers: Headers) -> None:
        request = Request(self._method, self._target, self.close)
        _make_early_hints_callback(request, self._line.client, self)(headers)

    @property
    def headers_sent(self) -> bool:
        return self._sent or (self._response is not None and bool(self._response.headers_sent))

    def answer(self, body: Iterable[bytes], wake: Callable[[], object]) -> bool:
        """Send what the application returned, and read past what it left of the request.

        False where it does not exist yet: `wake` is called when it is time to `look`.
        """
        if self._response is None and hasattr(body, "look"):
            self._held = body
            return self.look(wake)
        try:
            if self._response is not None or not isinstance(body, Sized) or len(body) > 1:
                self._stream(body)
            else:
                self._send(b"".join(body))
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        if not self.close:
            self._finish_body()
        return True

    def look(self, wake: Callable[[], object]) -> bool:
        """The same for what is held."""
        body = self._held
        try:
            piece = body.look(wake)
            if piece is None:
                return False
            self._send(piece)
        except BaseException:
            body.close()
            raise
        self._held = None
        body.close()
        if not self.close:
            self._finish_body()
        return True

    def gone(self) -> None:
        """The client of a held request has left."""
        self._held.gone()

    def _send(self, piece: bytes) -> None:
        length = str(len(piece))
        if not self._status or self._response is not None or self._length not in (None, length):
            self._stream((piece,))
            return
        self.close = self.close or not self._worker.alive
        head = (
            f"HTTP/1.1 {self._status}\r\nServer: {gunicorn.SERVER}\r\nDate: {_date()}\r\n"
            f"Connection: {'close' if self.close else 'keep-alive'}\r\n{self._lines}Content-Length: {length}\r\n\r\n"
        ).encode("latin-1")
        self._sent = True
        send(self._line, head + piece)

    # --- gunicorn's way

    def _write(self, piece: bytes) -> None:
        if not self._sent:  # else it is too late
            self._begun().write(piece)

    def _stream(self, body: Iterable[bytes]) -> None:
        response = None
        if isinstance(body, FileWrapper):
            response = self._begun()
            response.write_file(body)
        else:
            for piece in body:  # whose first step may be what calls `start_response`
                response = response or self._begun()
                response.write(piece)
        response = response or self._begun()
        response.close()
        self.close = self.close or response.should_close()

    def _begun(self) -> Response:
        """gunicorn's response; from now on it decides."""
        response = self._response
        if response is None:
            if not self._status:
                raise AssertionError("start_response was not called")
            headers: Headers = [(name, value) for name, _, value in map(_parted, self._lines.split("\r\n")[:-1])]
            if self._length is not None:
                headers.append(("Content-Length", self._length))
            response = self._gunicorns(headers)
        if not self._worker.alive:
            response.force_close()
        return response

    def _gunicorns(self, headers: Headers) -> Response:
        response = Response(Request(self._method, self._target, self.close), self._line.client, self._worker.cfg)
        response.start_response(self._status, headers)
        self._response = response
        return response


def _parted(line: str) -> tuple[str, str, str]:
    return line.partition(": ")


def send(line: Line, data: bytes) -> None:
    """All of `data`; in nearly every case the kernel takes it at once, and no greenlet has to wait."""
    try:
        sent = line.raw.send(data)
    except BlockingIOError:
        sent = 0
    if sent < len(data):
        line.client.sendall(data[sent:])


_base: dict[str, Any] = {}


def _environ(cfg: Config) -> dict[str, Any]:
    """What is the same in every environ of this process."""
    if not _base:
        _base.update(base_environ(cfg))
        _base.update({"wsgi.multithread": True, "wsgi.errors": _Errors(cfg), "SCRIPT_NAME": "", "comet.holds": True})
    return _base


class _Errors(WSGIErrorsWrapper):  # type: ignore[misc]  # gunicorn is untyped
    """gunicorn makes one for each request: a log that was rotated is another stream."""

    def __init__(self, cfg: Config) -> None:
        self._cfg = cfg

    def write(self, data: str) -> None:
        super().__init__(self._cfg)
        super().write(data)


def _checked(name: Any, value: Any) -> str | None:
    """The header as a line, checked as gunicorn checks it; None where gunicorn would do anything but copy it."""
    if not isinstance(name, str) or not isinstance(value, str):
        return None
    if not TOKEN_RE.fullmatch(name) or not HEADER_VALUE_RE.fullmatch(value) or is_hoppish(name):
        return None
    line = "{}: {}\r\n".format(name, value.strip(" \t"))
    if len(_lines) >= _LINES_MAX:
        _lines.clear()
    _lines[name, value] = line
    return line


def _date() -> str:
    global _date_line  # noqa: PLW0603  one for everybody
    second = int(time.time())
    if second != _date_line[0]:
        _date_line = (second, email.utils.formatdate(second, usegmt=True))
    return _date_line[1]
