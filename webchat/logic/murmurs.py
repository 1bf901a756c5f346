"""Which murmurs still hold: "Ann is writing …" is over once she has said it, or may not say it there any more.

A murmur has no number, so nothing orders it among the entries of a feed. It is told before them, and not at all where
one of them has ended it. What is not understood (a newer worker's) ends nothing and is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from webchat.entities.feed import (
    BlockedEvent,
    ConversationEvent,
    FriendEvent,
    LeftEvent,
    MessageEvent,
    TypingEvent,
)

_Ending = MessageEvent | ConversationEvent | LeftEvent | FriendEvent | BlockedEvent

_murmur_of = msgspec.json.Decoder(TypingEvent).decode
_ending_of = msgspec.json.Decoder(_Ending).decode


def still(murmurs: Sequence[bytes], events: Iterable[bytes]) -> list[bytes]:
    """Those that none of these events, all of them encoded JSON, has ended."""
    if not murmurs:
        return []
    endings = [ending for ending in map(_ending, events) if ending is not None]
    return [murmur for murmur in murmurs if not (endings and _is_over(murmur, endings))]


def _ending(event: bytes) -> _Ending | None:
    try:
        ending: _Ending = _ending_of(event)
        return ending
    except msgspec.DecodeError:
        return None


def _is_over(murmur: bytes, endings: Iterable[_Ending]) -> bool:
    try:
        typing = _murmur_of(murmur)
    except msgspec.DecodeError:
        return False
    return any(_ends(ending, typing) for ending in endings)


def _ends(ending: _Ending, typing: TypingEvent) -> bool:
    match ending:
        case MessageEvent(message):
            return (message.conversation, message.sender) == (typing.conversation, typing.name)
        case ConversationEvent(line):  # who is a member of it may have changed
            return line.id == typing.conversation
        case LeftEvent(conversation):
            return conversation == typing.conversation
        case FriendEvent():
            return ending.name == typing.name and ending.state != "friend"
        case BlockedEvent(name, blocked):
            return blocked and name == typing.name
