"""For a process that rings and ends, and may wait for it."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from webchat.data import bus
from webchat.data.bus_redis.channel import Names
from webchat.data.bus_redis.line import Broken, client
from webchat.data.bus_redis.servers import servers
from webchat.data.bus_redis.topology import first_view
from webchat.entities.feed import Ring
from webchat.errors import SetupError
from webchat.redis_url import parse

log = structlog.get_logger()


def ring_once(url: str, space: str, rings: Sequence[Ring]) -> bool:
    """Whether the server, or each of the servers that it concerns, took them."""
    names = Names(space)
    try:
        parsed = parse(url)
        if parsed.kind != "cluster":
            _publish(servers(parsed)[0], "PUBLISH", names, rings)
            return True
        view = first_view(parsed)
        by_owner: dict[str, list[Ring]] = {}
        for ring in rings:
            by_owner.setdefault(parsed.server(view.owner(names.of(ring.user))), []).append(ring)
        for server, some in by_owner.items():
            _publish(server, "SPUBLISH", names, some)
    except (*Broken, ValueError, SetupError) as error:
        log.debug("not rung", error=str(error))
        return False
    return True


def _publish(server: str, command: str, names: Names, rings: Sequence[Ring]) -> None:
    with client(server) as one, one.pipeline(transaction=False) as batch:
        for ring in rings:
            batch.execute_command(command, names.of(ring.user), bus.encode(ring))
        batch.execute()
