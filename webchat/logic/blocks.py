"""Blocking: to want nothing to do with somebody.

It ends the friendship or declines the question, like `Friends.remove`, and from then on `logic.friends` keeps the two
apart. The blocked one is told what anybody is told whose friendship ends, and nothing of the block. In a group of
which both are members messages go on. Unblocking restores nothing, but a question that the other has asked meanwhile
is told.
"""

from __future__ import annotations

from webchat.data import blocks
from webchat.data.committer import Committer
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.entities.feed import BlockedEvent, FriendEvent
from webchat.entities.people import Session
from webchat.errors import Invalid, NotFound
from webchat.logic import friends
from webchat.logic.sessions import must_live


class Blocks:
    def __init__(self, store: Store, committer: Committer) -> None:
        self._store = store
        self._committer = committer

    def block(self, session: Session, name: str) -> None:
        other, spelled = self._other(name)
        if other == session.user:
            raise Invalid("that is you", code="invalid")

        def work(tx: Transaction) -> None:
            pair = tx.pair_to_change(session.user, other)
            must_live(tx, session)
            if blocks.has(tx, session.user, other):
                return
            if pair is not None and (pair.friends or pair.asked_by):
                friends.end(tx, session.user, other, pair)
            blocks.add(tx, session.user, other)
            tx.tell(session.user, BlockedEvent(spelled, True))

        self._committer.submit(work)

    def unblock(self, session: Session, name: str) -> None:
        other, spelled = self._other(name)

        def work(tx: Transaction) -> None:
            pair = tx.pair_to_change(session.user, other)
            if not blocks.has(tx, session.user, other):
                return
            blocks.remove(tx, session.user, other)
            tx.tell(session.user, BlockedEvent(spelled, False))
            if pair is not None and pair.asked_by == other:
                tx.tell(session.user, FriendEvent(spelled, "incoming", note=pair.note))

        self._committer.submit(work)

    def _other(self, name: str) -> tuple[int, str]:
        found = self._store.user_even_disabled(name)
        if found is None:
            raise NotFound(friends.NOBODY_SO_NAMED)
        return found
