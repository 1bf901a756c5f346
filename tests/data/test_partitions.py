"""PostgreSQL's partitions: each message and each entry has one, and the old ones go as a whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.store_contract import NOW
from tests.contracts.talk import Talk, talk
from tests.postgres import Databases
from webchat.data.engine_postgres import PostgresEngine
from webchat.data.partitions import BLOCK, MINUTE, PostgresRetention
from webchat.data.retention import DAY, Keep

KEEP = Keep(feed=8 * DAY, messages=8 * DAY)


@pytest.fixture
def room(postgres_databases: Databases) -> Iterator[Talk]:
    engine = PostgresEngine(postgres_databases.migrated(), 4)
    try:
        with talk(engine) as made:
            yield made
    finally:
        engine.close()


def partitions(room: Talk, table: str) -> list[str]:
    sql = "SELECT CAST(inhrelid::regclass AS text) FROM pg_inherits WHERE inhparent = CAST(? AS text)::regclass"
    return sorted(name for (name,) in room.engine.reader.rows(sql, (table,)))


def test_a_message_finds_a_partition_however_many_there_were(room: Talk) -> None:
    assert isinstance(room.engine, PostgresEngine)
    keeper = PostgresRetention(room.engine, Keep(0, 0))
    for block in range(1, 4):
        with room.engine.writing() as on:
            on.rows("SELECT setval('message_id_seq', ?, FALSE)", (block * BLOCK,))
        assert room.say("ann", "the first of its block").id == block * BLOCK
        keeper.tend(NOW)
    assert len(room.history()) == 3
    assert partitions(room, "entry") == ["entry_0"], "feeds are not kept by time"


def test_what_is_old_is_dropped_by_the_partition(room: Talk) -> None:
    assert isinstance(room.engine, PostgresEngine)
    keeper = PostgresRetention(room.engine, KEEP)
    keeper.tend(NOW)
    room.say("ann", "old")
    era, next_era = ((NOW + days * DAY) // MINUTE for days in (0, 2))
    before = partitions(room, "message")
    assert partitions(room, "entry") == ["entry_0", f"entry_{era}"]
    keeper.tend(NOW + 2 * DAY)
    keeper.tend(NOW + 2 * DAY)  # another worker that believes to have the duty
    assert partitions(room, "entry") == ["entry_0", f"entry_{era}", f"entry_{next_era}"]
    room.say("ann", "new")
    (old, new) = room.history()
    assert old.id < keeper.tend(NOW + 9 * DAY) <= new.id
    assert before[0] not in partitions(room, "message")
    assert f"entry_{era}" in partitions(room, "entry"), "it ended less than eight days ago"
    assert room.history() == [new]
