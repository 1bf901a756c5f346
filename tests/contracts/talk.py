"""A conversation in which the chat's own rules hold, on whatever engine: for contracts that go through the logic."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from tests.contracts.store_contract import NOW, writing
from webchat.data import groups
from webchat.data.committer import Committer
from webchat.data.database import open_committer
from webchat.data.engine import Engine
from webchat.data.replica import NoReplica
from webchat.data.store import Store
from webchat.entities.feed import ChangedEvent, Cursor, Entry, Ring
from webchat.entities.people import Session
from webchat.entities.talk import Message
from webchat.logic.changes import Changes
from webchat.logic.chat import Chat
from webchat.logic.search import Search


@dataclass
class Talk:
    """Ann, Bob and Eve in one conversation, and Zoe in none."""

    engine: Engine
    committer: Committer
    rings: list[Ring]
    people: dict[str, Session]
    place: int
    store: Store
    chat: Chat
    changes: Changes
    search: Search
    serial: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def say(self, name: str, text: str, client_id: str = "", reply_to: int | None = None, place: int = 0) -> Message:
        client_id = client_id or f"{name}-{next(self.serial)}"
        return self.chat.send(self.people[name], None, place or self.place, text, client_id, reply_to=reply_to).message

    def told(self, name: str) -> list[Message]:
        """The changed messages for which this person was rung, in their order."""
        user = self.people[name].user
        events = [
            msgspec.json.decode(ring.event) for ring in self.rings if isinstance(ring, Entry) and ring.user == user
        ]
        return [msgspec.convert(event, ChangedEvent).message for event in events if event["type"] == "changed"]

    def history(self) -> list[Message]:
        return self.store.history(self.place, None, 1000)

    def found(self, name: str, query: str, place: int | None = None) -> list[str]:
        """The texts, the newest first."""
        messages, _ = self.search.find(self.people[name], query, place, None, 100)
        return [message.text for message in messages]

    def mentioned(self, name: str) -> bool:
        line = self.store.conversation(self.place, self.people[name].user)
        assert line is not None
        return line.mentioned

    def join(self, name: str) -> Session:
        """Somebody new in the conversation."""
        with writing(self.engine) as tx:
            user = tx.add_user(name, "hash", NOW) or 0
            groups.join(tx, self.place, user, "member", 0)
        return Session(0, user, name)

    def leave(self, name: str) -> None:
        with writing(self.engine) as tx:
            who = self.people[name].user
            tx.on.rows('DELETE FROM member WHERE conversation = ? AND "user" = ?', (self.place, who))


@contextlib.contextmanager
def talk(engine: Engine) -> Iterator[Talk]:
    rings: list[Ring] = []
    store = Store(engine.reader)
    with writing(engine) as tx:
        users = {name: tx.add_user(name, "hash", NOW) or 0 for name in ("ann", "bob", "eve", "zoe")}
        for name, user in users.items():
            tx.add_session(user, name.encode().ljust(32), 2 * NOW)
        place = tx.add_conversation([users[name] for name in ("ann", "bob", "eve")])
        tx.on.rows("UPDATE conversation SET kind = 'group' WHERE id = ?", (place,))
    people = {}
    for name in users:
        session = store.session(name.encode().ljust(32), NOW)
        assert session is not None
        people[name] = session
    committer = open_committer(engine, rings.extend)
    committer.start()
    clock = itertools.count(NOW)

    def now() -> int:
        return next(clock)

    def cursor(user: int) -> Cursor:
        return Cursor(store.epoch(), user, store.bounds(user).last, 0)

    try:
        yield Talk(
            *(engine, committer, rings, people, place, store),
            Chat(engine, store, NoReplica(), committer, cursor, now),
            Changes(committer, now, lambda _: None),
            Search(engine, store, NoReplica(), committer),
        )
    finally:
        committer.stop()
