"""One plain request and its answer: the WSGI contract (PEP 3333), and one `send`.

The answer of nearly every call is one piece of bytes under a few well-known headers: it is put on the wire here, head
and body together. Any other answer (streamed, without a body by its status, with odd headers, begun by `write`) goes
through gunicorn's own `Response`.

An application may return an iterable of length 1 whose piece does not exist yet, and wait in it (`webchat.holds` in
the environ says so). Meanwhile nothing of the request is kept here but its method and its target.
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
    _make_early_hints_callback,
    base_environ,
)
from gunicorn.util import is_hoppish

from workers.plain import Plain

Headers = list[tuple[str, str]]

_LINES_MAX = 512  # header lines kept ready; what an application answers with hardly varies
_BODILESS = ("204", "304")
_lines: dict[tuple[str, str], str] = {}
_date_line: tuple[int, str] = (0, "")


class Broken(Exception):
    """The application failed (`__cause__`) when a part of its answer was out: all that is left is to hang up."""


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
        "_client",
        "_headers",
        "_method",
        "_response",
        "_status",
        "_target",
        "_worker",
        "close",
        "rest",
    )

    def __init__(self, worker: Worker, client: Any, plain: Plain) -> None:
        self._worker = worker
        self._client = client
        self._method: str = plain.environ["REQUEST_METHOD"]
        self._target: str = plain.environ["RAW_URI"]
        self.close = plain.close
        self._status = ""
        self._headers: Headers = []
        self._response: Response | None = None
        self.rest = b""
        self._body: Body | None = None

    # --- the request

    def call(self, plain: Plain, data: bytes) -> Iterable[bytes]:
        """Call the application; what it returns. `data` begins with the request."""
        environ = plain.environ
        environ.update(_environ(self._worker.cfg))
        environ["wsgi.input"] = self._input(data, plain.head, plain.length)
        environ["wsgi.early_hints"] = self.send_early_hints
        environ["gunicorn.socket"] = self._client
        return self._worker.wsgi(environ, self.start_response)

    def _input(self, data: bytes, head: int, length: int) -> Any:
        """The body: what has arrived already, or gunicorn's reader for what has not."""
        end = head + length
        if end <= len(data):
            self.rest = data[end:]
            return io.BytesIO(data[head:end])
        unreader = SocketUnreader(self._client)
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
                while self._body.read(1024):
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
        self._headers = headers
        return self._write

    def send_early_hints(self, headers: Headers) -> None:
        request = Request(self._method, self._target, self.close)
        _make_early_hints_callback(request, self._client, self)(headers)

    @property
    def headers_sent(self) -> bool:
        return self._response is not None and bool(self._response.headers_sent)

    def answer(self, body: Iterable[bytes]) -> None:
        """Send what the application returned. Raises what it raised, as `Broken` where it is too late to say so."""
        try:
            if self._response is None and isinstance(body, Sized) and len(body) <= 1:
                piece = b"".join(body)  # here a held request waits
                self.close = self.close or not self._worker.alive
                head = self._head(piece)
                if head is not None:
                    send(self._client, head + piece)
                    return
                body = (piece,)
            self._stream(body)
        except OSError:
            raise  # the client's
        except Exception as error:
            if self.headers_sent:
                raise Broken from error
            raise
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        if self._body is not None and not self.close:
            self._finish_body()

    def _head(self, piece: bytes) -> bytes | None:
        """The whole head of an answer of one piece; None where gunicorn has to look at it."""
        status = self._status
        if not status or status[0] == "1" or status[:3] in _BODILESS:
            return None
        length = str(len(piece))
        lines = ""
        for header in self._headers:
            line = _lines.get(header)
            if line is None:
                if header[0].lower() == "content-length":
                    if header[1] != length:
                        return None
                    continue
                line = _checked(*header)
                if line is None:
                    return None
            lines += line
        return (
            f"HTTP/1.1 {status}\r\nServer: {gunicorn.SERVER}\r\nDate: {_date()}\r\n"
            f"Connection: {'close' if self.close else 'keep-alive'}\r\n{lines}Content-Length: {length}\r\n\r\n"
        ).encode("latin-1")

    # --- gunicorn's way

    def _write(self, piece: bytes) -> None:
        self._gunicorns().write(piece)

    def _stream(self, body: Iterable[bytes]) -> None:
        response = None
        if isinstance(body, FileWrapper):
            response = self._gunicorns()
            response.write_file(body)
        else:
            for piece in body:  # whose first step may be what calls `start_response`
                response = response or self._gunicorns()
                response.write(piece)
        response = response or self._gunicorns()
        response.close()
        self.close = self.close or response.should_close()

    def _gunicorns(self) -> Response:
        if self._response is None:
            self.close = self.close or not self._worker.alive
            response = Response(Request(self._method, self._target, self.close), self._client, self._worker.cfg)
            response.start_response(self._status, self._headers)
            self._response = response
        return self._response


def send(client: Any, data: bytes) -> None:
    """All of `data`; in nearly every case the kernel takes it at once, and no greenlet has to wait."""
    try:
        sent = client._sock.send(data)
    except BlockingIOError:
        sent = 0
    if sent < len(data):
        client.sendall(data[sent:])


_base: dict[str, Any] = {}


def _environ(cfg: Config) -> dict[str, Any]:
    """What is the same in every environ of this process."""
    if not _base:
        _base.update(base_environ(cfg))
        _base.update({"wsgi.multithread": True, "SCRIPT_NAME": "", "webchat.holds": True})
    return _base


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
