"""The doorbell on Redis or Valkey pub/sub: per worker and server two connections, one to ring and one to hear.

Each connection has one greenlet that writes and one that reads, so no reply can reach the wrong caller.
The set of channels wanted is kept here and not in the client library: after a reconnect all of them are
subscribed anew, and then `Listener.missed` says that rings may be lost (`hearer`).

Twice a second the worker rings itself, and says when. The probe's channel is the last one subscribed, so a probe
that is heard proves both connections and every subscription before it (`bell`: both connections of one server).

One server, or the master that Sentinel names, is one bell (`single`). A Cluster is a bell for each of its masters, and
sharded pub/sub (`cluster`), as its `topology` is just now.
"""

from __future__ import annotations

from webchat.data.bus import Bus
from webchat.data.bus_redis.cluster import ClusterBus
from webchat.data.bus_redis.once import ring_once
from webchat.data.bus_redis.single import RedisBus
from webchat.redis_url import parse

__all__ = ["open_bus", "ring_once"]


def open_bus(url: str, space: str, worker: str) -> Bus:
    """`space` keeps databases that share one server apart. Raises SetupError where the URL cannot be used."""
    parsed = parse(url)
    return ClusterBus(parsed, space, worker) if parsed.kind == "cluster" else RedisBus(parsed, space, worker)
