"""Who talks: users, their sessions, and how two of them stand to each other."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

# Starts with a letter or digit, so that a name can never be read as `.` or `..` in a URL.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,31}")

PASSWORD_MIN = 8  # characters; NIST SP 800-63B
PASSWORD_MAX = 256  # characters; bounds what one log-in can make us hash


def name_key(name: str) -> str:
    """The form in which names are unique: `Ann` and `ann` are one person."""
    return name.lower()


class Session(msgspec.Struct, frozen=True):
    """A log-in that is still good."""

    id: int
    user: int
    name: str
    seen_at: int = 0  # Unix ms, up to an hour late


class OpenSession(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of one's own sessions: where from and with what it was begun, and when it was last used.

    `seen_at` is up to an hour late; neither time is known of a session older than these records. `current`: this one.
    """

    id: str
    current: bool
    address: str
    agent: str
    created_at: str | None = None
    seen_at: str | None = None


class Profile(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How a user presents themselves; `avatar` names the present image, opaque to clients."""

    display_name: str = ""
    status: str = ""
    avatar: str = ""


class Me(Profile, frozen=True, omit_defaults=True):
    """Oneself, with one's own settings: `hide_…` keeps to oneself, and does without those of others."""

    name: str
    invisible: bool = False
    hide_receipts: bool = False
    hide_typing: bool = False


DISPLAY_NAME_MAX = 64  # characters
STATUS_MAX = 140
NOTE_MAX = 200

RelationState = Literal["friend", "incoming", "outgoing", "none"]


class Relation(Profile, frozen=True, omit_defaults=True):
    """How `name` stands to the one who is told: `incoming` means that `name` has asked."""

    name: str
    state: RelationState
    online: bool | None = None
    conversation: int | None = None
    note: str = ""


class Friend(Profile, frozen=True, omit_defaults=True):
    """A friend's line in the snapshot."""

    name: str
    online: bool
    conversation: int


class FriendRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question that waits for its answer."""

    name: str
    direction: Literal["incoming", "outgoing"]
    note: str = ""


class Found(Profile, frozen=True, omit_defaults=True):
    """Somebody, as one who looks for them sees them.

    `blocked`: by the one who looks; `gone`: the account was deleted or disabled, which those are told who have talked
    with them.
    """

    name: str
    relation: RelationState
    blocked: bool = False
    gone: bool = False
