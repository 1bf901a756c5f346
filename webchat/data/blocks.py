"""Who wants nothing to do with whom.

While one of two blocks the other, they are no friends and their conversation is closed: `logic.blocks` sees to the
first, `logic.friends` keeps it so. Presence, profiles and typing are told to friends and members, so what is told of
two people in a direct conversation needs no look in here; what is told in a group does.
"""

from __future__ import annotations

from webchat.data.store import Store
from webchat.data.tables import Block, User
from webchat.data.transaction import Transaction

_BETWEEN = """
    SELECT 1 FROM block WHERE ("user" = ? AND blocked = ?) OR ("user" = ? AND blocked = ?) LIMIT 1
"""


def has(store: Store, user: int, blocked: int) -> bool:
    """Whether `user` blocks the other; in a transaction that holds their pair it stays so."""
    return bool(store.on.rows('SELECT 1 FROM block WHERE "user" = ? AND blocked = ?', (user, blocked)))


def between(store: Store, one: int, other: int) -> bool:
    """Whether either of the two blocks the other."""
    return bool(store.on.rows(_BETWEEN, (one, other, other, one)))


def names(store: Store, user: int) -> list[str]:
    """Whom `user` blocks, in alphabetical order."""
    query = Block.select(User.name).join(User, on=(User.id == Block.blocked)).where(Block.user == user)
    return [row[0] for row in store.on.run(query.order_by(User.key).tuples())]


def add(tx: Transaction, user: int, blocked: int) -> None:
    tx.on.run(Block.insert(user=user, blocked=blocked).on_conflict_ignore())


def remove(tx: Transaction, user: int, blocked: int) -> None:
    tx.on.run(Block.delete().where(Block.user == user, Block.blocked == blocked))
