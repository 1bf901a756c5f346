"""A few people on one node, on either engine: for what the services decide, without HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.contracts.store_contract import NOW
from tests.logic.test_hub import Room, make_room
from webchat.data.bus_redis import ringer
from webchat.entities.feed import Cursor
from webchat.entities.people import Session
from webchat.node import Node


class Company(NamedTuple):
    """Ann and Bob are friends and have the conversation `talk`; Cid is a stranger to both."""

    room: Room
    ann: Session
    bob: Session
    cid: Session

    @property
    def node(self) -> Node:
        return self.room.node

    @property
    def talk(self) -> int:
        return self.room.talk

    def cursor(self, who: Session) -> Cursor:
        return self.node.hub.cursor(who.user)

    def news(self, who: Session, cursor: Cursor) -> list[dict[str, Any]]:
        """What `who` is told after the cursor, presence among it, as it is in the database."""
        entries = self.node.store.entries(who.user, cursor.number, 100)
        told = [msgspec.json.decode(entry.event) for entry in entries]
        return told + [msgspec.to_builtins(each) for each in self.node.store.presence_since(cursor.mark, who.user)]

    def come(self, *people: Session) -> None:
        for who in people:
            self.node.committer.submit(lambda tx, who=who: tx.come(who.user, "somewhere"))  # type: ignore[misc]

    def go(self, who: Session) -> None:
        self.node.committer.submit(lambda tx: tx.go(who.user, "somewhere"))

    def online(self, who: Session) -> dict[str, bool]:
        """Which friends `who` sees online."""
        return {friend.name: friend.online for friend in self.node.chat.snapshot(who).friends}


@pytest.fixture(params=["sqlite", "postgres"])
def company(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    monkeypatch.setattr(ringer, "LAST_RINGS", 0.01)  # nobody is there to take them
    url = request.getfixturevalue("postgres_databases").migrated() if request.param == "postgres" else ""
    with make_room(tmp_path, database_url=url) as room:
        cid = room.node.committer.submit(lambda tx: tx.add_user("cid", "hash", NOW))
        assert cid is not None
        yield Company(room, room.sessions[room.ann], room.sessions[room.bob], room._session(cid, "cid"))
