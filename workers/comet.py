"""The gunicorn worker: gevent's, with a quick way for plain requests and an end that a parked poll survives.

A connection begins on the fast path (`workers.connection`): wait until something arrives, read once, parse in C, call
the application, answer with one send; and no greenlet waits meanwhile. With the first request that is not plain,
gunicorn's own loop takes the connection over.

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
import sys
import time
from functools import partial
from typing import Any

import gevent
from gevent.event import Event
from gunicorn.arbiter import Arbiter
from gunicorn.sock import ssl_context
from gunicorn.util import write_nonblock
from gunicorn.workers.ggevent import GeventWorker

from workers import refusals
from workers.connection import Connection
from workers.connections import Server
from workers.greenlets import Greenlets
from workers.line import Line
from workers.plain import Peer, Rules, possible

HEARTBEAT = 1.0  # seconds between signs of life to the master
# Seconds in which connections may end by themselves, each with one last answer; then idle ones are closed.
GRACE = 0.5
KILLED_AFTER = 3.0  # seconds by which the master's patience (`graceful_timeout`) is longer than ours
UNREAD_MAX = 30_000  # ms that an answer may lie unread
# The client; nothing to tell, and nobody to tell it to.
GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.ETIMEDOUT)


class CometWorker(GeventWorker):  # type: ignore[misc]
    """See the module."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._stopping: Event
        self.greenlets: Greenlets
        # Connections that wait for their next request, and since when (monotonic), the longest waiting first: on the
        # fast path, and sockets that gunicorn's loop waits on.
        self.resting: dict[Connection, float] = {}
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
        self.greenlets = Greenlets()
        servers = [self._serve(listener) for listener in self.sockets]
        while self.alive:
            self.notify()
            self._close_idle(time.monotonic() - self.cfg.keepalive)
            self._stopping.wait(HEARTBEAT)
        for server in servers:
            server.close()  # siblings go on accepting from the same socket
        self._drain(servers)

    def _serve(self, listener: Any) -> Server:
        try:
            listener.listen(self.cfg.backlog)  # see `workers.listening`; where it listens already, nothing happens
        except OSError as error:
            self.log.critical("cannot listen on %s: %s", listener.getsockname(), error)
            sys.exit(Arbiter.WORKER_BOOT_ERROR)  # no use in another worker
        listener.setblocking(True)
        if hasattr(socket, "TCP_USER_TIMEOUT") and listener.family != socket.AF_UNIX:
            # Inherited by its connections: a client that asks and does not read is cut off by the kernel.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MAX)
        tls = {"ssl_context": ssl_context(self.cfg)} if self.cfg.is_ssl else {}
        server = Server(listener, self.worker_connections, self._take, **tls)
        server.set_handle(partial(self.serve_any, server))
        if self.cfg.workers > 1:
            server.max_accept = 1  # leave connections to the siblings
        server.start()
        return server

    def _take(self, server: Server, client: Any, addr: Any) -> bool:
        """Begin on the fast path, if there is one."""
        name = server.named.getsockname()
        if not self._fast or not isinstance(name, tuple) or not isinstance(addr, tuple):
            return False
        Connection(self, server, Line(client), Peer(self._rules, name, addr), addr).rest()
        return True

    def count(self) -> None:
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self._stop_serving()

    def fail(self, client: Any, addr: Any, error: BaseException, answered: bool) -> None:
        """What gunicorn does when a request breaks."""
        if isinstance(error, SystemExit) and not self.alive:
            raise error  # the master's patience is over
        if isinstance(error, OSError) and error.errno in GONE:
            self.log.debug("client has gone: %s", error)
        elif answered:
            self.log.error("Error handling request", exc_info=error)
        else:
            self.handle_error(None, client, addr, error)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """gunicorn judges and logs; the client is told in the application's form."""
        super().handle_error(req, refusals.Unsent(), addr, exc)
        with contextlib.suppress(Exception):  # it has gone, or reads nothing: as gunicorn does
            write_nonblock(client, refusals.answer(refusals.of(exc), refusals.asks_head(req, exc)))

    def serve_any(self, server: Server, client: Any, addr: Any) -> None:
        self._idle[client] = time.monotonic()
        try:
            super().handle(server.named, client, addr)
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
        self.greenlets.kill()
        getattr(self.wsgi, "stop", lambda: None)()

    def _close_idle(self, since: float) -> None:
        """Close the connections that have been idle since before then."""
        lines = [connection.line.raw for connection in _before(self.resting, since)]
        for raw in lines + [client._sock for client in _before(self._idle, since)]:
            # The plain socket below gevent's, which would raise in the greenlet that reads. Whoever reads sees
            # the end of the stream and closes; what has arrived before is still read and answered.
            with contextlib.suppress(OSError):
                raw.shutdown(socket.SHUT_RD)


def _before(idle: dict[Any, float], since: float) -> list[Any]:
    """Those that have been idle since before then; they are in the order of time."""
    return list(itertools.takewhile(lambda one: idle[one] <= since, idle))
