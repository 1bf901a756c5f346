"""A TCP proxy between one node and Valkey that can lose either direction, or everything, on demand.

A blocked direction holds what it gets, as a network does whose packets are lost and sent again: the ends
see silence, not an end of the stream.
"""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Literal

import gevent
from gevent.event import Event
from gevent.server import StreamServer

Direction = Literal["up", "down"]  # towards Valkey, towards the node
CHUNK = 65_536


class Proxy:
    """Listens on a loopback port of the system's choice; `target` is Valkey's unix socket."""

    def __init__(self, target: Path) -> None:
        self._target = str(target)
        self._open: dict[Direction, Event] = {"up": Event(), "down": Event()}
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._refusing = False
        self.heal()
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def block(self, *directions: Direction) -> None:
        for direction in directions:
            self._open[direction].clear()

    def cut(self) -> None:
        """End all connections and admit none until `heal`."""
        self._refusing = True
        for pair in list(self._pairs):
            _end(*pair)

    def heal(self) -> None:
        self._refusing = False
        for gate in self._open.values():
            gate.set()

    def close(self) -> None:
        self.cut()
        self._server.stop(timeout=1)

    def _serve(self, client: socket.socket, _: object) -> None:
        server = socket.socket(socket.AF_UNIX)
        pair = (client, server)
        self._pairs.add(pair)
        try:
            if self._refusing:
                return
            server.connect(self._target)
            down = gevent.spawn(self._pump, server, client, "down")
            self._pump(client, server, "up")
            down.join(1)
        except OSError:
            return
        finally:
            _end(*pair)
            self._pairs.discard(pair)

    def _pump(self, source: socket.socket, sink: socket.socket, direction: Direction) -> None:
        gate = self._open[direction]
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                gate.wait()
                sink.sendall(data)
        _end(source, sink)


def _end(*lines: socket.socket) -> None:
    for line in lines:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            line.close()
