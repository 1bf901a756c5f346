"""The gunicorn worker: gevent's, with an end that a parked poll survives.

The stock worker learns of its end on a one-second clock and then cuts off whoever is still parked. This
one is woken by the signal, lets the application answer its parked polls (`drain`), marks every answer
from then on `Connection: close`, closes what is idle, and is gone within a second or two:

    serving ──TERM, HUP, max_requests──▶ draining ──all connections closed, or time is up──▶ stopped

Any WSGI application runs on it; `drain` and `stop` are called where the application has them.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from functools import partial
from typing import Any

import gevent
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.sock import ssl_context
from gunicorn.workers.ggevent import GeventWorker

HEARTBEAT = 1.0  # seconds between signs of life to the master
# Seconds in which connections may end by themselves, each with one last answer; then idle ones are closed.
GRACE = 0.5
KILLED_AFTER = 3.0  # seconds by which the master's patience (`graceful_timeout`) is longer than ours
UNREAD_MAX = 30_000  # ms that an answer may lie unread


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
        self._idle: set[Any] = set()  # connections that wait for their next request
        self._requests: set[Any] = set()  # requests that are being answered

    # --- signals ---

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
            self._stopping.wait(HEARTBEAT)
        for server in servers:
            server.close()  # siblings go on accepting from the same socket
        self._drain(servers)

    def _serve(self, listener: Any) -> StreamServer:
        listener.setblocking(True)
        if hasattr(socket, "TCP_USER_TIMEOUT") and listener.family != socket.AF_UNIX:
            # Inherited by its connections: a client that asks and does not read is cut off by the kernel.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MAX)
        tls = {"ssl_context": ssl_context(self.cfg)} if self.cfg.is_ssl else {}
        server = StreamServer(
            listener, handle=partial(self.handle, _Named(listener)), spawn=Pool(self.worker_connections), **tls
        )
        if self.cfg.workers > 1:
            server.max_accept = 1  # leave connections to the siblings
        server.start()
        return server

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        self._idle.add(client)
        try:
            super().handle(listener, client, addr)
        finally:
            self._idle.discard(client)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        self._idle.discard(sock)
        self._requests.add(req)
        try:
            super().handle_request(listener_name, req, sock, addr)
        finally:
            self._requests.discard(req)
        self._idle.add(sock)
        if not self.alive:
            self._stopping.set()  # max_requests: no signal tells of that

    # --- the end ---

    def _drain(self, servers: list[StreamServer]) -> None:
        for req in self._requests:
            req.force_close()
        getattr(self.wsgi, "drain", lambda: None)()
        started = time.monotonic()
        while any(len(server.pool) for server in servers):
            waited = time.monotonic() - started
            if waited > self.cfg.graceful_timeout - KILLED_AFTER:
                self.log.warning("cutting off %d connections", sum(len(server.pool) for server in servers))
                break
            if waited > GRACE:
                self._close_idle()
            self.notify()
            gevent.sleep(0.02)
        for server in servers:
            server.stop(timeout=0.1)
        getattr(self.wsgi, "stop", lambda: None)()

    def _close_idle(self) -> None:
        for client in list(self._idle):
            # The plain socket below gevent's, which would raise in the greenlet that reads. That one sees
            # the end of the stream and closes; what has arrived before is still read and answered.
            with contextlib.suppress(OSError):
                client._sock.shutdown(socket.SHUT_RD)
