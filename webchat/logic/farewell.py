"""The end of an account, by its owner's wish.

Sessions and friendships end and are told, groups are left, the profile is cleared. The name stays taken, so that nobody
can pass for the one who left, and what was said stays with those to whom it was said.
"""

from __future__ import annotations

from collections.abc import Callable

from webchat.data import accounts, blocks
from webchat.data.committer import Committer
from webchat.data.store import Pair
from webchat.data.transaction import Transaction
from webchat.entities.feed import FriendEvent
from webchat.entities.people import Session
from webchat.errors import WrongPassword
from webchat.logic.sessions import WRONG, Sessions

# Before the account ends, in transactions of its own: whatever else has to be left as its owner would leave it. It may
# run again after it has failed halfway.
Leave = Callable[[Session], None]


class Farewell:
    def __init__(self, committer: Committer, sessions: Sessions, leave: tuple[Leave, ...] = ()) -> None:
        self._committer = committer
        self._sessions = sessions
        self._leave = leave

    def remove(self, session: Session, password: str) -> None:
        """Raises WrongPassword."""
        known = self._sessions.check(session, password)
        for leave in self._leave:
            leave(session)

        def work(tx: Transaction) -> None:
            others = _hold(tx, session.user)
            if accounts.password_hash(tx, session.user) != known:
                raise WrongPassword(WRONG)
            end_relations(tx, session.user, others)
            accounts.end_sessions(tx, session.user)
            accounts.remove(tx, session.user)

        self._committer.submit(work)


def _hold(tx: Transaction, user: int) -> list[int]:
    """All to whom the user stands in some relation, none of which changes until the transaction is through."""
    held: set[int] = set()
    while not held.issuperset(wanted := {user, *accounts.related(tx, user)}):
        accounts.hold(tx, list(wanted))
        held |= wanted
    return sorted(wanted - {user})


def end_relations(tx: Transaction, user: int, others: list[int]) -> None:
    """End the relations to `others` (in ascending order) and tell them; all conversations before all feeds (locks)."""
    pairs = {other: pair for other in others if (pair := tx.pair(user, other))}
    for conversation in sorted(pair.conversation for pair in pairs.values() if pair.conversation is not None):
        tx.set_open(conversation, False)
    name = tx.name(user)
    for other, pair in pairs.items():
        tx.set_pair(user, other, Pair(friends=False, asked_by=None, conversation=pair.conversation))
        if not blocks.has(tx, other, user):
            tx.tell(other, FriendEvent(name, "none"))
