"""Typing: "Ann is writing …". Said to whoever polls just now, written nowhere, promised to nobody."""

from __future__ import annotations

from webchat.data import typing
from webchat.data.bus import Bus
from webchat.data.store import Store
from webchat.entities.feed import Murmur, TypingEvent, encode
from webchat.entities.people import Session
from webchat.entities.talk import TYPING_MAX
from webchat.errors import NotFound
from webchat.logic.chat import NOWHERE


class Typing:
    """`bus` carries it to all workers, this one included."""

    def __init__(self, store: Store, bus: Bus) -> None:
        self._store = store
        self._bus = bus

    def say(self, session: Session, conversation: int) -> None:
        """Raises NotFound where one could not send. Says nothing for who hides typing, and in large groups."""
        standing = typing.standing(self._store, conversation, session.user)
        if standing is None or not standing[0]:
            raise NotFound(NOWHERE)
        _, hidden, members = standing
        if hidden or members > TYPING_MAX or self._bus.deaf:  # what the bus cannot carry now is worth nothing later
            return
        event = encode(TypingEvent(conversation, session.name))
        self._bus.ring([Murmur(user, event) for user in typing.audience(self._store, conversation, session.user)])
