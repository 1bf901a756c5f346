"""Who serves which slot of a Cluster, as one of its nodes sees it.

The client library would keep such a map, too, but asks for it while all wait, and cannot say which of two is the newer:
a master that was cut off from the others still believes that its slots are its own.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from typing import NamedTuple

from redis.cluster import parse_cluster_slots
from redis.crc import REDIS_CLUSTER_HASH_SLOTS as SLOTS
from redis.crc import key_slot
from redis.exceptions import RedisError

from webchat.data.bus_redis.line import Broken, client
from webchat.redis_url import Address, RedisUrl

PATIENCE = 1.0  # seconds for one node's answer
OLDER_MAX = 20  # older views in a row: ten seconds, where anything is amiss


class View(NamedTuple):
    """`ranges`: first slot, last slot, master. `epoch` rises in all nodes with each failover and each slot's move."""

    epoch: int
    ranges: list[tuple[int, int, Address]]
    nodes: list[Address]

    @property
    def masters(self) -> list[Address]:
        return list(dict.fromkeys(master for _, _, master in self.ranges))

    def owner(self, channel: bytes) -> Address:
        """Raises RedisError where nobody serves its slot."""
        slot = key_slot(channel)
        for first, last, master in self.ranges:
            if first <= slot <= last:
                return master
        raise RedisError(f"nobody serves slot {slot}")

    @property
    def uncovered(self) -> int:
        """How many slots nobody serves."""
        return SLOTS - sum(last - first + 1 for first, last, _ in self.ranges)


class Newest:
    """Of all views that came, the newest. Nodes that were cut off tell old ones for as long as they are."""

    def __init__(self) -> None:
        self._epoch = self._refused = 0

    def takes(self, view: View) -> bool:
        """Whether it is as new as any before. What is older is believed when nothing newer has come for long: then
        nobody knows of it any more, and the cluster was made anew."""
        if view.epoch < self._epoch and self._refused < OLDER_MAX:
            self._refused += 1
            return False
        self._epoch, self._refused = view.epoch, 0
        return True


def ask(url: RedisUrl, address: Address, patience: float = PATIENCE) -> View:
    """How the node at `address` sees it. Raises RedisError or OSError where it does not answer, or is in no cluster."""
    with client(url.server(address), patience) as node, node.pipeline(transaction=False) as batch:
        batch.execute_command("CLUSTER", "INFO")
        batch.execute_command("CLUSTER", "SLOTS")
        info, slots = batch.execute()
    facts = dict(line.split(":", 1) for line in info.decode().split())
    ranges: list[tuple[int, int, Address]] = []
    nodes: dict[Address, None] = {}
    for (first, last), servers in parse_cluster_slots(slots, current_host=address[0]).items():
        ranges.append((first, last, servers["primary"]))
        nodes |= dict.fromkeys([servers["primary"], *servers["replicas"]])
    return View(int(facts["cluster_current_epoch"]), ranges, list(nodes))


def first_view(url: RedisUrl, patience: float = PATIENCE) -> View:
    """Of the first node of the URL that answers. Raises what the last one says where none does."""
    return _first(url, url.hosts, patience)


def any_view(url: RedisUrl, known: Iterable[Address], doubtful: Collection[Address]) -> View:
    """Of any node, drawn at random; those that seem not to answer are asked later, and those of the URL last."""
    drawn = list(known)
    random.shuffle(drawn)
    drawn.sort(key=doubtful.__contains__)
    return _first(url, dict.fromkeys([*drawn, *url.hosts]), PATIENCE)


def _first(url: RedisUrl, addresses: Iterable[Address], patience: float) -> View:
    trouble: Exception = RedisError("no node is named")
    for address in addresses:
        try:
            return ask(url, address, patience)
        except Broken as error:
            trouble = error
    raise trouble
