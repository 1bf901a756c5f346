"""The Valkey Cluster of the hosts, as a stage of the fault harness uses it: three shards, each with a replica."""

from __future__ import annotations

import contextlib
from pathlib import Path

import redis

from tests.cluster.hosts.network import Host
from tests.valkey_cluster import ValkeyCluster

SHARDS, REPLICAS = 3, 1
FIRST_PORT = 7001


class Shards:
    """See `tests.faults.stage.AnyDoorbell`. `folder` must be a short path."""

    def __init__(self, host: Host, folder: Path) -> None:
        ports = range(FIRST_PORT, FIRST_PORT + SHARDS * (1 + REPLICAS))
        addresses = [(host.address, port) for port in ports]
        options = ["--protected-mode", "no"]  # who is on this network is let in
        self.cluster = ValkeyCluster(folder, addresses, REPLICAS, options=options, within=lambda _: host.within)

    @property
    def url(self) -> str:
        return self.cluster.url

    def start(self) -> None:
        self.cluster.start()

    def kill(self) -> None:
        self.cluster.stop()

    def user_channels(self) -> int:
        """How many users' channels somebody is subscribed to: `webchat:EPOCH:USER`; workers and alarms aside."""
        users: set[str] = set()
        for node in self.cluster.living():
            with contextlib.suppress(redis.RedisError):
                parts = [name.split(":") for name in node.command("PUBSUB", "SHARDCHANNELS", "webchat:*")]
                users.update(part[2] for part in parts if len(part) == 3 and part[2] != "0")
        return len(users)
