"""Reads of what was said at a standby, where that has all that the asker may have seen; else where they always were.

Whatever changes what somebody may read (a message, its change, who is a member) is an entry of their feed, in the same
transaction. So a standby on which the asker's feed is as long as it is on the primary now, whoever wrote it and through
whichever node, has all that concerns them. That their feed is the same one, and not that of a primary which has been
given up since, is what `webchat.data.replica_postgres` makes sure of.

A standby that lags, is dead, or was never there costs its reads a moment, and nobody an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from webchat.data.store import Store

T = TypeVar("T")


class Behind(Exception):
    """The standby does not have yet what is asked for."""


class Replica(Protocol):
    """Reads that went there, that it was not up to, and in which it failed; seconds by which it lags; is it asked?"""

    reads: int
    behind: int
    failures: int
    lag: float

    @property
    def usable(self) -> bool: ...

    def read(self, user: int, question: Callable[[Store], T], otherwise: Callable[[], T]) -> T:
        """The answer for `user`, at the standby; `otherwise` where it cannot be had there, or `question` finds that the
        standby is `Behind`."""

    def look(self) -> None:
        """Call it every second, for the standby to be used at all. Raises Unavailable where the primary is away."""

    def close(self) -> None: ...


class NoReplica:
    """Where there is none."""

    reads = behind = failures = 0
    lag = 0.0
    usable = False

    def read(self, user: int, question: Callable[[Store], T], otherwise: Callable[[], T]) -> T:  # noqa: ARG002
        return otherwise()

    def look(self) -> None:
        """Nothing to look at."""

    def close(self) -> None:
        """Nothing to close."""
