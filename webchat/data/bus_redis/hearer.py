"""One server's ears: the connection on which this worker subscribes, and hears.

`channels` is what is wanted there. It survives connections: each begins with subscribing to all of them. A server that
says nothing for three seconds, not even this worker's own probes, is frozen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import gevent
import hiredis
import structlog
from gevent.event import Event
from redis.connection import ConnectionInterface

from webchat.data import bus
from webchat.data.bus import Listener
from webchat.data.bus_redis.channel import Channel, Dialect, Names
from webchat.data.bus_redis.line import SOCKET_TIMEOUT, Broken, socket_of
from webchat.entities.feed import Alarm, Ring
from webchat.tally import Tally

DEAF_AFTER = 1.2  # seconds without hearing a probe; with one turn of the clock, news is at most 2 s late
CONFIRM_WAIT = 1.0  # seconds that a poll waits for its subscription
BATCH = 500  # commands in one write
READ_MAX = 64 * 1024  # bytes read at once

log = structlog.get_logger()


class Hearer:
    """`probe`: the channel of this worker's own. `start_over` makes all connections of this server anew; it and
    `listener` are given before the first one is."""

    listener: Listener
    start_over: Callable[[], None]

    def __init__(self, dialect: Dialect, names: Names, round_trips: Tally, clock: Callable[[], float]) -> None:
        self.probe = b""
        self.channels: dict[bytes, Channel] = {}
        self._dialect = dialect
        self._names = names
        self._round_trips = round_trips
        self._clock = clock
        self._heard_at = float("-inf")
        self._read_at = 0.0
        self._whole = False  # have the subscriptions of this connection all been confirmed?
        self._late: list[int] = []  # users whose confirmation nobody waits for any more
        self._changes: deque[tuple[bytes, bytes]] = deque()
        self._changed = Event()

    @property
    def deaf(self) -> bool:
        return self._clock() - self._heard_at > DEAF_AFTER

    def broken(self) -> None:
        """A connection of this server is known to be broken: no need to wait for a probe."""
        self._heard_at = float("-inf")

    def want(self, name: bytes, channel: Channel) -> None:
        """Subscribe. `channel.late`: nobody waits until that is confirmed, so somebody may miss something."""
        self.channels[name] = channel
        self._change(self._dialect.subscribe, name)

    def unwant(self, name: bytes) -> None:
        if self.channels.pop(name, None) is not None:
            self._change(self._dialect.unsubscribe, name)

    def wait(self, channel: Channel) -> None:
        """Until the subscription is confirmed, or for as long as makes sense."""
        if not channel.wait(0 if self.deaf else CONFIRM_WAIT):
            channel.late = True

    def listen_for(self, probe: bytes) -> None:
        """From now on that is the probe. What it was before is none of ours any more."""
        self.probe = probe
        self._change(self._dialect.subscribe, probe)

    def _change(self, command: bytes, name: bytes) -> None:
        self._changes.append((command, name))
        self._changed.set()

    # --- the connection ---

    def serve(self, connection: ConnectionInterface) -> None:
        self._whole = False
        self._changes.clear()
        for name, channel in self.channels.items():
            channel.doubt()
            self._changes.append((self._dialect.subscribe, name))
        self._changes.append((self._dialect.subscribe, self.probe))
        self._changed.set()
        helpers = [gevent.spawn(self._write_changes, connection), gevent.spawn(self._doubt)]
        try:
            self._read(connection)
        finally:
            gevent.killall(helpers)

    def _doubt(self) -> None:
        """Give the server's connections up when nothing has come for too long: the worker's own probes should.

        Once for a connection, where a timeout of its reads would be set and unset with each of them.
        """
        self._read_at = self._clock()
        while self._clock() - self._read_at < SOCKET_TIMEOUT:
            gevent.sleep(SOCKET_TIMEOUT / 6)
        self.start_over()

    def _write_changes(self, connection: ConnectionInterface) -> None:
        """The only greenlet that writes to this connection."""
        try:
            while True:
                self._changed.wait()
                self._changed.clear()
                while self._changes:
                    batch = [self._changes.popleft() for _ in range(min(len(self._changes), BATCH))]
                    for command, name in batch:
                        if command == self._dialect.subscribe and name in self.channels:
                            self.channels[name].outstanding += 1
                    socket_of(connection).sendall(b"".join(connection.pack_commands(batch)))
        except Broken as error:
            log.warning("doorbell broken", connection="subscriptions", error=str(error))
            connection.disconnect()  # wakes the reader, which starts over

    def _read(self, connection: ConnectionInterface) -> None:
        line, reader = socket_of(connection), hiredis.Reader()
        while True:
            data = line.recv(READ_MAX)
            self._read_at = self._clock()
            if not data:
                raise ConnectionError("the server closed the connection")
            reader.feed(data)
            rings: list[Ring] = []
            while (reply := reader.gets()) is not False:
                if isinstance(reply, list) and len(reply) == 3:
                    kind, name, payload = reply
                    self._hear(kind, name, payload, rings)
                elif isinstance(reply, hiredis.ReplyError):
                    self._refused(str(reply))
            if rings:
                self.listener.deliver(rings)
            if self._late:
                gevent.spawn(self.listener.missed, self._late)
                self._late = []

    # --- what is heard ---

    def _hear(self, kind: bytes, name: bytes, payload: Any, rings: list[Ring]) -> None:
        if name == self.probe:
            self._hear_probe(kind, payload)
        elif kind == self._dialect.message:
            try:
                ring = bus.decode(self._names.user(name), payload)
            except ValueError:
                log.warning("not a ring", channel=name, payload=payload[:40])
                return
            if isinstance(ring, Alarm):
                gevent.spawn(self.listener.missed, None)
            else:
                rings.append(ring)
        elif name in self.channels:
            if kind == self._dialect.subscribed:
                self._confirm(name, self.channels[name])
            elif kind == self._dialect.unsubscribed:
                self._unsubscribed(name, self.channels[name])

    def _hear_probe(self, kind: bytes, payload: Any) -> None:
        if kind == self._dialect.unsubscribed:
            return
        self._heard_at = self._clock()
        if kind == self._dialect.message:
            self._round_trips.add(self._heard_at - float(payload))
        elif not self._whole:
            self._whole = True
            gevent.spawn(self.listener.missed, None)

    def _confirm(self, name: bytes, channel: Channel) -> None:
        channel.outstanding -= 1
        if channel.outstanding > 0:
            return  # a SUBSCRIBE of later date is under way, behind an UNSUBSCRIBE
        channel.confirm()
        if channel.late:
            channel.late = False
            self._late.append(self._names.user(name))

    def _unsubscribed(self, name: bytes, channel: Channel) -> None:
        """An answer to ours, before a SUBSCRIBE of later date."""

    def _refused(self, error: str) -> None:
        log.warning("doorbell refused", error=error)
