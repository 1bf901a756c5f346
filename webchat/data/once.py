"""(sender, client id): used once and for ever, also when the message that used it is not kept any more.

On PostgreSQL a row of `once` says so, written with the message by a trigger: messages lie in many tables, and no index
spans them. On SQLite the index of the messages does, and `once` has only the ids whose messages were forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from webchat.data.engine import is_postgres

if TYPE_CHECKING:
    from webchat.data.store import Store

# Behind `MESSAGE` of the store, each with the sender and the client id.
BY_ONCE = "JOIN once o ON o.message = m.id WHERE o.sender = ? AND o.client_id = ?"
BY_INDEX = "WHERE m.sender = ? AND m.client_id = ?"
_USED = """
    SELECT 1 FROM once o WHERE o.sender = ? AND o.client_id = ?
        AND NOT EXISTS (SELECT 1 FROM message m WHERE m.id = o.message)
"""
# On SQLite; the messages are those up to an id.
_KEEP = """
    INSERT INTO once (sender, client_id, message) SELECT sender, client_id, id FROM message WHERE id <= ?
    ON CONFLICT DO NOTHING
"""


def found_by(store: Store) -> str:
    """How a message is found that a sender has sent under a client id."""
    return BY_ONCE if is_postgres(store.on) else BY_INDEX


def is_forgotten(store: Store, sender: int, client_id: str) -> bool:
    """Whether a message was sent so that is not kept any more."""
    return bool(store.on.rows(_USED, (sender, client_id)))


def keep(store: Store, last: int) -> None:
    """The client ids of all messages up to `last`, which are about to be forgotten (SQLite)."""
    store.on.rows(_KEEP, (last,))
