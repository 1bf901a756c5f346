"""The doorbell of a Cluster: sharded pub/sub, so that a ring goes to the one master that serves its channel's slot,
and from there to whoever listens. Each master is a bell of its own.

Where a slot is, the nodes themselves say: a ring or a subscription that comes to the wrong one is told where to.
Beside that a node drawn at random is asked now and then, and again and again while anything is amiss: so a replica
that took over is found, and a master that was cut off is left. Subscriptions that moved have missed what was rung
in between, and say so once they are confirmed.

This worker is deaf while it does not hear one of the masters, or somebody's slot is nobody's.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Sequence

import gevent
import structlog
from gevent.event import Event
from redis.crc import REDIS_CLUSTER_HASH_SLOTS as SLOTS
from redis.crc import key_slot

from webchat.data.bus import Listener
from webchat.data.bus_redis.bell import Bell
from webchat.data.bus_redis.channel import Channel, Names
from webchat.data.bus_redis.hearer_sharded import ShardHearer
from webchat.data.bus_redis.line import Broken, connector
from webchat.data.bus_redis.ringer import KEEP
from webchat.data.bus_redis.ringer_sharded import ShardRinger
from webchat.data.bus_redis.topology import Newest, View, any_view
from webchat.entities.feed import Alarm, Ring
from webchat.redis_url import Address, RedisUrl, shown
from webchat.tally import Tally

ASK_EVERY = 5.0  # seconds: as often as the clock looks into the database in any case
ASK_AGAIN = 0.5  # seconds between questions while something is amiss

log = structlog.get_logger()


class ClusterBus:
    """See `webchat.data.bus.Bus`."""

    def __init__(self, url: RedisUrl, space: str, worker: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.round_trips = Tally()
        self._url = url
        self._names = Names(space)
        self._worker = worker
        self._clock = clock
        self._bells: dict[Address, Bell] = {}
        self._owners: list[Bell | None] = [None] * SLOTS
        self._uncovered = SLOTS
        self._nodes: list[Address] = []
        self._newest = Newest()
        everybody = self._names.of(Alarm().user)
        self._homeless: dict[bytes, Channel] = {everybody: Channel(everybody)}  # their slots are nobody's
        self._waiting: deque[Ring] = deque()  # as are these
        self._misplaced, self._amiss = Event(), Event()
        self._greenlets: list[gevent.Greenlet] = []
        self._listener: Listener

    @property
    def deaf(self) -> bool:
        return self._uncovered > 0 or any(bell.hearer.deaf for bell in self._bells.values())

    def start(self, listener: Listener) -> None:
        self._listener = listener
        self._greenlets = [gevent.spawn(self._follow), gevent.spawn(self._settle_whenever)]

    def stop(self) -> None:
        gevent.joinall([gevent.spawn(bell.ringer.settle) for bell in self._bells.values()])
        gevent.killall(self._greenlets)
        for bell in self._bells.values():
            bell.stop()

    def ring(self, rings: Sequence[Ring]) -> None:
        by_bell: dict[Bell | None, list[Ring]] = {}
        for ring in rings:
            by_bell.setdefault(self._owners[key_slot(self._names.of(ring.user))], []).append(ring)
        for bell, some in by_bell.items():
            if bell is not None:
                bell.ringer.ring(some)
            else:
                self._waiting.extend(some)
                if len(self._waiting) > KEEP:  # one alarm says as much as all of them
                    self._waiting.clear()
                    self._waiting.append(Alarm())

    def subscribe(self, user: int) -> None:
        name = self._names.of(user)
        channel = Channel(name)
        bell = self._owners[channel.slot]
        if bell is None:
            channel = self._homeless.setdefault(name, channel)
            channel.late = True
            return
        known = bell.hearer.channels.get(name)
        if known is None:
            bell.hearer.want(name, channel)
        bell.hearer.wait(known or channel)

    def unsubscribe(self, user: int) -> None:
        name = self._names.of(user)
        self._homeless.pop(name, None)
        for bell in self._bells.values():
            bell.hearer.unwant(name)

    def subscriptions(self) -> int:
        """How many users' rings this worker wants to hear."""
        return len(self._homeless) + sum(len(bell.hearer.channels) for bell in self._bells.values()) - 1

    # --- what the bells say ---

    def moved(self, slot: int, address: Address) -> None:
        """As a node says that was asked for the slot."""
        if self._owners[slot] is None:
            self._uncovered -= 1
        self._owners[slot] = self._bell(address)
        self._misplaced.set()
        self._amiss.set()  # where one has moved, there may be more

    def lost(self) -> None:
        self.ring([Alarm()])
        self._amiss.set()

    # --- where the slots are ---

    def _follow(self) -> None:
        while True:
            try:
                deaf = {address for address, bell in self._bells.items() if bell.hearer.deaf}
                self._believe(any_view(self._url, self._nodes, deaf))
            except Broken as error:
                log.warning("no node of the doorbell's cluster answers", error=str(error))
            except Exception as error:  # a greenlet that ends here would leave the worker deaf for ever
                log.exception("doorbell failed", connection="topology", error=repr(error))
            gevent.sleep(ASK_AGAIN)
            for _ in range(round(ASK_EVERY / ASK_AGAIN)):
                if self.deaf or self._amiss.wait(ASK_AGAIN):
                    break
            self._amiss.clear()

    def _believe(self, view: View) -> None:
        if not self._newest.takes(view):
            return
        self._nodes, self._uncovered = view.nodes, view.uncovered
        owners: list[Bell | None] = [None] * SLOTS
        for first, last, master in view.ranges:
            owners[first : last + 1] = [self._bell(master)] * (last - first + 1)
        self._owners = owners
        self._settle()
        for address in self._bells.keys() - set(view.masters):
            self._retire(self._bells.pop(address))

    def _retire(self, bell: Bell) -> None:
        log.info("doorbell has a master less", master=bell.where)
        bell.stop()
        self.ring(list(bell.ringer.waiting))
        self.lost()

    def _settle_whenever(self) -> None:
        while True:
            self._misplaced.wait()
            self._misplaced.clear()
            self._settle()

    def _settle(self) -> None:
        """Bring subscriptions, probes and rings to where their slots are."""
        for bell in self._bells.values():
            hearer = bell.hearer
            strays = [name for name, channel in hearer.channels.items() if self._owners[channel.slot] is not bell]
            for name in strays:
                self._homeless[name] = hearer.channels.pop(name)
            if bell in self._owners and (not hearer.probe or self._owners[key_slot(hearer.probe)] is not bell):
                bell.probe_by(self._probe_in(bell))
                bell.start(self._listener)
        for name, channel in list(self._homeless.items()):
            owner = self._owners[channel.slot]
            if owner is not None:
                channel.doubt()
                channel.late = True
                del self._homeless[name]
                owner.hearer.want(name, channel)
        rings = list(self._waiting)
        self._waiting.clear()
        self.ring(rings)

    def _bell(self, address: Address) -> Bell:
        """The bell of that master; a new one has no probe yet, and is not started."""
        bell = self._bells.get(address)
        if bell is None:
            ringer = ShardRinger(self._names, self._clock, self, address)
            hearer = ShardHearer(self._names, self.round_trips, self._clock, self, address)
            bell = self._bells[address] = Bell(shown(address), connector(self._url.server(address)), ringer, hearer)
        return bell

    def _probe_in(self, bell: Bell) -> bytes:
        """A channel of this worker's own that is served there."""
        names = (self._names.worker(f"{self._worker}:{number}") for number in itertools.count())
        return next(name for name in names if self._owners[key_slot(name)] is bell)
