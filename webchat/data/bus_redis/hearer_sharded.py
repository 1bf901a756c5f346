"""One Cluster node's ears. A subscription ends where its slot moves away, and is made again where that is now."""

from __future__ import annotations

from collections.abc import Callable

from webchat.data.bus_redis.channel import SHARDED, Channel, Names
from webchat.data.bus_redis.hearer import Hearer
from webchat.data.bus_redis.ringer_sharded import Router, moved_to
from webchat.redis_url import Address
from webchat.tally import Tally


class ShardHearer(Hearer):
    def __init__(
        self,
        names: Names,
        round_trips: Tally,
        clock: Callable[[], float],
        router: Router,
        node: Address,
    ) -> None:
        super().__init__(SHARDED, names, round_trips, clock)
        self._router = router
        self._node = node

    def _unsubscribed(self, name: bytes, channel: Channel) -> None:
        """The node has ended it: the slot moves. Asked for it again, it says where to."""
        if channel.outstanding == 0:
            channel.doubt()
            channel.late = True  # what was rung in between is lost
            self.want(name, channel)

    def _refused(self, error: str) -> None:
        target = moved_to(error, self._node)
        if target is None:
            super()._refused(error)  # which subscription it was, nobody knows
            self.start_over()
        else:
            self._router.moved(*target)
