"""What makes an account: its password, its sessions, its end.

An account is *disabled* by an operator, who may enable it again, or *removed*: disabled, and without a password. Either
way its name stays taken and what was said stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from webchat.data.store import Store
from webchat.data.tables import Block, Relation, Session, User
from webchat.data.transaction import Transaction

NO_PASSWORD = "!"  # fits no password; `Transaction.disable_user` writes it


class Login(NamedTuple):
    """A session that has not ended. Times are Unix ms, 0 where they are older than our records."""

    id: int
    created_at: int
    seen_at: int
    address: str
    agent: str


def password_hash(store: Store, user: int) -> str:
    return str(store.on.rows('SELECT password_hash FROM "user" WHERE id = ?', (user,))[0][0])


def hold(tx: Transaction, users: Sequence[int]) -> None:
    """Nobody changes these accounts, or makes or ends a friendship of theirs, until the transaction is through."""
    if tx.on.for_update:
        query = User.select(User.id).where(User.id.in_(sorted(users))).order_by(User.id).for_update()
        list(tx.on.run(query.tuples()))


def set_password(tx: Transaction, user: int, hashed: str) -> None:
    tx.on.run(User.update(password_hash=hashed).where(User.id == user))


def set_disabled(tx: Transaction, user: int, disabled: bool) -> None:
    tx.on.run(User.update(disabled=disabled).where(User.id == user))


# --- sessions


def logins(store: Store, user: int, now: int) -> list[Login]:
    """The user's sessions that are not over, the one seen last first."""
    query = (
        Session.select(Session.id, Session.created_at, Session.seen_at, Session.address, Session.agent)
        .where(Session.user == user, Session.expires_at > now)
        .order_by(Session.seen_at.desc(), Session.created_at.desc(), Session.id)
    )
    return [Login(*row) for row in store.on.run(query.tuples())]


def owns_session(store: Store, user: int, session: int) -> bool:
    return bool(store.on.rows('SELECT 1 FROM session WHERE id = ? AND "user" = ?', (session, user)))


def end_sessions(tx: Transaction, user: int, but: int | None = None) -> int:
    """End all sessions of the user, `but` this one; how many there were."""
    sessions = [row[0] for row in tx.on.rows('SELECT id FROM session WHERE "user" = ? ORDER BY id', (user,))]
    ended = [session for session in sessions if session != but]
    for session in ended:
        tx.end_session(user, session)
    return len(ended)


def saw(tx: Transaction, sessions: Sequence[int], now: int, earlier: int) -> None:
    """Note that the sessions were used, where they were last seen before `earlier`."""
    query = Session.update(seen_at=now).where(Session.id.in_(list(sessions)), Session.seen_at < earlier)
    tx.on.run(query)


# --- the end


def related(store: Store, user: int) -> list[int]:
    """All to whom the user stands in some relation: friends, and questions either way."""
    alive = Relation.friends | Relation.asked_by.is_null(False)
    return [
        row[0]
        for mine, theirs in ((Relation.low, Relation.high), (Relation.high, Relation.low))
        for row in store.on.run(Relation.select(theirs).where(mine == user, alive).tuples())
    ]


def remove(tx: Transaction, user: int) -> None:
    """Nobody logs in any more, nothing of the profile is left. The caller has ended the relations."""
    cleared = {"display_name": "", "status": "", "avatar": "", "invisible": False}
    tx.on.run(User.update(cleared).where(User.id == user))
    tx.on.run(Block.delete().where(Block.user == user))
    tx.disable_user(user)
