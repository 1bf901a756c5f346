"""Messages in an operator's hands: to see what one has said, and to delete it for everybody."""

from __future__ import annotations

from typing import NamedTuple

from webchat.data.store import Store, as_message
from webchat.data.tables import Message as MessageRow
from webchat.data.tables import Version
from webchat.data.transaction import Transaction
from webchat.entities.feed import encode
from webchat.entities.talk import Extra, Message

_MESSAGE = """
    SELECT m.id, m.conversation, m.number, (SELECT u.name FROM "user" u WHERE u.id = m.sender),
        m.text, m.sent_at, m.client_id, m.extra
    FROM message m WHERE m.id = ?
"""


class Said(NamedTuple):
    """What a message said until its change number `revision`, at `until` (Unix ms)."""

    revision: int
    until: int
    text: str


def message(store: Store, id: int) -> Message | None:
    return _message(store, _MESSAGE, id)


def versions(store: Store, id: int) -> list[Said]:
    """What the message said before, the oldest first."""
    columns = (Version.revision, Version.changed_at, Version.text)
    query = Version.select(*columns).where(Version.message == id).order_by(Version.revision)
    return [Said(*row) for row in store.on.run(query.tuples())]


def message_to_change(tx: Transaction, id: int) -> Message | None:
    """Like `message`; nobody else changes it until this transaction is through."""
    return _message(tx, _MESSAGE + tx.on.for_update, id)


def delete(tx: Transaction, message_: Message, now: int) -> None:
    """Keep what it said, take that away from everybody, and tell all members. The transaction holds the message."""
    revision = message_.revision + 1
    tx.on.run(Version.insert(message=message_.id, revision=revision, text=message_.text, changed_at=now))
    extra = encode(Extra(kind=message_.kind, deleted=True, revision=revision))
    tx.on.run(MessageRow.update(text="", extra=extra).where(MessageRow.id == message_.id))
    changed = message(tx, message_.id)
    if changed is not None:
        tx.tell_change(changed)


def _message(store: Store, sql: str, id: int) -> Message | None:
    rows = store.on.rows(sql, (id,))
    return as_message(rows[0]) if rows else None
