"""The migrations build what the models say, from any earlier state of a database, and keep what is in it."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playhouse.migrations import Runner
from playhouse.schema_diff import diff_models

from tests.postgres import Databases
from webchat.data import brief_lock, database_postgres, schema
from webchat.data.database import is_postgres, open_engine, path_of, prepare
from webchat.data.engine_sqlite import SqliteConnection
from webchat.data.schema import MIGRATIONS
from webchat.data.store import Bounds, Store
from webchat.data.tables import ALL
from webchat.settings import Settings

STEPS = sorted(path.stem for path in MIGRATIONS.glob("0*.py"))
# A talk of two friends, in what has been there since the first schema.
ROWS = (
    """INSERT INTO "user" (name, key, password_hash, demo, disabled, created_at)
       VALUES ('Ann', 'ann', 'h', false, false, 1), ('bob', 'bob', 'h', false, false, 1)""",
    "INSERT INTO relation (low, high, friends, conversation) VALUES (1, 2, true, 1)",
    "INSERT INTO conversation (kind, open, last_number, last_message) VALUES ('direct', true, 1, 1)",
    """INSERT INTO member (conversation, "user", read_number) VALUES (1, 1, 1), (1, 2, 0)""",
    """INSERT INTO message (conversation, number, sender, client_id, text, sent_at)
       VALUES (1, 1, 1, 'c', 'hello', 1)""",
    """INSERT INTO feed ("user", first, last, presence) VALUES (1, 1, 1, 7), (2, 1, 1, 8)""",
    """INSERT INTO entry ("user", number, message) VALUES (1, 1, 1), (2, 1, 1)""",
    "UPDATE meta SET value = '8' WHERE key = 'presence'",
)

# What PostgreSQL has otherwise than the models say: two tables lie in partitions.
IN_PARTITIONS = [
    "drop column entry.era",
    "add index message (conversation, id)",
    "add index message (sender, client_id) unique",
]
INDEXES_OF_PARTITIONS = [
    ("entry_0", True, "user, number"),
    ("message_0", False, "conversation, id"),
    ("message_0", True, "id"),
    ("message_0", True, "sender, client_id"),
    ("message_2", False, "conversation, id"),
    ("message_2", True, "id"),
]

BROKEN = """
def up(migrator, db):
    db.execute_sql('CREATE TABLE half (id INTEGER)')
    raise RuntimeError('broken')
"""


@pytest.fixture(params=["sqlite", "postgres"])
def chosen(tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """A database of either engine without tables."""
    url = request.getfixturevalue("postgres_databases").empty() if request.param == "postgres" else ""
    return Settings(data=str(tmp_path / "data"), database_url=url)


@contextmanager
def opened(settings: Settings) -> Iterator[Any]:
    if is_postgres(settings):
        database = database_postgres.reach(settings.database_url, "")
    else:
        path_of(settings).parent.mkdir(exist_ok=True)
        database = SqliteConnection(path_of(settings), 1).database
    try:
        yield database
    finally:
        database.close()


def only(steps: list[str], folder: Path) -> str:
    """A folder with just these migrations, as an earlier release had it."""
    folder.mkdir()
    for step in steps:
        shutil.copy(MIGRATIONS / f"{step}.py", folder)
    return str(folder)


def test_the_models_are_what_the_migrations_build(chosen: Settings, tmp_path: Path) -> None:
    assert prepare(chosen) == STEPS
    with opened(chosen) as migrated:
        found = str(diff_models(migrated, ALL)).splitlines()
        if is_postgres(chosen):
            assert found == IN_PARTITIONS
            assert indexes_of_partitions(migrated) == INDEXES_OF_PARTITIONS
            query = "SELECT collation_name FROM information_schema.columns WHERE table_name = 'user'"
            collation = migrated.execute_sql(f"{query} AND column_name = 'key'").fetchone()
            assert collation == ("C",), "names sort alike whatever the database's locale"
            return
        assert found == [], "tables, columns, indexes"
        with opened(Settings(data=str(tmp_path / "declared"))) as declared:
            with declared.bind_ctx(ALL):
                declared.create_tables(ALL)
            for model in ALL:
                name = model._meta.table_name
                assert columns(migrated, name) == columns(declared, name)


def indexes_of_partitions(database: Any) -> list[tuple[str, bool, str]]:
    """Each partition's indexes: whether unique, and of which columns."""
    query = """
        SELECT c.relname, x.indisunique, string_agg(a.attname, ', ' ORDER BY k.place) FROM pg_inherits i
            JOIN pg_class c ON c.oid = i.inhrelid AND c.relkind = 'r' JOIN pg_index x ON x.indrelid = c.oid
            CROSS JOIN unnest(x.indkey) WITH ORDINALITY AS k (attribute, place)
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attribute
        GROUP BY c.relname, x.indexrelid, x.indisunique ORDER BY 1, 3
    """
    return list(database.execute_sql(query))


def columns(database: Any, table: str) -> set[tuple[str, str, bool]]:
    """Name, type and whether it may be null."""
    return {(column.name, column.data_type, column.null) for column in database.get_columns(table)}


@pytest.mark.parametrize("known", range(1, len(STEPS) + 1), ids=STEPS)
def test_an_earlier_database_is_brought_up_to_date_with_all_that_it_holds(
    chosen: Settings, tmp_path: Path, known: int
) -> None:
    with opened(chosen) as database:
        Runner(database, only(STEPS[:known], tmp_path / "earlier")).up()
        epoch = database.execute_sql("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0]
        for row in ROWS:
            database.execute_sql(row)
    assert prepare(chosen) == STEPS[known:]
    engine = open_engine(chosen)
    try:
        store = Store(engine.reader)
        assert store.epoch() == epoch, "cursors stay good"
        assert store.presence_mark() == 8
        assert store.affected_since(7) == {1}
        assert [(friend.name, friend.conversation) for friend in store.friends(2)] == [("Ann", 1)]
        assert [(talk.partner, talk.unread) for talk in store.conversations(2)] == [("Ann", 1)]
        assert [(message.sender, message.text) for message in store.history(1, None, 9)] == [("Ann", "hello")]
        assert store.bounds(2) == Bounds(1, 1)
        assert len(store.entries(2, 0, 9)) == 1
    finally:
        engine.close()
    with opened(chosen) as database:
        database.execute_sql("UPDATE feed SET presence = 1099511627776")  # 2**40: marks have 64 bits


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    chosen: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(chosen)
    folder = Path(only(STEPS, tmp_path / "later"))
    (folder / "9999_broken.py").write_text(BROKEN)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", folder)
        with pytest.raises(RuntimeError, match="broken"):
            prepare(chosen)
    with opened(chosen) as database:
        assert not database.table_exists("half")
    assert prepare(chosen) == []


def test_a_brief_lock_waits_for_who_is_there_and_holds_up_nobody_for_long(postgres_databases: Databases) -> None:
    url = postgres_databases.migrated()
    with (
        psycopg.connect(url) as reading,
        psycopg.connect(url, autocommit=True) as other,
        opened(Settings(database_url=url)) as ours,
    ):
        reading.execute("SELECT count(*) FROM entry")  # and its transaction stays open
        threading.Timer(4 * brief_lock.WAIT, reading.rollback).start()
        waits: list[float] = []
        taken = threading.Event()

        def probe() -> None:
            while not taken.is_set():
                started = time.monotonic()
                other.execute("SELECT count(*) FROM message")
                waits.append(time.monotonic() - started)

        probing = threading.Thread(target=probe)
        probing.start()
        started = time.monotonic()
        with ours.atomic():
            brief_lock.take(ours, "message", "entry")
            taken.set()
        probing.join(10)
        assert time.monotonic() - started > brief_lock.WAIT, "more than one attempt"
        assert max(waits) < brief_lock.WAIT + 1
