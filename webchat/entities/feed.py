"""The feed: what a user must be told, numbered 1, 2, 3, … without gaps.

An *entry* is an event with a number. A *whisper* says that a friend came or went: best effort, and only
their present state counts. A *cursor* says how far a client has come.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from webchat.entities.people import Friend, FriendRequest, Me, RelationState
from webchat.entities.talk import Conversation, Message

# --- events -------------------------------------------------------------------------------------


class MessageEvent(msgspec.Struct, frozen=True, tag_field="type", tag="message"):
    """Somebody, perhaps you on another device, said something."""

    message: Message


class ReadEvent(msgspec.Struct, frozen=True, tag_field="type", tag="read"):
    """You have read up to here, on another device."""

    conversation: int
    read_number: int


class FriendEvent(msgspec.Struct, frozen=True, tag_field="type", tag="friend", omit_defaults=True):
    """Your relation to `name` is now `state`; `online` and `conversation` come with a new friend."""

    name: str
    state: RelationState
    online: bool | None = None
    conversation: int | None = None


class PresenceEvent(msgspec.Struct, frozen=True, tag_field="type", tag="presence"):
    """A friend came or went. Best effort: the snapshot holds the present state."""

    name: str
    online: bool


Event = MessageEvent | ReadEvent | FriendEvent | PresenceEvent

encode = msgspec.json.Encoder().encode


# --- cursors ------------------------------------------------------------------------------------

_CURSOR = re.compile(r"([0-9a-f]{12})\.([1-9][0-9]{0,17})\.([0-9]{1,18})\.([0-9]{1,18})")


class Cursor(NamedTuple):
    """Where a client stands; opaque to it. All that a poll needs, so that any node can answer."""

    epoch: str  # of the database: changes when it was restored from a backup
    user: int
    number: int  # the last feed entry seen
    mark: int  # the last presence change seen

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """None for what was never a cursor of ours."""
        match = _CURSOR.fullmatch(text)
        return cls(match[1], int(match[2]), int(match[3]), int(match[4])) if match else None

    def __str__(self) -> str:
        return f"{self.epoch}.{self.user}.{self.number}.{self.mark}"


# --- rings --------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """Feed entry `number` of `user`, with the event as encoded JSON.

    `device` is the one of this user's that made it and knows of it already; it need not be woken.
    """

    user: int
    number: int
    event: bytes
    device: str = ""


class Whisper(NamedTuple):
    """A friend of `user` came or went; `mark` is the number of that change."""

    user: int
    mark: int


class Revocation(NamedTuple):
    """This session is over: its parked polls must end now."""

    user: int
    session: int


class Alarm(NamedTuple):
    """Rings for anybody may have been lost, because a worker died with them: look into the database."""

    user: int = 0  # nobody's id: the channel that every worker hears


Ring = Entry | Whisper | Revocation | Alarm


# --- the snapshot -------------------------------------------------------------------------------


class Snapshot(msgspec.Struct, frozen=True):
    """All that a client shows, and the cursor from which its feed goes on."""

    cursor: str
    me: Me
    friends: list[Friend]
    requests: list[FriendRequest]
    conversations: list[Conversation]
