"""The doorbell on Redis or Valkey pub/sub: two connections per worker, one to ring and one to hear.

Each connection has one greenlet that writes and one that reads, so no reply can reach the wrong caller.
The set of channels wanted is kept here and not in the client library: after a reconnect all of them are
subscribed anew, and then `Listener.missed` says that rings may be lost. Rings are sent without replies (CLIENT REPLY
OFF), all that wait in one write; what a connection took with it when it broke is made up for by an alarm.

Twice a second the worker rings itself, and says when. The probe's channel is the last one subscribed, so a probe
that is heard proves both connections and every subscription before it.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import gevent
import hiredis
import structlog
from gevent.event import Event
from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import ConnectionInterface
from redis.exceptions import RedisError
from redis.retry import Retry

from webchat.data import bus
from webchat.data.bus import Listener
from webchat.entities.feed import Alarm, Ring
from webchat.tally import Tally

PROBE_EVERY = 0.5  # seconds
DEAF_AFTER = 1.2  # seconds without hearing a probe; with one turn of the clock, news is at most 2 s late
SOCKET_TIMEOUT = 3.0  # seconds; a server that is silent for longer is frozen: reconnect
CONFIRM_WAIT = 1.0  # seconds that a poll waits for its subscription
KEEP = 50_000  # rings that may wait for the server: a message to some ten thousand is as many at once
BATCH = 500  # commands in one write
READ_MAX = 64 * 1024  # bytes read at once
LAST_RINGS = 1.0  # seconds that a worker that stops waits for its last rings to be taken
RETRY_FIRST, RETRY_MAX = 0.05, 0.5  # seconds between attempts to connect: back within 1 s of the server

log = structlog.get_logger()
Broken = (RedisError, OSError)


class _Channel:
    """A subscription: how many SUBSCRIBEs are on their way, and whether a poll gave up waiting for one."""

    __slots__ = ("confirmed", "late", "outstanding")

    def __init__(self) -> None:
        self.outstanding = 0
        self.late = False
        self.confirmed: Event | None = Event()  # none any more, once it is confirmed

    def wait(self, seconds: float) -> bool:
        return self.confirmed is None or bool(self.confirmed.wait(seconds))

    def confirm(self) -> None:
        if self.confirmed is not None:
            self.confirmed.set()
            self.confirmed = None

    def doubt(self) -> None:
        self.outstanding = 0
        self.confirmed = self.confirmed or Event()


class RedisBus:
    """See `webchat.data.bus.Bus`. `space` keeps databases that share one server apart."""

    def __init__(self, url: str, space: str, worker: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = Redis.from_url(
            url,
            protocol=2,
            socket_timeout=SOCKET_TIMEOUT,
            socket_connect_timeout=SOCKET_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        self._prefix = f"webchat:{space}:".encode()
        self._probe = self._prefix + b"worker:" + worker.encode()
        self._clock = clock
        self.round_trips = Tally()
        self._heard_at = float("-inf")
        self._read_at = 0.0
        self._rang = False  # has there been a connection to ring on?
        self._whole = False  # have the subscriptions of this connection all been confirmed?
        self._rings: deque[Ring] = deque()
        self._ringing = Event()
        self._channels: dict[bytes, _Channel] = {}
        self._changes: deque[tuple[bytes, bytes]] = deque()
        self._changed = Event()
        self._greenlets: list[gevent.Greenlet] = []
        self._listener: Listener

    @property
    def deaf(self) -> bool:
        return self._clock() - self._heard_at > DEAF_AFTER

    def start(self, listener: Listener) -> None:
        self._listener = listener
        self._greenlets = [gevent.spawn(self._keep, self._ring_loop), gevent.spawn(self._keep, self._hear_loop)]

    def stop(self) -> None:
        with gevent.Timeout(LAST_RINGS, False):
            while self._rings:
                gevent.sleep(0.01)
        gevent.killall(self._greenlets)

    def ring(self, rings: Sequence[Ring]) -> None:
        self._rings.extend(rings)
        if len(self._rings) > KEEP:  # one alarm says as much as all of them
            self._rings.clear()
            self._rings.append(Alarm())
        self._ringing.set()

    def subscribe(self, user: int) -> None:
        name = self._channel_of(user)
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = _Channel()
            self._change(b"SUBSCRIBE", name)
        if not channel.wait(0 if self.deaf else CONFIRM_WAIT):
            channel.late = True

    def unsubscribe(self, user: int) -> None:
        name = self._channel_of(user)
        if self._channels.pop(name, None) is not None:
            self._change(b"UNSUBSCRIBE", name)

    def subscriptions(self) -> int:
        """How many users' rings this worker wants to hear."""
        return len(self._channels)

    def _channel_of(self, user: int) -> bytes:
        return self._prefix + b"%d" % user

    def _change(self, command: bytes, name: bytes) -> None:
        self._changes.append((command, name))
        self._changed.set()

    # --- connections ---

    def _keep(self, serve: Callable[[ConnectionInterface], None]) -> None:
        """Connect, serve until the connection breaks, connect again."""
        pause = RETRY_FIRST
        while True:
            connection = self._client.connection_pool.make_connection()
            try:
                connection.connect()
                pause = RETRY_FIRST
                serve(connection)
            except Broken as error:
                self._heard_at = float("-inf")  # known to be broken: no need to wait for a probe
                if pause == RETRY_FIRST:  # once per outage
                    log.warning("doorbell broken", connection=serve.__name__.strip("_"), error=str(error))
            except Exception as error:  # a greenlet that ends here would leave the worker deaf for ever
                log.exception("doorbell failed", connection=serve.__name__.strip("_"), error=repr(error))
            finally:
                connection.disconnect()
            gevent.sleep(pause)
            pause = min(pause * 2, RETRY_MAX)

    # --- ringing ---

    def _ring_loop(self, connection: ConnectionInterface) -> None:
        """One write for all rings that wait, or a probe when it is time."""
        connection.send_command("CLIENT", "REPLY", "OFF")
        end = gevent.spawn(self._hear_the_end, connection)
        try:
            if self._rang:  # what was written to the connection before this one may be lost
                self._publish(connection, [Alarm()])
            self._rang = True
            probe_at = self._clock()
            self._ringing.set()
            while True:
                if self._clock() >= probe_at:
                    probe_at = self._clock() + PROBE_EVERY
                    self._write(connection, _publish(self._probe, b"%.6f" % self._clock()))
                self._ringing.wait(max(0.0, probe_at - self._clock()))
                self._ringing.clear()
                while self._rings:
                    self._publish(connection, [self._rings.popleft() for _ in range(min(len(self._rings), BATCH))])
        finally:
            end.kill()

    def _publish(self, connection: ConnectionInterface, rings: Sequence[Ring]) -> None:
        self._write(connection, b"".join([_publish(self._channel_of(ring.user), bus.encode(ring)) for ring in rings]))

    def _write(self, connection: ConnectionInterface, commands: bytes) -> None:
        connection.send_packed_command([commands])

    def _hear_the_end(self, connection: ConnectionInterface) -> None:
        """Nothing is ever said on this connection: what can be heard is its end, long before a write would fail."""
        with contextlib.suppress(*Broken):
            while _socket_of(connection).recv(1024):
                pass
        connection.disconnect()
        self._ringing.set()

    # --- hearing ---

    def _hear_loop(self, connection: ConnectionInterface) -> None:
        self._changes.clear()
        for name, channel in self._channels.items():
            channel.doubt()
            self._changes.append((b"SUBSCRIBE", name))
        self._changes.append((b"SUBSCRIBE", self._channel_of(Alarm().user)))
        self._changes.append((b"SUBSCRIBE", self._probe))
        self._changed.set()
        helpers = [gevent.spawn(self._write_changes, connection), gevent.spawn(self._doubt, connection)]
        try:
            self._read(connection)
        finally:
            gevent.killall(helpers)

    def _doubt(self, connection: ConnectionInterface) -> None:
        """Give the connection up when nothing has come for too long: the worker's own probes should.

        Once for a connection, where a timeout of its reads would be set and unset with each of them.
        """
        self._read_at = self._clock()
        while self._clock() - self._read_at < SOCKET_TIMEOUT:
            gevent.sleep(PROBE_EVERY)
        connection.disconnect()  # wakes the reader, which starts over

    def _write_changes(self, connection: ConnectionInterface) -> None:
        """The only greenlet that writes to this connection."""
        try:
            while True:
                self._changed.wait()
                self._changed.clear()
                while self._changes:
                    batch = [self._changes.popleft() for _ in range(min(len(self._changes), BATCH))]
                    for command, name in batch:
                        if command == b"SUBSCRIBE" and name in self._channels:
                            self._channels[name].outstanding += 1
                    connection.send_packed_command(connection.pack_commands(batch))
        except Broken as error:
            log.warning("doorbell broken", connection="subscriptions", error=str(error))
            connection.disconnect()  # wakes the reader, which starts over

    def _read(self, connection: ConnectionInterface) -> None:
        self._whole = False
        line, reader = _socket_of(connection), hiredis.Reader()
        line.settimeout(None)  # see `_doubt`
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
            if rings:
                self._listener.deliver(rings)

    def _hear(self, kind: bytes, name: bytes, payload: Any, rings: list[Ring]) -> None:
        if name == self._probe:
            if kind == b"subscribe" and not self._whole:
                self._whole = True
                gevent.spawn(self._listener.missed, None)
            self._heard_at = self._clock()
            if kind == b"message":
                self.round_trips.add(self._heard_at - float(payload))
        elif kind == b"message":
            try:
                ring = bus.decode(int(name[len(self._prefix) :]), payload)
            except ValueError:
                log.warning("not a ring", channel=name, payload=payload[:40])
                return
            if isinstance(ring, Alarm):
                gevent.spawn(self._listener.missed, None)
            else:
                rings.append(ring)
        elif kind == b"subscribe":
            self._confirm(name)

    def _confirm(self, name: bytes) -> None:
        channel = self._channels.get(name)
        if channel is None:
            return
        channel.outstanding -= 1
        if channel.outstanding > 0:
            return  # a SUBSCRIBE of later date is under way, behind an UNSUBSCRIBE
        channel.confirm()
        if channel.late:
            channel.late = False
            gevent.spawn(self._listener.missed, (int(name.removeprefix(self._prefix)),))


def ring_once(url: str, space: str, rings: Sequence[Ring]) -> bool:
    """For a process that rings and ends, and may wait for it: whether the server took them."""
    prefix = f"webchat:{space}:".encode()
    patience = {"socket_timeout": SOCKET_TIMEOUT, "socket_connect_timeout": SOCKET_TIMEOUT}
    try:
        with Redis.from_url(url, retry=Retry(NoBackoff(), 0), **patience) as client:
            batch = client.pipeline(transaction=False)
            for ring in rings:
                batch.publish(prefix + b"%d" % ring.user, bus.encode(ring))
            batch.execute()
    except (*Broken, ValueError) as error:
        log.debug("not rung", error=str(error))
        return False
    return True


def _publish(channel: bytes, payload: bytes) -> bytes:
    """The command as the protocol has it: half of what a ring costs in Python is spared by not asking the library."""
    return b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(channel), channel, len(payload), payload)


def _socket_of(connection: ConnectionInterface) -> Any:
    """The socket below the library's connection: replies are read in chunks, which the library does not offer."""
    line = getattr(connection, "_sock", None)
    if line is None:
        raise ConnectionError("the connection is closed")
    return line
