"""Which servers the doorbell is made of just now."""

from __future__ import annotations

from redis.exceptions import RedisError
from redis.sentinel import MasterNotFoundError, Sentinel

from webchat.data.bus_redis.line import SOCKET_TIMEOUT, client
from webchat.data.bus_redis.topology import first_view
from webchat.redis_url import Address, RedisUrl


def servers(url: RedisUrl, patience: float = SOCKET_TIMEOUT) -> list[str]:
    """The URL of each server that is rung: one, or all masters of a Cluster.

    Raises RedisError or OSError where those who should know do not say, ValueError where the client library does not
    know an option of the URL.
    """
    if url.kind == "single":
        return [url.server()]
    if url.kind == "cluster":
        return [url.server(master) for master in first_view(url, patience).masters]
    with sentinels(url, patience) as asked:
        return [url.server(master_of(url, asked))]


def sentinels(url: RedisUrl, patience: float = SOCKET_TIMEOUT) -> Sentinel:
    made = Sentinel([])
    made.sentinels = [client(url.sentinel(address), patience) for address in url.hosts]
    return made


def master_of(url: RedisUrl, asked: Sentinel) -> Address:
    """Raises RedisError or OSError where no sentinel names a master that is up."""
    try:
        host, port = asked.discover_master(url.service)
        return host, port
    except MasterNotFoundError:
        for sentinel in asked.sentinels:
            sentinel.sentinel_masters()  # raises what keeps it from knowing, if anything does
        raise RedisError(f"no sentinel knows of a master {url.service!r} that is up") from None
