"""The feed: what a user must be told, numbered 1, 2, 3, … without gaps.

An *entry* is an event with a number. A *whisper* says that a friend came or went: best effort, and only
their present state counts. A *murmur* is an event that is worth nothing a moment later: it has no number, is told to
whoever polls just now, and is kept nowhere. A *cursor* says how far a client has come.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from webchat.entities.people import Friend, FriendRequest, Me, Profile, RelationState
from webchat.entities.talk import Conversation, Message

# --- events -------------------------------------------------------------------------------------


class MessageEvent(msgspec.Struct, frozen=True, tag_field="type", tag="message"):
    """Somebody, perhaps you on another device, said something."""

    message: Message


class ChangedEvent(msgspec.Struct, frozen=True, tag_field="type", tag="changed"):
    """A message was edited, deleted or reacted to: the whole of it anew. The higher `revision` wins."""

    message: Message


class ReadEvent(msgspec.Struct, frozen=True, tag_field="type", tag="read", omit_defaults=True):
    """You have read up to here, on another device; with `back`, you marked what follows as unread."""

    conversation: int
    read_number: int
    back: bool = False


class ReceiptEvent(msgspec.Struct, frozen=True, tag_field="type", tag="receipt"):
    """All others in the conversation have got, have read the messages up to these numbers."""

    conversation: int
    delivered: int
    read: int


class ConversationEvent(msgspec.Struct, frozen=True, tag_field="type", tag="conversation"):
    """You were added, or something about the conversation changed: its whole line anew."""

    conversation: Conversation


class LeftEvent(msgspec.Struct, frozen=True, tag_field="type", tag="left"):
    """You are no member of this conversation any more: nothing of it is yours."""

    conversation: int


class GoneEvent(msgspec.Struct, frozen=True, tag_field="type", tag="gone"):
    """Was told to you while you were a member, and is none of your business now."""


class FriendEvent(Profile, frozen=True, tag_field="type", tag="friend", omit_defaults=True):
    """Your relation to `name` is now `state`; a new friend brings `online`, `conversation` and a profile."""

    name: str
    state: RelationState
    online: bool | None = None
    conversation: int | None = None
    note: str = ""


class ProfileEvent(msgspec.Struct, frozen=True, tag_field="type", tag="profile"):
    """A friend's profile, whole."""

    name: str
    display_name: str
    status: str
    avatar: str


class MeEvent(msgspec.Struct, frozen=True, tag_field="type", tag="me"):
    """You changed your profile or settings, on another device."""

    me: Me


class BlockedEvent(msgspec.Struct, frozen=True, tag_field="type", tag="blocked"):
    """You blocked `name`, or no longer do."""

    name: str
    blocked: bool


class PresenceEvent(msgspec.Struct, frozen=True, tag_field="type", tag="presence"):
    """A friend came or went. Best effort: the snapshot holds the present state."""

    name: str
    online: bool


class TypingEvent(msgspec.Struct, frozen=True, tag_field="type", tag="typing"):
    """`name` is writing there. Best effort; holds for some seconds."""

    conversation: int
    name: str


Event = (
    MessageEvent
    | ChangedEvent
    | ReadEvent
    | ReceiptEvent
    | ConversationEvent
    | LeftEvent
    | GoneEvent
    | FriendEvent
    | ProfileEvent
    | MeEvent
    | BlockedEvent
    | PresenceEvent
    | TypingEvent
)

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


class Murmur(NamedTuple):
    """An event, as encoded JSON, for the polls of `user` that wait just now."""

    user: int
    event: bytes


class Revocation(NamedTuple):
    """This session is over: its parked polls must end now."""

    user: int
    session: int


class Alarm(NamedTuple):
    """Rings for anybody may have been lost, because a worker died with them: look into the database."""

    user: int = 0  # nobody's id: the channel that every worker hears


Ring = Entry | Whisper | Murmur | Revocation | Alarm


# --- the snapshot -------------------------------------------------------------------------------


class Snapshot(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that a client shows, and the cursor from which its feed goes on."""

    cursor: str
    me: Me
    friends: list[Friend]
    requests: list[FriendRequest]
    conversations: list[Conversation]
    blocked: list[str] = []
