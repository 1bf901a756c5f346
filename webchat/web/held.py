"""An answer that is not there yet: the request is held in the server's hands, after Falcon has let go of it.

A long poll spends nearly all of its life waiting. Inside a responder it would keep Falcon's request and response,
the WSGI environ and a stack of frames alive meanwhile. So where the server can, it waits one step later: the
responder returns, and the wait is in the iterable that WSGI takes the body from. PEP 3333 has all that this needs:
an iterable whose length is 1 is one piece (so its Content-Length is known with it), and until that piece is there
`start_response` may be called again, for an error.

A server that can do that puts `comet.holds` into the environ; ours does (`workers.exchange`), and asks for the `piece`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import falcon

from webchat.web import problems

HOLDS = "comet.holds"
START_RESPONSE = "webchat.start_response"

Finish = Callable[[falcon.Response], None]


def hold(req: falcon.Request, resp: falcon.Response, wait: Callable[[], bytes], finish: Finish) -> None:
    """Answer with what `wait` returns: later where the server can hold the request, else here and now.

    `finish` gets the answer to an error that `wait` raised later, as the middleware would have.
    """
    if HOLDS in req.env:
        resp.stream = Held(wait, finish, req.env[START_RESPONSE], req.path)
    else:
        resp.data = wait()


class Held:
    """The body of a held GET: one piece, as soon as it exists."""

    __slots__ = ("_finish", "_path", "_start_response", "_wait")

    def __init__(
        self, wait: Callable[[], bytes], finish: Finish, start_response: Callable[..., Any], path: str
    ) -> None:
        self._wait = wait
        self._finish = finish
        self._start_response = start_response
        self._path = path

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[bytes]:
        return iter((self.piece(),))

    def piece(self) -> bytes:
        """The same, for a server that knows: a call from C in between costs each poll that waits another 2 KiB."""
        try:
            return self._wait()
        except Exception as error:  # noqa: BLE001  it is answered like a responder's
            resp = problems.of(error, "GET", self._path)
            self._finish(resp)
            status = falcon.code_to_http_status(resp.status)
            self._start_response(status, list(resp.headers.items()), sys.exc_info())
            return resp.data or b""
