"""The doorbell of one server: the one of the URL, or the one that Sentinel says is the master.

Sentinel is asked for each connection, and now and then: a master that was cut off, and is none any more, may still be
reached from here, and nobody would hear what is rung there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import gevent
import structlog
from redis.connection import ConnectionInterface

from webchat.data.bus import Listener
from webchat.data.bus_redis.bell import Bell
from webchat.data.bus_redis.channel import PLAIN, Channel, Names
from webchat.data.bus_redis.hearer import Hearer
from webchat.data.bus_redis.line import Broken, connector
from webchat.data.bus_redis.ringer import Ringer
from webchat.data.bus_redis.servers import master_of, sentinels
from webchat.entities.feed import Alarm, Ring
from webchat.redis_url import Address, RedisUrl, shown
from webchat.tally import Tally

ASK_EVERY = 2.0  # seconds between questions to Sentinel, which leaves a replaced master a master for ten

log = structlog.get_logger()


class RedisBus:
    """See `webchat.data.bus.Bus`. `space` keeps databases that share one server apart."""

    def __init__(self, url: RedisUrl, space: str, worker: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.round_trips = Tally()
        self._master = Master(url) if url.kind == "sentinel" else None
        self._names = Names(space)
        self._ringer = Ringer(PLAIN, self._names, clock, lambda: self.ring([Alarm()]))
        self._hearer = Hearer(PLAIN, self._names, self.round_trips, clock)
        everybody = self._names.of(Alarm().user)
        self._hearer.want(everybody, Channel(everybody))
        connect = self._master.connect if self._master else connector(url.server())
        self._bell = Bell("doorbell", connect, self._ringer, self._hearer)
        self._bell.probe_by(self._names.worker(worker))
        self._greenlet: gevent.Greenlet | None = None

    @property
    def deaf(self) -> bool:
        return self._hearer.deaf

    def start(self, listener: Listener) -> None:
        self._bell.start(listener)
        if self._master is not None:
            self._greenlet = gevent.spawn(self._follow, self._master)

    def stop(self) -> None:
        self._ringer.settle()
        self._bell.stop()
        if self._greenlet is not None:
            self._greenlet.kill()

    def ring(self, rings: Sequence[Ring]) -> None:
        self._ringer.ring(rings)

    def subscribe(self, user: int) -> None:
        name = self._names.of(user)
        channel = self._hearer.channels.get(name)
        if channel is None:
            channel = Channel(name)
            self._hearer.want(name, channel)
        self._hearer.wait(channel)

    def unsubscribe(self, user: int) -> None:
        self._hearer.unwant(self._names.of(user))

    def subscriptions(self) -> int:
        """How many users' rings this worker wants to hear."""
        return len(self._hearer.channels) - 1  # everybody's is no user's

    def _follow(self, master: Master) -> None:
        while True:
            gevent.sleep(ASK_EVERY)
            if master.has_moved():
                log.warning("doorbell has another master", was=master.address and shown(master.address))
                self._bell.start_over()


class Master:
    """The server that the sentinels name."""

    def __init__(self, url: RedisUrl) -> None:
        self._url = url
        self._sentinels = sentinels(url)
        self.address: Address | None = None  # of the last connection

    def connect(self) -> ConnectionInterface:
        """Not opened yet. Raises RedisError where no sentinel knows of a master."""
        self.address = master_of(self._url, self._sentinels)
        return connector(self._url.server(self.address))()

    def has_moved(self) -> bool:
        try:
            return self.address not in (None, master_of(self._url, self._sentinels))
        except Broken:
            return False  # where no sentinel knows of a master, the present one is as good as any
