"""Receipts and read marks: how far one has got and read, for one's own devices and for the others.

A read mark is one's own, and may go back (`back`: I mark it unread). What the others are told of all members
together only ever rises: what was read stays read. A member who hides receipts is not counted, and is told nothing.

A browser says what it has got by itself. While its user is invisible that moves nothing which others see: neither this
member's number nor, by its moment, what was left to be told of the others.
"""

from __future__ import annotations

from collections.abc import Mapping

from webchat.data import receipts
from webchat.data.committer import Committer
from webchat.data.receipts import Settled
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.entities.feed import ReadEvent, ReceiptEvent
from webchat.entities.people import Session
from webchat.entities.talk import ReadMark
from webchat.errors import Invalid, NotFound
from webchat.logic.chat import NOWHERE

AT_ONCE_MAX = 1_000  # conversations in one call


class Receipts:
    """See the module."""

    def __init__(self, store: Store, committer: Committer) -> None:
        self._store = store
        self._committer = committer

    def read(self, session: Session, conversation: int, number: int, back: bool = False) -> ReadMark:
        """Move one's read mark forward to `number`; or, with `back`, to there from wherever it is.

        Raises NotFound for who is no member, Invalid for a number that nothing has yet.
        """

        def work(tx: Transaction) -> ReadMark:
            membership = tx.membership(conversation, session.user)
            if membership is None:
                raise NotFound(NOWHERE)
            if number > membership.last_number:
                raise Invalid(f"the conversation has {membership.last_number} messages so far", code="bad_number")
            was = membership.read_number
            reached = number if back else max(number, was)
            if reached != was:
                receipts.mark(tx, conversation, session.user, reached)
                own = ReadEvent(conversation, reached, back=reached < was)
                settled = None if reached < was else receipts.settle(tx, conversation)  # unread: nothing rises
                _tell(tx, {conversation: settled}, session.user, own)
            return ReadMark(conversation, reached, membership.last_number - reached)

        return self._committer.submit(work)

    def deliver(self, session: Session, delivered: Mapping[int, int]) -> None:
        """Say up to which number one has got the messages of each conversation.

        What one is no member of is passed over: it may have been left a moment ago. So is what is known already,
        without a transaction.
        """
        if len(delivered) > AT_ONCE_MAX:
            raise Invalid(f"at most {AT_ONCE_MAX} conversations at once", code="bad_receipts")
        if not receipts.news(self._store, session.user, dict(delivered)):
            return

        def work(tx: Transaction) -> None:
            receipts.hold(tx, delivered)
            news = receipts.news(tx, session.user, dict(delivered))
            changed = [
                conversation
                for conversation, number in sorted(news.items())
                if receipts.deliver(tx, conversation, session.user, number)
            ]
            if receipts.tells_by_itself(tx, session.user):
                _tell(tx, {conversation: receipts.settle(tx, conversation) for conversation in changed})

        self._committer.submit(work)


def _tell(
    tx: Transaction, settled: Mapping[int, Settled | None], reader: int | None = None, own: ReadEvent | None = None
) -> None:
    """Everybody in ascending order (locks): the reader of their own mark, and those who show receipts of these."""
    told: list[tuple[int, ReadEvent | ReceiptEvent]] = []
    if reader is not None and own is not None:
        told.append((reader, own))
    for conversation, now in settled.items():
        if now is not None:
            told += [(user, ReceiptEvent(conversation, now.delivered, now.read)) for user in now.users]
    for user, event in sorted(told, key=lambda one: one[0]):
        tx.tell(user, event, event.conversation)
