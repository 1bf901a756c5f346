"""One connection on the fast path. It has a greenlet only while there is something to do.

    resting ──something arrives──▶ serving ──answered──▶ resting
                                     │ ▲
                      no answer yet  ▼ │  called, or the client has gone
                                    held

It stays here for as long as its requests are plain (`workers.plain`); with the first that is not, gunicorn's own loop
takes it over, with what was read of it.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

import gevent

from workers.connections import Server
from workers.exchange import Exchange
from workers.exchange import Worker as ExchangeWorker
from workers.greenlets import Greenlets
from workers.line import Line
from workers.plain import Peer, Reread

READ_MAX = 8 * 1024  # bytes read at once, as gunicorn does: its limit on the size of a head counts on it

BREAKS = (Exception, gevent.Timeout, SystemExit)  # what an application may raise, and is answered


class Worker(ExchangeWorker, Protocol):
    """What a connection asks of its worker. `resting`: those that wait for their next request, and since when
    (monotonic), the longest waiting first."""

    greenlets: Greenlets
    resting: dict[Connection, float]

    def count(self) -> None:
        """One more request."""

    def fail(self, client: Any, addr: Any, error: BaseException, answered: bool) -> None:
        """A request broke. `answered`: in part, and all that is left is to hang up."""

    def serve_any(self, server: Server, client: Any, addr: Any) -> None:
        """gunicorn's own loop."""


class Connection:
    """See the module."""

    __slots__ = ("_addr", "_exchange", "_peer", "_server", "_worker", "line")

    def __init__(self, worker: Worker, server: Server, line: Line, peer: Peer, addr: Any) -> None:
        self._worker = worker
        self._server = server
        self.line = line
        self._peer = peer
        self._addr = addr
        self._exchange: Exchange | None = None  # that of a held request

    def rest(self) -> None:
        """Wait for the next request."""
        self._worker.resting[self] = time.monotonic()
        self.line.when_readable(self._arrived)

    def _arrived(self) -> None:
        del self._worker.resting[self]
        self._worker.greenlets.request(self._serve)

    def _serve(self) -> None:
        """Answer what has arrived."""
        goes_on = False
        try:
            goes_on = self._read()
        finally:
            if not goes_on:
                self._end()

    def _look_again(self) -> None:
        """The held request's answer may be there."""
        goes_on = False
        try:
            goes_on = self._finish()
        finally:
            if not goes_on:
                self._end()

    # --- each returns whether the connection goes on

    def _read(self) -> bool:
        try:
            data = self.line.read(READ_MAX)
        except OSError as error:
            self._worker.fail(self.line.client, self._addr, error, False)
            return False
        if data is None:
            self.rest()
            return True
        return bool(data) and self._answer(data)

    def _answer(self, data: bytes) -> bool:
        """Answer the requests that this begins with; then rest."""
        worker, line = self._worker, self.line
        while data:
            exchange = None
            try:
                plain = self._peer.plain(data)
                if plain is None:
                    line.close()
                    worker.serve_any(self._server, Reread(line.client, data), self._addr)
                    return False
                exchange = Exchange(worker, line, plain)
                worker.count()
                answered = exchange.answer(exchange.call(plain, data), self._woken)
            except BREAKS as error:
                self._fail(error, exchange)
                return False
            if not answered:
                self._exchange = exchange
                line.when_gone(exchange.gone)
                return True
            if exchange.close:
                return False
            data = exchange.rest
        self.rest()
        return True

    def _finish(self) -> bool:
        exchange = self._exchange
        if exchange is None:
            raise AssertionError("who is called holds a request")
        try:
            if not exchange.look(self._woken):
                return True
        except BREAKS as error:
            self._fail(error, exchange)
            return False
        self._exchange = None
        self.line.when_gone(None)
        return not exchange.close and self._answer(exchange.rest)

    # ---

    def _woken(self) -> None:
        self._worker.greenlets.answer(self._look_again)

    def _fail(self, error: BaseException, exchange: Exchange | None) -> None:
        self._worker.fail(self.line.client, self._addr, error, exchange is not None and exchange.headers_sent)

    def _end(self) -> None:
        self.line.close()
        self._server.done(self.line.client)
