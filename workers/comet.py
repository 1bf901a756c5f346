"""The gunicorn worker: gevent's, with a quick way for plain requests and an end that a parked poll survives.

A connection begins on the fast path: wait until something arrives, read once, parse in C, call the application,
answer with one send. It stays there for as long as its requests are plain (`workers.plain`); with the first that is
not, gunicorn's own loop takes the connection over, and what was read of it.

The stock worker learns of its end on a one-second clock and then cuts off whoever is still parked. This
one is woken by the signal, lets the application answer its parked polls (`drain`), marks every answer
from then on `Connection: close`, closes what is idle, and is gone within a second or two:

    serving ──TERM, HUP, max_requests──▶ draining ──all connections closed, or time is up──▶ stopped

Any WSGI application runs on it; `drain` and `stop` are called where the application has them.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import signal
import socket
import time
from functools import partial
from typing import Any

import gevent
from gevent.event import Event
from gunicorn.sock import ssl_context
from gunicorn.workers.ggevent import GeventWorker

from workers.connections import Server
from workers.exchange import Exchange
from workers.line import Line
from workers.plain import Peer, Reread, Rules, possible

HEARTBEAT = 1.0  # seconds between signs of life to the master
# Seconds in which connections may end by themselves, each with one last answer; then idle ones are closed.
GRACE = 0.5
KILLED_AFTER = 3.0  # seconds by which the master's patience (`graceful_timeout`) is longer than ours
UNREAD_MAX = 30_000  # ms that an answer may lie unread
REST_AFTER = 2.0  # seconds of idling until a connection is taken off its greenlet
READ_MAX = 8 * 1024  # bytes read at once, as gunicorn does: its limit on the size of a head counts on it
# The client; nothing to tell, and nobody to tell it to.
GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.ETIMEDOUT)


class _Named:
    """A listener's name, for connections that are handled after the listener was closed.

    gunicorn asks the listener itself, and resets a connection that was accepted just before the end.
    """

    def __init__(self, listener: Any) -> None:
        self._name = listener.getsockname()

    def getsockname(self) -> Any:
        return self._name


class CometWorker(GeventWorker):  # type: ignore[misc]
    """See the module."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._stopping: Event
        # Connections that wait for their next request, and since when (monotonic), the longest waiting first: lines
        # with a greenlet, lines that rest without one, and sockets that gunicorn's loop waits on.
        self._waiting: dict[Line, float] = {}
        self._resting: dict[Line, float] = {}
        self._idle: dict[Any, float] = {}
        self._requests: set[Any] = set()  # requests that are being answered

    # --- signals ---

    def init_process(self) -> None:
        self._fast = possible(self.cfg, self.log)
        self._rules = Rules(self.cfg)
        super().init_process()

    def init_signals(self) -> None:
        super().init_signals()
        self._stopping = Event()
        # Through the event loop: a handler of Python's own would run at the loop's next turn only.
        gevent.signal_handler(signal.SIGTERM, self._stop_serving)

    def _stop_serving(self) -> None:
        self.alive = False
        self._stopping.set()

    # --- serving ---

    def run(self) -> None:
        servers = [self._serve(listener) for listener in self.sockets]
        while self.alive:
            self.notify()
            self._let_rest(time.monotonic() - REST_AFTER)
            self._close_idle(time.monotonic() - self.cfg.keepalive)
            self._stopping.wait(HEARTBEAT)
        for server in servers:
            server.close()  # siblings go on accepting from the same socket
        self._drain(servers)

    def _serve(self, listener: Any) -> Server:
        listener.setblocking(True)
        if hasattr(socket, "TCP_USER_TIMEOUT") and listener.family != socket.AF_UNIX:
            # Inherited by its connections: a client that asks and does not read is cut off by the kernel.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MAX)
        tls = {"ssl_context": ssl_context(self.cfg)} if self.cfg.is_ssl else {}
        server = Server(listener, self.worker_connections, **tls)
        server.set_handle(partial(self._connected, server, _Named(listener)))
        if self.cfg.workers > 1:
            server.max_accept = 1  # leave connections to the siblings
        server.start()
        return server

    def _connected(self, server: Server, listener: _Named, client: Any, addr: Any) -> None:
        name = listener.getsockname()
        if self._fast and isinstance(name, tuple) and isinstance(addr, tuple):
            self._serve_line(server, listener, Line(client), Peer(self._rules, name, addr), addr)
        else:
            self._serve_any(listener, client, addr)

    def _serve_line(self, server: Server, listener: _Named, line: Line, peer: Peer, addr: Any) -> None:
        """Serve the connection until it ends, or rests."""
        rest: bytes | None = b""
        self._resting.pop(line, None)
        try:
            rest = self._serve_plain(peer, line, addr)
        finally:
            if rest is not None:
                line.close()
                self._waiting.pop(line, None)
        if rest is None:
            self._resting[line] = self._waiting.pop(line)
            server.rest(line, partial(self._serve_line, server, listener, line, peer, addr))
        elif rest:
            self._serve_any(listener, Reread(line.client, rest), addr)

    def _serve_plain(self, peer: Peer, line: Line, addr: Any) -> bytes | None:
        """Answer plain requests until the connection ends, or something else comes: its first bytes.

        None when it has been idle, and shall rest.
        """
        data: bytes | None = b""
        while True:
            exchange = None
            try:
                if not data:
                    self._waiting[line] = time.monotonic()
                    data = line.receive(READ_MAX)
                    if data is None:
                        return None
                    del self._waiting[line]
                plain = peer.plain(data) if data else None
                if plain is None:
                    return data
                exchange = Exchange(self, line, plain)
                self._count()
                body = exchange.call(plain, data)
                del plain, data  # a parked poll needs none of it
                exchange.answer(body)
                del body
            except (Exception, gevent.Timeout, SystemExit) as error:
                if isinstance(error, SystemExit) and not self.alive:
                    raise  # the master's patience is over
                self._fail(line.client, addr, error, exchange is not None and exchange.headers_sent)
                return b""
            if exchange.close:
                return b""
            data = exchange.rest

    def _fail(self, client: Any, addr: Any, error: BaseException, answered: bool) -> None:
        """What gunicorn does when a request breaks. `answered`: in part, and all that is left is to hang up."""
        if isinstance(error, OSError) and error.errno in GONE:
            self.log.debug("client has gone: %s", error)
        elif answered:
            self.log.error("Error handling request", exc_info=error)
        else:
            self.handle_error(None, client, addr, error)

    def _count(self) -> None:
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self._stop_serving()

    def _serve_any(self, listener: Any, client: Any, addr: Any) -> None:
        self._idle[client] = time.monotonic()
        try:
            super().handle(listener, client, addr)
        finally:
            self._idle.pop(client, None)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        self._idle.pop(sock, None)
        self._requests.add(req)
        try:
            super().handle_request(listener_name, req, sock, addr)
        finally:
            self._requests.discard(req)
        self._idle[sock] = time.monotonic()
        if not self.alive:
            self._stopping.set()  # max_requests: no signal tells of that

    # --- the end ---

    def _drain(self, servers: list[Server]) -> None:
        for req in self._requests:
            req.force_close()
        getattr(self.wsgi, "drain", lambda: None)()
        started = time.monotonic()
        while any(server.connections for server in servers):
            waited = time.monotonic() - started
            if waited > self.cfg.graceful_timeout - KILLED_AFTER:
                self.log.warning("cutting off %d connections", sum(server.connections for server in servers))
                break
            if waited > GRACE:
                self._close_idle(time.monotonic())
            self.notify()
            gevent.sleep(0.02)
        for server in servers:
            server.stop(timeout=0.1)
        getattr(self.wsgi, "stop", lambda: None)()

    def _let_rest(self, since: float) -> None:
        """Take the connections off their greenlets that have been idle since before then."""
        for line in _before(self._waiting, since):
            line.let_go()

    def _close_idle(self, since: float) -> None:
        """Close the connections that have been idle since before then."""
        lines = _before(self._waiting, since) + _before(self._resting, since)
        for raw in [line.raw for line in lines] + [client._sock for client in _before(self._idle, since)]:
            # The plain socket below gevent's, which would raise in the greenlet that reads. That one sees
            # the end of the stream and closes; what has arrived before is still read and answered.
            with contextlib.suppress(OSError):
                raw.shutdown(socket.SHUT_RD)


def _before(idle: dict[Any, float], since: float) -> list[Any]:
    """Those that have been idle since before then; they are in the order of time."""
    return list(itertools.takewhile(lambda one: idle[one] <= since, idle))
