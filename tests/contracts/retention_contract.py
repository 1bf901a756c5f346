"""What becomes of what is not kept any more, on whatever engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.store_contract import NOW, writing
from tests.contracts.talk import Talk, talk
from webchat.data import attachments, changes, once
from webchat.data.database import open_retention
from webchat.data.engine import Engine, is_postgres
from webchat.data.retention import DAY, sweep
from webchat.data.transaction import Transaction
from webchat.entities.feed import GoneEvent, encode
from webchat.entities.talk import Extra, File, Message, Quote
from webchat.errors import Conflict
from webchat.settings import Settings

KEEP = 8  # days
SOON, LATER = NOW + 2 * DAY, NOW + 9 * DAY


class RetentionContract:
    @pytest.fixture
    def room(self, engine: Engine) -> Iterator[Talk]:
        with talk(engine) as made:
            yield made

    def test_messages_go_with_all_that_hangs_on_them(self, room: Talk) -> None:
        said = said_at(room, NOW, "a stone", "b stone", "c stone")
        with writing(room.engine) as tx:
            held = changes.hold(tx, said[1].id)
            assert held is not None
            changes.edit(tx, held, "b pebble", {}, "", NOW)
            file = File("f", "plan", "text/plain", 1, None, None)
            attachments.add(tx, room.people["ann"].user, file, "digest", NOW)
            attachments.attach(tx, ["f"], room.place, said[2].id)
        room.search.index_some()
        tend(room, SOON, messages=KEEP)
        quote = Extra(reply_to=Quote(said[2].id, said[2].number, "ann", ""))
        (late,) = said_at(room, SOON, "d stone", extra=quote)
        room.search.index_some()
        assert len(room.history()) == 4

        assert tend(room, LATER, messages=KEEP) == ["digest"]
        (left,) = room.history()
        assert left.id == late.id
        assert left.reply_to == Quote(said[2].id, 3, "ann", "", deleted=True), "told like a deleted one"
        assert room.found("bob", "stone") == ["d stone"]
        assert room.found("bob", "pebble") == []
        key = "message" if is_postgres(room.store.on) else "rowid"
        for table, column in (("version", "message"), ("attachment", "message"), ("search", key)):
            rows = room.engine.reader.rows(f"SELECT {column} FROM {table} WHERE {column} < ?", (late.id,))
            assert rows == [], table
        page, older, newer = room.chat.history(room.people["bob"], room.place, 50)
        assert (page, older, newer) == ([left], False, False), "history simply ends"
        assert room.chat.history(room.people["bob"], room.place, 50, before=late.id)[:2] == ([], False)
        (line,) = room.store.conversations(room.people["bob"].user)
        assert (line.last_number, line.last_message) == (4, left)

    def test_a_client_id_stays_used(self, room: Talk) -> None:
        first = room.say("ann", "once", "the-id")
        room.say("ann", "and more", "another")
        tend(room, SOON, messages=KEEP)
        said_at(room, SOON, "late")
        tend(room, LATER, messages=KEEP)
        with pytest.raises(Conflict, match="not kept any more") as refused:
            room.say("ann", "once", "the-id")
        assert refused.value.code == "client_id_reused"
        assert once.is_forgotten(room.store, room.people["ann"].user, "the-id")
        with pytest.raises(Conflict):
            room.say("ann", "once", "the-id", reply_to=room.history()[0].id)
        assert [message.text for message in room.history()] == ["late"]
        assert room.say("bob", "mine", "the-id").id > first.id, "it is another one's"

    def test_a_feed_that_points_at_what_is_gone_has_no_gap(self, room: Talk) -> None:
        said_at(room, NOW, "old", "older")
        tend(room, SOON, messages=KEEP)
        said_at(room, SOON, "late")
        tend(room, LATER, messages=KEEP)
        entries = room.store.entries(room.people["bob"].user, 0, 10)
        assert [entry.number for entry in entries] == [1, 2, 3]
        assert [entry.event for entry in entries[:2]] == [encode(GoneEvent())] * 2
        assert b"late" in entries[2].event

    def test_entries_go_and_whoever_has_not_read_them_is_told(self, room: Talk) -> None:
        user = room.people["bob"].user
        said_at(room, NOW - DAY, "a", "b", "c")
        tend(room, NOW, feed=KEEP)
        said_at(room, SOON, "d")
        assert [entry.number for entry in room.store.entries(user, 0, 10)] == [1, 2, 3, 4]
        tend(room, LATER, feed=KEEP)
        assert [entry.number for entry in room.store.entries(user, 1, 10)] == [4], "a gap after 1: a reset"
        assert [entry.number for entry in room.store.entries(user, 3, 10)] == [4]
        assert room.store.bounds(user).last == 4
        assert len(room.history()) == 4, "messages stay"
        said_at(room, LATER, "e")
        assert [entry.number for entry in room.store.entries(user, 3, 10)] == [4, 5]

    def test_everything_stays_where_nobody_has_said_for_how_long(self, room: Talk) -> None:
        said_at(room, NOW, "a", "b")
        tend(room, NOW + 10_000 * DAY)
        assert len(room.history()) == 2
        assert len(room.store.entries(room.people["bob"].user, 0, 10)) == 2

    def test_the_newest_message_stays_and_no_id_is_given_twice(self, room: Talk) -> None:
        before = said_at(room, NOW, "a", "b")
        for now in (SOON, LATER, LATER + 10 * DAY):
            tend(room, now, messages=KEEP)
        (after,) = said_at(room, LATER + 10 * DAY, "c")
        assert after.id > before[-1].id
        assert after.number == 3


def said_at(room: Talk, time: int, *texts: str, extra: Extra | None = None) -> list[Message]:
    """Ann says this, at that time."""
    said = []
    for text in texts:
        with writing(room.engine) as tx:
            client_id = f"at-{next(room.serial)}"
            ann = room.people["ann"]
            more = encode(extra) if extra is not None else None
            said.append(tx.add_message(room.place, ann.user, "ann", text, client_id, time, extra=more))
    return said


def tend(room: Talk, now: int, feed: int = 0, messages: int = 0) -> list[str]:
    """What the janitor does, at that time; the digests of the files that went."""
    settings = Settings(keep_feed_days=feed, keep_messages_days=messages)
    first = open_retention(settings, room.engine, room.committer).tend(now)
    gone: list[str] = []

    def some(tx: Transaction) -> tuple[int, list[str]]:
        return sweep(tx, first)

    removed = 1
    while removed:
        removed, digests = room.committer.submit(some)
        gone += digests
    return gone
