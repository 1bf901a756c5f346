"""Groups in the database: who is in one, and as what.

A group is a conversation whose members come and go. Who changes it holds it first (`hold`): members, roles and the
name then stay as they were read until the transaction is through, and so does who may send.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.entities.feed import encode
from webchat.entities.people import Session
from webchat.entities.talk import Extra, Member, Message, MessageKind, Role

_HOLD = "SELECT kind, last_number FROM conversation WHERE id = ?"
_OF = """
    SELECT c.id FROM member m JOIN conversation c ON c.id = m.conversation
    WHERE m."user" = ? AND c.kind = 'group' ORDER BY c.id
"""
_ROLES = 'SELECT "user", role FROM member WHERE conversation = ? ORDER BY joined_number, "user"'
_CREATE = "INSERT INTO conversation (kind, open, last_number, name) VALUES ('group', TRUE, 0, ?) RETURNING id"
_JOIN = """
    INSERT INTO member (conversation, "user", role, read_number, delivered_number, joined_number)
    VALUES (?, ?, ?, ?, ?, ?)
"""
_PART = 'DELETE FROM member WHERE conversation = ? AND "user" = ?'
_SET_ROLE = 'UPDATE member SET role = ? WHERE conversation = ? AND "user" = ?'
_RENAME = "UPDATE conversation SET name = ? WHERE id = ?"
_MUTE = 'UPDATE member SET muted = ? WHERE conversation = ? AND "user" = ? AND muted <> ? RETURNING muted'
_FRIENDS = """
    SELECT u.key, u.id FROM (
        SELECT high AS friend FROM relation WHERE low = ? AND friends
        UNION ALL SELECT low FROM relation WHERE high = ? AND friends
    ) r JOIN "user" u ON u.id = r.friend
    WHERE NOT u.disabled AND NOT EXISTS (
        SELECT 1 FROM block b WHERE (b."user" = ? AND b.blocked = u.id) OR (b."user" = u.id AND b.blocked = ?)
    )
"""
# Blocking does not reach into groups: what is hidden is a conversation of two.
_MEMBERS = """
    SELECT u.name, m.role, u.display_name, u.status, u.avatar,
        c.kind = 'direct' AND EXISTS (SELECT 1 FROM block b WHERE b."user" = u.id AND b.blocked = ?)
    FROM member m JOIN conversation c ON c.id = m.conversation JOIN "user" u ON u.id = m."user"
    WHERE m.conversation = ?
    ORDER BY CASE m.role WHEN 'owner' THEN 0 WHEN 'admin' THEN 1 ELSE 2 END, u.key
"""


class _Creation(Extra, frozen=True, omit_defaults=True, kw_only=True):
    """What the note of a group's creation has: nobody else is told of `asked`."""

    asked: str = ""


_creation_of = msgspec.json.Decoder(_Creation).decode


class Group(NamedTuple):
    """`roles`: of every member, whoever stayed longest first. A direct conversation is held alike, but is none."""

    id: int
    is_group: bool
    last_number: int
    roles: dict[int, Role]

    @property
    def heir(self) -> int | None:
        """Who takes over when the owner has gone: the oldest admin, else the oldest member."""
        admins = (user for user, role in self.roles.items() if role == "admin")
        return next(admins, next(iter(self.roles), None))


def of(store: Store, user: int) -> list[int]:
    """The groups that the user is in."""
    return [row[0] for row in store.on.rows(_OF, (user,))]


def hold(tx: Transaction, conversation: int) -> Group | None:
    """The conversation as it will be until this transaction is through, but for what that changes itself."""
    found = tx.on.rows(_HOLD + tx.on.for_update, (conversation,))
    if not found:
        return None
    kind, last_number = found[0]
    return Group(conversation, kind == "group", last_number, dict(tx.on.rows(_ROLES, (conversation,))))


def create(tx: Transaction, name: str) -> int:
    """A group without members."""
    return int(tx.on.rows(_CREATE, (name,))[0][0])


def join(tx: Transaction, conversation: int, user: int, role: Role, last_number: int) -> None:
    """All that was said so far, up to `last_number`, is theirs to read and counts as read."""
    tx.on.rows(_JOIN, (conversation, user, role, last_number, last_number, last_number + 1))


def part(tx: Transaction, conversation: int, user: int) -> None:
    tx.on.rows(_PART, (conversation, user))


def set_role(tx: Transaction, conversation: int, user: int, role: Role) -> None:
    tx.on.rows(_SET_ROLE, (role, conversation, user))


def rename(tx: Transaction, conversation: int, name: str) -> None:
    tx.on.rows(_RENAME, (name, conversation))


def mute(tx: Transaction, conversation: int, user: int, muted: bool) -> bool:
    """Whether that is new."""
    return bool(tx.on.rows(_MUTE, (muted, conversation, user, muted)))


def note(
    tx: Transaction, conversation: int, actor: Session, kind: MessageKind, text: str, client_id: str, now: int
) -> Message:
    """What the group says of itself: a message like any other, but for its `kind`."""
    extra = encode(Extra(kind=kind))
    return tx.add_message(conversation, actor.user, actor.name, text, client_id, now, extra=extra)


def note_creation(
    tx: Transaction, group: int, owner: Session, name: str, members: Iterable[str], client_id: str, now: int
) -> Message:
    """The first note; for retries it is kept with the keys of the `members` who were asked for."""
    extra = encode(_Creation(kind="created", asked=_digest(members)))
    return tx.add_message(group, owner.user, owner.name, name, client_id, now, extra=extra)


def was_asked(store: Store, note: int, members: Iterable[str]) -> bool:
    """Whether the group whose creation this `note` (its id) tells of was asked for with these members."""
    ((extra,),) = store.on.rows("SELECT extra FROM message WHERE id = ?", (note,))
    return _creation_of(extra).asked == _digest(members)


def _digest(members: Iterable[str]) -> str:
    """Of five hundred names it is as short as of one: the note is read again with every page of history."""
    return hashlib.sha256("\n".join(sorted(members)).encode()).hexdigest()


def friends_by_key(store: Store, user: int) -> dict[str, int]:
    """The friends whom `user` may bring along, by the key of their names; nobody whom either has blocked."""
    return dict(store.on.rows(_FRIENDS, (user, user, user, user)))


def members(store: Store, conversation: int, asker: int) -> list[Member]:
    """The owner first, then admins, then all others; each in alphabetical order.

    Of who blocks `asker`, a conversation of two tells the name alone.
    """
    return [
        Member(name, role or None)
        if hidden
        else Member(name, role or None, display_name=display_name, status=status, avatar=avatar)
        for name, role, display_name, status, avatar, hidden in store.on.rows(_MEMBERS, (asker, conversation))
    ]
