"""What a worker asks of its users' feeds: the seam at which a deployment on several PostgreSQLs would divide them.

The hub knows nothing else of the database. The questions about feeds name the users whom they are about: what
holds a `Feeds` for each shard, finds the shard by the user, and asks those of a list side by side, is a `Feeds` itself.
Two things name no user yet: a session, which has to say whose it is, and the presence mark, which is one for everybody.
docs/decisions/025-sharding-by-user.md says what becomes of them.

`webchat.data.store.Store` answers for all users. The other half of the seam, writing, is `Transaction.tell` and its
kin: no other code puts an entry into a feed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from webchat.data.store import Bounds
from webchat.entities.feed import Entry, PresenceEvent


class Feeds(Protocol):
    """See the module. A question may yield, and raises Unavailable where it cannot be answered now."""

    def bounds(self, user: int) -> Bounds:
        """The first and the last number of the feed."""

    def entries(self, user: int, after: int, limit: int) -> list[Entry]:
        """The entries that follow number `after`; the first is not `after` + 1 where older ones were trimmed."""

    def tops(self, users: Iterable[int]) -> dict[int, int]:
        """The last number of each feed."""

    def living_sessions(self, sessions: Iterable[int], now: int) -> set[int]:
        """Those of `sessions` that are not over at `now` (Unix ms)."""

    def presence_mark(self) -> int:
        """The mark of the last coming or going of anybody."""

    def presence_since(self, mark: int, user: int) -> list[PresenceEvent]:
        """The friends of `user` who came or went after `mark`, as they are now, in order of the changes."""

    def affected_since(self, mark: int) -> set[int]:
        """The users of whom a friend came or went after `mark`."""
