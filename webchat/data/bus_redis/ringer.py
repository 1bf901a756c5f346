"""One server's rope: the connection on which this worker rings.

All rings that wait go in one write, without replies (CLIENT REPLY OFF); what a connection took with it when it broke
is made up for by an alarm, on the next one.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Sequence

import gevent
from gevent.event import Event
from redis.connection import ConnectionInterface

from webchat.data import bus
from webchat.data.bus_redis.channel import Dialect, Names
from webchat.data.bus_redis.line import Broken, socket_of
from webchat.entities.feed import Ring

PROBE_EVERY = 0.5  # seconds
KEEP = 50_000  # rings that may wait for the server: a message to some ten thousand is as many at once
BATCH = 500  # commands in one write
LAST_RINGS = 1.0  # seconds that a worker that stops waits for its last rings to be taken


class Ringer:
    """`probe`: the channel on which this worker rings itself. `lost` is called where rings may have been lost."""

    def __init__(self, dialect: Dialect, names: Names, clock: Callable[[], float], lost: Callable[[], None]) -> None:
        self.probe = b""
        self.waiting: deque[Ring] = deque()
        self._dialect = dialect
        self._names = names
        self._clock = clock
        self._lost = lost
        self._rang = False  # has there been a connection to ring on?
        self._ringing = Event()

    def ring(self, rings: Sequence[Ring]) -> None:
        self.waiting.extend(rings)
        if len(self.waiting) > KEEP:  # one alarm says as much as all of them
            self.waiting.clear()
            self._lost()
        self._ringing.set()

    def settle(self) -> None:
        """Wait a while for the last rings to be taken."""
        with gevent.Timeout(LAST_RINGS, False):
            while self.waiting:
                gevent.sleep(0.01)

    def serve(self, connection: ConnectionInterface) -> None:
        """One write for all rings that wait, or a probe when it is time."""
        self._begin(connection)
        reader = gevent.spawn(self._read_to_the_end, connection)
        try:
            if self._rang:  # what was written to the connection before this one may be lost
                self._lost()
            self._rang = True
            probe_at = self._clock()
            self._ringing.set()
            while socket_of(connection):
                if self._clock() >= probe_at:
                    probe_at = self._clock() + PROBE_EVERY
                    self._write_probe(connection)
                self._ringing.wait(max(0.0, probe_at - self._clock()))
                self._ringing.clear()
                while self.waiting:
                    rings = [self.waiting.popleft() for _ in range(min(len(self.waiting), BATCH))]
                    try:
                        self._write(connection, rings)
                    except Broken:
                        self.waiting.extendleft(reversed(rings))
                        raise
        finally:
            reader.kill()

    def _begin(self, connection: ConnectionInterface) -> None:
        connection.send_command("CLIENT", "REPLY", "OFF")

    def _write_probe(self, connection: ConnectionInterface) -> None:
        socket_of(connection).sendall(self._dialect.ring(self.probe, b"%.6f" % self._clock()))

    def _write(self, connection: ConnectionInterface, rings: Sequence[Ring]) -> None:
        pack, channel_of = self._dialect.ring, self._names.of
        socket_of(connection).sendall(b"".join([pack(channel_of(ring.user), bus.encode(ring)) for ring in rings]))

    def _read_to_the_end(self, connection: ConnectionInterface) -> None:
        try:
            with contextlib.suppress(*Broken):
                self._read(connection)
        finally:
            connection.disconnect()
            self._ringing.set()

    def _read(self, connection: ConnectionInterface) -> None:
        """Nothing is ever said on this connection: what can be heard is its end, long before a write would fail."""
        while socket_of(connection).recv(1024):
            pass
