"""Receipts in the database: how far each member has got and read a conversation, and how far all of them have.

Two numbers for each member, two for each conversation, no row for a message. A conversation's numbers are the least
of those of its members who show receipts, taken anew when one of these says something (`settle`) and never by a
send; they only rise. Nothing leaves a closed conversation. What an invisible member's browser has got by itself counts
only once they have read it, or are visible again: it would say that they are there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from webchat.data import profiles
from webchat.data.store import Store, in_lists
from webchat.data.transaction import Transaction
from webchat.entities.talk import RECEIPTS_MAX

_ONCE_READ = "CASE WHEN m.receipt_number > m.read_number THEN m.receipt_number ELSE m.read_number END"
_GOT = f"CASE WHEN m.delivered_number > {_ONCE_READ} THEN m.delivered_number ELSE {_ONCE_READ} END"
_NEW = f"""
    SELECT c.id, c.last_number, {_GOT} FROM member m JOIN conversation c ON c.id = m.conversation
    WHERE m."user" = ? AND c.id IN (
"""  # noqa: S608
_HOLD = "SELECT id FROM conversation WHERE id IN ({}) ORDER BY id"
_DELIVER = """
    UPDATE member SET delivered_number = ? WHERE conversation = ? AND "user" = ? AND delivered_number < ?
    RETURNING delivered_number
"""
_MARK = f"""
    UPDATE member AS m SET read_number = ?, receipt_number = {_ONCE_READ} WHERE conversation = ? AND "user" = ?
"""  # noqa: S608
_SHOWING = f"""
    SELECT m."user", CASE WHEN u.invisible THEN {_ONCE_READ} ELSE {_GOT} END, {_ONCE_READ}
    FROM member m JOIN "user" u ON u.id = m."user"
    WHERE m.conversation = ? AND NOT u.hide_receipts AND NOT u.disabled ORDER BY m."user"
"""  # noqa: S608
_STANDING = """
    SELECT c.open, (SELECT count(*) FROM member m WHERE m.conversation = c.id) FROM conversation c WHERE c.id = ?
"""
_RAISE = """
    UPDATE conversation SET delivered = ?, read = ? WHERE id = ? AND (delivered < ? OR read < ?) RETURNING delivered
"""
_RAISED = "SELECT delivered, read FROM conversation WHERE id = ?"


class Settled(NamedTuple):
    """All members who show receipts (`users`, ascending) have got, have read a conversation up to these numbers."""

    delivered: int
    read: int
    users: list[int]


def news(store: Store, user: int, delivered: dict[int, int]) -> dict[int, int]:
    """What of it the database does not know yet; without conversations that the user is no member of.

    No number is higher than what has been said there.
    """
    known: list[tuple[int, int, int]] = []
    for some in in_lists(delivered):
        known += store.on.rows(f"{_NEW}{some})", (user,))
    return {
        conversation: min(delivered[conversation], last)
        for conversation, last, got in known
        if min(delivered[conversation], last) > got
    }


def hold(tx: Transaction, conversations: Iterable[int]) -> None:
    """Nobody else changes these until the transaction is through; in the order in which they are locked."""
    if tx.on.for_update:
        for some in in_lists(sorted(conversations)):
            tx.on.rows(_HOLD.format(some) + tx.on.for_update)


def tells_by_itself(store: Store, user: int) -> bool:
    """Whether what the user's browser has got may be passed on, without anything that they do."""
    return not profiles.me(store, user).invisible


def deliver(tx: Transaction, conversation: int, user: int, number: int) -> bool:
    """Note that the user has got the messages up to `number`; whether that is new."""
    return bool(tx.on.rows(_DELIVER, (number, conversation, user, number)))


def mark(tx: Transaction, conversation: int, user: int, number: int) -> None:
    """Put the user's read mark to `number`, be it forward or back; what was read once is kept for receipts.

    A sender has read all up to what they sent: so the least of all members is never less than that of everybody else,
    as far as it is about messages of theirs.
    """
    tx.on.rows(_MARK, (number, conversation, user))


def settle(tx: Transaction, conversation: int) -> Settled | None:
    """Take a conversation's numbers anew, after it was held; None where they stay, or are nobody's business.

    They are where fewer than two show receipts, in a group of more than `RECEIPTS_MAX`, and while a conversation is
    closed.
    """
    is_open, members = tx.on.rows(_STANDING, (conversation,))[0]
    if not is_open or members > RECEIPTS_MAX:
        return None
    showing = tx.on.rows(_SHOWING, (conversation,))
    if len(showing) < 2:
        return None
    delivered, read = tx.on.rows(_RAISED, (conversation,))[0]
    reached = max(delivered, min(got for _, got, _ in showing)), max(read, min(number for _, _, number in showing))
    if reached == (delivered, read):
        return None
    tx.on.rows(_RAISE, (*reached, conversation, *reached))
    return Settled(*reached, [user for user, _, _ in showing])
