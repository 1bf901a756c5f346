"""Who is shown that somebody types. One question; nothing of it is ever written."""

from __future__ import annotations

from webchat.data.store import Store

_AUDIENCE = """
    SELECT o."user" FROM member o JOIN "user" p ON p.id = o."user"
    WHERE o.conversation = ? AND o."user" <> ? AND NOT p.hide_typing AND NOT EXISTS (
        SELECT 1 FROM block b
        WHERE (b."user" = p.id AND b.blocked = ?) OR (b."user" = ? AND b.blocked = p.id)
    )
"""
_STANDING = """
    SELECT c.open, u.hide_typing, (SELECT count(*) FROM member o WHERE o.conversation = c.id)
    FROM member m JOIN conversation c ON c.id = m.conversation JOIN "user" u ON u.id = m."user"
    WHERE m.conversation = ? AND m."user" = ?
"""


def standing(store: Store, conversation: int, user: int) -> tuple[bool, bool, int] | None:
    """Whether the conversation is open, whether this member hides typing, and the number of members."""
    rows = store.on.rows(_STANDING, (conversation, user))
    return (bool(rows[0][0]), bool(rows[0][1]), rows[0][2]) if rows else None


def audience(store: Store, conversation: int, user: int) -> list[int]:
    """The other members who show typing themselves; nobody with whom there is a block, either way."""
    return [row[0] for row in store.on.rows(_AUDIENCE, (conversation, user, user, user))]
