"""An answer that is not there yet: the request is held in the server's hands, after Falcon has let go of it.

A long poll spends nearly all of its life waiting. Inside a responder it would keep Falcon's request and response,
the WSGI environ and a greenlet with a stack of frames alive meanwhile. So where the server can, it waits one step
later: the responder returns, and what it returns is the body: an iterable of length 1, whose only piece does not exist
yet. PEP 3333 has all that this needs: its Content-Length is known with the piece, and until that is there
`start_response` may be called again, for an error.

A server that can do that puts `comet.holds` into the environ; ours does (`workers.exchange`). It does not iterate such
a body but looks for its piece, and looks again when it is called, so that nobody waits in between. Under any other
server the responder waits.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import falcon
from gevent.event import Event

from webchat.web import problems

HOLDS = "comet.holds"
START_RESPONSE = "webchat.start_response"

Finish = Callable[[falcon.Response], None]


def can_hold(req: falcon.Request) -> bool:
    return HOLDS in req.env


class Held(ABC):
    """The body of a held GET. `finish` gets the answer to an error of `find`, as the middleware would have.

    Thousands of them wait: it is small.
    """

    __slots__ = ("_finish", "_path", "_start_response")

    def __init__(self, req: falcon.Request, finish: Finish) -> None:
        self._finish = finish
        self._path = req.path
        self._start_response: Callable[..., Any] = req.env[START_RESPONSE]

    @abstractmethod
    def find(self, wake: Callable[[], object]) -> bytes | None:
        """The piece; None where it is not there yet: then `wake` is called once, when it is time to look again."""

    @abstractmethod
    def gone(self) -> None:
        """Nobody waits for it any more: `wake`, and do not wait any more."""

    @abstractmethod
    def close(self) -> None:
        """It will not be looked for again; called in any case."""

    def look(self, wake: Callable[[], object]) -> bytes | None:
        """The same as `find`, or the answer to its error."""
        try:
            return self.find(wake)
        except Exception as error:  # noqa: BLE001  it is answered like a responder's
            resp = problems.of(error, "GET", self._path)
            self._finish(resp)
            status = falcon.code_to_http_status(resp.status)
            self._start_response(status, list(resp.headers.items()), sys.exc_info())
            return resp.data or b""

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[bytes]:
        """Where the answer's headers are such that it has to be streamed."""
        bell = Event()
        while (piece := self.look(bell.set)) is None:
            bell.wait()
            bell.clear()
        yield piece
