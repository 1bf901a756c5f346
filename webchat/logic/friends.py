"""Friendship: asked, accepted, declined, withdrawn, ended.

    none ──ask──▶ asked ──accept (or: the other asks too)──▶ friends
      ▲             │                                           │
      └───remove────┴─────────────────remove────────────────────┘

Becoming friends opens the conversation of the two; ending it closes that for sending. What was said stays.
"""

from __future__ import annotations

from webchat.data.committer import Committer
from webchat.data.store import Pair, Store
from webchat.data.transaction import Transaction
from webchat.entities.feed import FriendEvent
from webchat.entities.people import Relation, Session
from webchat.errors import Invalid, NotFound

NOBODY = Pair(friends=False, asked_by=None, conversation=None)
# One sentence for strangers and for names that nobody has: an answer must not tell which.
NOTHING = "there is no such request or friend"


class Friends:
    """Every change is told to both, in the transaction that makes it."""

    def __init__(self, store: Store, committer: Committer) -> None:
        self._store = store
        self._committer = committer

    def ask(self, session: Session, name: str) -> tuple[Relation, bool]:
        """Ask `name`, or accept where `name` has asked already; and whether anything changed."""
        other = self._other(name, "there is nobody of this name")
        if other == session.user:
            raise Invalid("that is you", code="invalid")

        def work(tx: Transaction) -> tuple[Relation, bool]:
            pair = tx.pair_to_change(session.user, other) or NOBODY
            if pair.friends or pair.asked_by == session.user:
                return _seen_by(tx, session.user, other, pair), False
            if pair.asked_by == other:
                return _befriend(tx, session.user, other, pair), True
            return _change(tx, session.user, other, pair._replace(asked_by=session.user)), True

        return self._committer.submit(work)

    def accept(self, session: Session, name: str) -> Relation:
        """Raises NotFound where `name` has not asked."""
        other = self._other(name)

        def work(tx: Transaction) -> Relation:
            pair = tx.pair_to_change(session.user, other)
            if pair is None or (pair.asked_by != other and not pair.friends):
                raise NotFound(NOTHING)
            if pair.friends:
                return _seen_by(tx, session.user, other, pair)
            return _befriend(tx, session.user, other, pair)

        return self._committer.submit(work)

    def remove(self, session: Session, name: str) -> None:
        """Decline, withdraw or end, whichever it is. Raises NotFound where there is nothing."""
        other = self._other(name)

        def work(tx: Transaction) -> None:
            pair = tx.pair_to_change(session.user, other)
            if pair is None or not (pair.friends or pair.asked_by):
                raise NotFound(NOTHING)
            if pair.friends and pair.conversation is not None:
                tx.set_open(pair.conversation, False)
            _change(tx, session.user, other, NOBODY._replace(conversation=pair.conversation))

        self._committer.submit(work)

    def _other(self, name: str, otherwise: str = NOTHING) -> int:
        found = self._store.user(name)
        if found is None:
            raise NotFound(otherwise)
        return found[0]


def _befriend(tx: Transaction, user: int, other: int, pair: Pair) -> Relation:
    if pair.conversation is None:
        conversation = tx.add_conversation(sorted((user, other)))
    else:
        conversation = pair.conversation
        tx.set_open(conversation, True)
    tx.hold_presence()  # each is told whether the other is online: nobody may come or go unseen in between
    return _change(tx, user, other, Pair(friends=True, asked_by=None, conversation=conversation))


def _change(tx: Transaction, user: int, other: int, pair: Pair) -> Relation:
    """Write the pair and tell both, in the order in which feeds are locked; what it is now to `user`."""
    tx.set_pair(user, other, pair)
    for told, partner in sorted(((user, other), (other, user))):
        seen = _seen_by(tx, told, partner, pair)
        tx.tell(told, FriendEvent(seen.name, seen.state, seen.online, seen.conversation))
    return _seen_by(tx, user, other, pair)


def _seen_by(tx: Transaction, user: int, partner: int, pair: Pair) -> Relation:
    state = pair.state_for(user)
    if state != "friend":
        return Relation(tx.name(partner), state)
    return Relation(tx.name(partner), state, tx.is_online(partner), pair.conversation)
