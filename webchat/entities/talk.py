"""What is said, and where."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

from webchat.entities.people import Profile

TEXT_MAX = 4_000  # characters (code points)
CLIENT_ID_MAX = 64
DEVICE_MAX = 32
DEVICE_PATTERN = rf"^[A-Za-z0-9_-]{{1,{DEVICE_MAX}}}$"
DEVICE = re.compile(DEVICE_PATTERN)


MessageKind = Literal["text", "created", "renamed", "added", "removed", "left", "role"]
Role = Literal["owner", "admin", "member"]
FILES_MAX = 10  # on one message
FILE_ID_PATTERN = r"^[A-Za-z0-9_-]{22}$"
FILE_NAME_MAX = 255  # characters
GROUP_NAME_MAX = 64  # characters
RECEIPTS_MAX = 100  # members of a group that shows receipts: in a larger one somebody has always not read
TYPING_MAX = 50  # members of a group that shows who types
QUOTE_MAX = 200  # characters of the message that is answered


class File(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that hangs on a message; `size` in bytes, `width` and `height` of an image in pixels."""

    id: str
    name: str
    type: str
    size: int
    width: int | None = None
    height: int | None = None
    thumbnail: bool = False


class Quote(msgspec.Struct, frozen=True, omit_defaults=True, rename={"sender": "from"}):
    """The beginning of the message that is answered, and how many files it has; once that was deleted, only that."""

    id: int
    number: int
    sender: str
    text: str
    files: int = 0
    deleted: bool = False


class Extra(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What few messages have.

    `kind`: what a group says of itself; then `text` carries the argument (the group's name, a NAME, "NAME ROLE").
    `reactions`: emoji → the names of those who reacted, in order. `revision` counts the changes: the higher one wins.
    A deleted message has no text, and of these only `kind`, `deleted` and `revision`.
    """

    kind: MessageKind = "text"
    reply_to: Quote | None = None
    mentions: list[str] = []
    files: list[File] = []
    reactions: dict[str, list[str]] = {}
    edited_at: str | None = None
    deleted: bool = False
    revision: int = 0


class Message(Extra, frozen=True, omit_defaults=True, rename={"sender": "from"}):
    """One message, as every member sees it.

    `id` is unique in the whole database; `number` counts 1, 2, 3, … without gaps in its conversation and
    is the conversation's one order. `sent_at` is RFC 3339 in UTC, set when the message was accepted.
    """

    id: int
    conversation: int
    number: int
    sender: str
    text: str
    sent_at: str
    client_id: str


class Draft(NamedTuple):
    """A message that somebody wants to send.

    `device`: which of the sender's devices needs not be told of it. `session`: the one that sends, which must still
    live when the message is written; None where no session is asked for. `extra`: an encoded `Extra`.
    """

    conversation: int
    sender: int
    name: str  # the sender's
    text: str
    client_id: str
    sent_at: int  # Unix ms
    device: str = ""
    session: int | None = None
    extra: bytes | None = None


class Posted(NamedTuple):
    """What became of a draft: the message that stands under its client id, and whether it is new."""

    message: Message
    is_new: bool


class Conversation(msgspec.Struct, frozen=True, omit_defaults=True, rename={"partner": "with"}):
    """A conversation's line in one member's snapshot; `unread` = `last_number` - `read_number`.

    `with` is the other one of a direct conversation; `name`, `role` (one's own) and `members` (how many) are a
    group's. `mentioned`: an unread message names this member. `delivered`, `read`: all others have got, have read
    up to this number; absent where that is hidden.
    """

    id: int
    kind: Literal["direct", "group"]
    partner: str | None
    open: bool
    last_number: int
    read_number: int
    unread: int
    last_message: Message | None
    name: str | None = None
    role: Role | None = None
    members: int | None = None
    mentioned: bool = False
    muted: bool = False
    delivered: int | None = None
    read: int | None = None


class Member(Profile, frozen=True, omit_defaults=True):
    """Somebody in a conversation; `role` only in a group."""

    name: str
    role: Role | None = None


class ReadMark(msgspec.Struct, frozen=True):
    """How far one has read a conversation."""

    conversation: int
    read_number: int
    unread: int


def rfc3339(milliseconds: int) -> str:
    """Unix time in ms → `2026-11-22T09:25:00.123Z`."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{_to_the_second(seconds)}.{rest:03}Z"


@lru_cache(maxsize=256)
def _to_the_second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
