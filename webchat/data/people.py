"""Accounts as an operator sees them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from webchat.data.accounts import NO_PASSWORD
from webchat.data.store import Store
from webchat.entities.people import name_key

State = Literal["active", "disabled", "removed"]  # see `data.accounts`

_PEOPLE = """
    SELECT u.name, u.display_name, u.disabled, u.password_hash, u.created_at,
        (SELECT count(*) FROM session s WHERE s."user" = u.id AND s.expires_at > ?),
        (SELECT max(s.seen_at) FROM session s WHERE s."user" = u.id),
        EXISTS (SELECT 1 FROM presence p WHERE p."user" = u.id)
    FROM "user" u WHERE u.key >= ? AND u.key < ? ORDER BY u.key
"""


class Person(NamedTuple):
    """Times are Unix ms; `seen_at` is of the sessions that are left, 0 where there is none."""

    name: str
    display_name: str
    state: State
    created_at: int
    sessions: int
    seen_at: int
    online: bool


def people(store: Store, prefix: str, now: int) -> list[Person]:
    """All whose name begins with `prefix`, in alphabetical order."""
    if not (prefix.isascii() and prefix.isprintable()):  # no name begins so
        return []
    key = name_key(prefix)
    return [
        Person(name, display_name, _state(disabled, hashed), created_at, sessions, seen_at or 0, bool(online))
        for name, display_name, disabled, hashed, created_at, sessions, seen_at, online in store.on.rows(
            _PEOPLE, (now, key, key + "\U0010ffff")
        )
    ]


def state(store: Store, user: int) -> State:
    rows = store.on.rows('SELECT disabled, password_hash FROM "user" WHERE id = ?', (user,))
    return _state(*rows[0])


def _state(disabled: bool, hashed: str) -> State:
    if not disabled:
        return "active"
    return "removed" if hashed == NO_PASSWORD else "disabled"
