"""What befalls hosts: cables, shards, and upgrades."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent
from redis.crc import key_slot

from tests.faults import processes
from tests.faults.kinds.kind import Kind
from tests.faults.stage import ENDS

if TYPE_CHECKING:  # it needs more than the rest does: nginx, PostgreSQL, root
    from tests.cluster.hosts.stage import Hosts
    from tests.valkey_cluster import ValkeyCluster

LEFT_ALONE = 2.2  # seconds that nginx leaves a node alone which it could not reach (fail_timeout), and a little
MOVED = 10  # slots at most
HEARD = 20.0  # seconds until an upgraded node serves; it takes two or three


class _Hosts(Kind):
    places = ("hosts",)
    engines = ("postgres",)

    @property
    def hosts(self) -> Hosts:
        from tests.cluster.hosts.stage import Hosts

        assert isinstance(self.stage, Hosts)
        return self.stage

    @property
    def cluster(self) -> ValkeyCluster:
        return self.hosts.shards.cluster


class HostCut(_Hosts):
    """a host's cable is pulled: no client, database or doorbell reaches it, and nobody is told"""

    cuts = True
    # A request that was under way there is answered after the heal, or given up by its client after 15 s; a poll later.
    stalls = 12.0
    lasts = (3.0, 6.0)

    def inject(self) -> None:
        self.hosts.hosts[self.node.index].cut()

    def heal(self) -> None:
        self.hosts.hosts[self.node.index].join()


class ShardFailover(_Hosts):
    """a shard's master is killed; its replica takes over, and it comes back as a replica"""

    lasts = (2.5, 4.0)

    def inject(self) -> None:
        self.master = self.rng.choice([one for one in self.cluster.masters() if self.cluster.replicas_of(one)])
        self.master.kill()

    def heal(self) -> None:
        self.master.start()
        processes.until("it follows", lambda: self.master not in self.cluster.masters())
        self.cluster.until_whole()


class SlotMove(_Hosts):
    """slots that people listen on move from one shard to another"""

    alone = True  # who moves slots waits for failovers
    promise = 2.0

    def inject(self) -> None:
        source, target = self.rng.sample(self.cluster.masters(), 2)
        channels = sorted(source.command("PUBSUB", "SHARDCHANNELS"))
        for slot in sorted({key_slot(name.encode()) for name in channels[:MOVED]}):
            self.cluster.move_slot(slot, target)


class RollingUpgrade(_Hosts):
    """node by node is told to end and is started anew, as the runbook says: no request may fail"""

    alone = True
    spotless = True
    stalls = 1.0  # a node fewer, and a boot beside the others

    def inject(self) -> None:
        for node in self.stage.nodes:
            if node is not self.stage.nodes[0]:
                gevent.sleep(LEFT_ALONE)
            node.terminate()
            ended = node.wait(ENDS)
            self.scene.claim("answered", ended, f"node {node.index} did not end in {ENDS:g} s")
            node.start()
            node.ready()
            processes.until(f"node {node.index} serves", node.heard, HEARD)
