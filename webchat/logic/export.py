"""One's data, all of it, as one JSON document: a stream, of which no more than a page is in memory at a time.

What is said while it runs may be in it or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gevent
import msgspec

from webchat.data import export
from webchat.data.store import Store
from webchat.entities.feed import Snapshot, encode
from webchat.entities.people import Friend, FriendRequest, Me, OpenSession, Session
from webchat.entities.talk import Conversation, File, Message, rfc3339
from webchat.errors import NotLoggedIn
from webchat.logic.chat import Chat
from webchat.logic.sessions import OVER, Sessions


class Talk(msgspec.Struct):
    """A conversation with all its messages, oldest first."""

    conversation: Conversation
    messages: list[Message]


class Everything(msgspec.Struct):
    """The shape of the document. `left`: what one said in conversations that one has left since."""

    exported_at: str
    registered_at: str
    me: Me
    friends: list[Friend]
    requests: list[FriendRequest]
    blocked: list[str]
    sessions: list[OpenSession]
    files: list[File]
    conversations: list[Talk]
    left: list[Message]


class Export:
    """`now` gives Unix milliseconds."""

    def __init__(self, store: Store, chat: Chat, sessions: Sessions, now: Callable[[], int]) -> None:
        self._store = store
        self._chat = chat
        self._sessions = sessions
        self._now = now

    def everything(self, session: Session) -> Iterator[bytes]:
        """`Everything`, piece by piece. Raises NotLoggedIn at the start, or later where the session ends meanwhile."""
        snapshot = self._chat.snapshot(session)
        return self._pieces(session, snapshot, self._head(session, snapshot))

    def _head(self, session: Session, snapshot: Snapshot) -> bytes:
        """What is small, without the last brace."""
        head = {
            "exported_at": rfc3339(self._now()),
            "registered_at": rfc3339(export.created_at(self._store, session.user)),
            "me": snapshot.me,
            "friends": snapshot.friends,
            "requests": snapshot.requests,
            "blocked": snapshot.blocked,
            "sessions": self._sessions.list(session),
        }
        return encode(head)[:-1]

    def _pieces(self, session: Session, snapshot: Snapshot, head: bytes) -> Iterator[bytes]:
        store, user = self._store, session.user
        yield head + b',"files":['
        yield from self._joined(session, export.files(store, user))
        yield b'],"conversations":['
        for number, line in enumerate(snapshot.conversations):
            yield (b"," if number else b"") + b'{"conversation":' + encode(line) + b',"messages":['
            yield from self._joined(session, export.said_in(store, user, line.id))
            yield b"]}"
        yield b'],"left":['
        yield from self._joined(session, export.said_elsewhere(store, user))
        yield b"]}"

    def _check(self, session: Session) -> None:
        if not self._store.living_sessions([session.id], self._now()):
            raise NotLoggedIn(OVER)

    def _joined(self, session: Session, pages: Iterable[list[Any]]) -> Iterator[bytes]:
        """The items of all pages, with commas in between."""
        comma = b""
        self._check(session)
        for page in pages:
            self._check(session)
            if page:
                yield comma + encode(page)[1:-1]
                comma = b","
            gevent.sleep(0)  # others have their turn
