"""One Cluster node's rope. It reads what the node answers: a ring for a slot that has moved is rung where that is now.

Answers are one line each, in the order of the rings, and all but errors say nothing of interest, so they are counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from redis.connection import ConnectionInterface

from webchat.data.bus_redis.channel import SHARDED, Names
from webchat.data.bus_redis.line import socket_of
from webchat.data.bus_redis.ringer import Ringer
from webchat.entities.feed import Ring
from webchat.redis_url import Address

READ_MAX = 64 * 1024  # bytes read at once

log = structlog.get_logger()


class Router(Protocol):
    """Who knows where each slot is."""

    def ring(self, rings: Sequence[Ring]) -> None: ...

    def moved(self, slot: int, address: Address) -> None: ...

    def lost(self) -> None:
        """Rings may have been lost."""


class ShardRinger(Ringer):
    def __init__(self, names: Names, clock: Callable[[], float], router: Router, node: Address) -> None:
        super().__init__(SHARDED, names, clock, router.lost)
        self._router = router
        self._node = node
        self._unanswered: deque[Sequence[Ring | None]] = deque()  # by write; None: a probe
        self._answered = 0  # of the first of these
        self._refused = False

    def _begin(self, connection: ConnectionInterface) -> None:  # noqa: ARG002  it is asked for answers
        self._unanswered.clear()
        self._answered = 0

    def _write_probe(self, connection: ConnectionInterface) -> None:
        if self._refused:
            self._refused = False
            self._router.lost()
        self._unanswered.append([None])
        super()._write_probe(connection)

    def _write(self, connection: ConnectionInterface, rings: Sequence[Ring]) -> None:
        self._unanswered.append(rings)
        super()._write(connection, rings)

    def _read(self, connection: ConnectionInterface) -> None:
        line, rest = socket_of(connection), b""
        while data := line.recv(READ_MAX):
            if not rest and b"-" not in data and data.endswith(b"\n"):
                self._count(data.count(b"\n"))
                continue
            *answers, rest = (rest + data).split(b"\r\n")
            for answer in answers:
                if answer.startswith(b"-"):
                    self._refuse(answer[1:].decode())
                self._count(1)

    def _count(self, answers: int) -> None:
        self._answered += answers
        while self._unanswered and self._answered >= len(self._unanswered[0]):
            self._answered -= len(self._unanswered.popleft())

    def _refuse(self, error: str) -> None:
        """Of the next ring without an answer."""
        ring = self._unanswered[0][self._answered]
        target = moved_to(error, self._node)
        if target is None:
            if not self._refused:
                log.warning("doorbell refused", error=error)
            self._refused = True
            return
        self._router.moved(*target)
        if ring is not None:
            self._router.ring([ring])


def moved_to(error: str, node: Address) -> tuple[int, Address] | None:
    """Slot and new owner, of `MOVED 3999 127.0.0.1:6381`, which may leave out the host that is the node's own."""
    words = error.split()
    if len(words) != 3 or words[0] != "MOVED":
        return None
    host, _, port = words[2].rpartition(":")
    return int(words[1]), (host or node[0], int(port))
