"""How users present themselves, and the settings that they keep: columns of the user's row."""

from __future__ import annotations

import msgspec

from webchat.data.store import Store
from webchat.data.tables import User
from webchat.data.transaction import Transaction
from webchat.entities.people import Me, Profile

_ME = """
    SELECT name, display_name, status, avatar, invisible, hide_receipts, hide_typing FROM "user" WHERE id = ?
"""


def of(store: Store, user: int) -> Profile:
    """What others see."""
    me_ = me(store, user)
    return Profile(display_name=me_.display_name, status=me_.status, avatar=me_.avatar)


def me(store: Store, user: int) -> Me:
    """All of it, as its owner sees it."""
    return _me(store, _ME, user)


def to_change(tx: Transaction, user: int) -> Me:
    """Like `me`; nobody else changes it, or makes or ends a friendship of theirs, until this transaction is through."""
    return _me(tx, _ME + tx.on.for_update, user)


def _me(store: Store, sql: str, user: int) -> Me:
    name, display_name, status, avatar, *hidden = store.on.rows(sql, (user,))[0]
    invisible, hide_receipts, hide_typing = map(bool, hidden)
    return Me(
        name,
        display_name=display_name,
        status=status,
        avatar=avatar,
        invisible=invisible,
        hide_receipts=hide_receipts,
        hide_typing=hide_typing,
    )


def write(tx: Transaction, user: int, me_: Me) -> None:
    fields = msgspec.structs.asdict(me_)
    del fields["name"]
    tx.on.run(User.update(**fields).where(User.id == user))
