"""The store contract on SQLite, and what is SQLite's own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from tests.contracts.changes_contract import ChangesContract
from tests.contracts.retention_contract import RetentionContract
from tests.contracts.search_contract import SearchContract
from tests.contracts.store_contract import NOW, StoreContract, two_friends, writing
from webchat.data import engine_sqlite
from webchat.data.database import prepare
from webchat.data.engine_sqlite import SqliteEngine
from webchat.data.store import Store
from webchat.errors import SetupError, Unavailable
from webchat.settings import Settings

WRITERS, MESSAGES = 4, 50


@pytest.fixture
def path(tmp_path: Path) -> Path:
    prepare(Settings(data=str(tmp_path)))
    return tmp_path / "webchat.db"


@pytest.fixture
def engine(path: Path) -> Iterator[SqliteEngine]:
    made = SqliteEngine(path)
    yield made
    made.close()


class TestSqliteStore(StoreContract):
    """Nothing to add: the fixture `engine` above is what makes it SQLite's."""


class TestSqliteChanges(ChangesContract):
    """As above."""


class TestSqliteRetention(RetentionContract):
    """As above."""


class TestSqliteSearch(SearchContract):
    """As above."""


def test_a_commit_is_synced_and_readers_cannot_write(engine: SqliteEngine) -> None:
    full = 2
    with engine.writing() as writer:
        assert writer.rows("PRAGMA synchronous") == [(full,)]
        assert writer.rows("PRAGMA journal_mode") == [("wal",)]
    with pytest.raises(Unavailable, match="readonly"):
        engine.reader.rows("DELETE FROM meta")


def test_a_mistake_of_ours_is_not_taken_for_a_busy_database(engine: SqliteEngine) -> None:
    with pytest.raises(apsw.SQLError):
        engine.reader.rows("SELECT nothing FROM nowhere")


def test_a_lock_held_by_somebody_else_is_unavailable_and_heals(
    engine: SqliteEngine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_sqlite, "WRITE_BUSY", 0.05)
    ann, _, talk = two_friends_on(SqliteEngine(path))
    # apsw's and not sqlite3's: two SQLite libraries in one process do not see each other's locks.
    holder = apsw.Connection(str(path))
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable), writing(engine) as tx:
        tx.add_message(talk, ann, "ann", "one", "c1", NOW)
    assert Store(engine.reader).history(talk, None, 9) == [], "reading goes on"
    holder.execute("ROLLBACK")
    holder.close()
    with writing(engine) as tx:
        assert tx.add_message(talk, ann, "ann", "one", "c1", NOW).number == 1


def test_a_full_disk_is_unavailable_writes_nothing_and_heals(engine: SqliteEngine) -> None:
    ann, _, talk = two_friends(engine)
    with engine.writing() as connection:
        pages = connection.rows("PRAGMA page_count")[0][0]
        connection.rows(f"PRAGMA max_page_count = {pages}")
    text = "x" * 4000
    with pytest.raises(Unavailable, match="full"):
        for number in range(100):
            with writing(engine) as tx, tx.job():
                tx.add_message(talk, ann, "ann", text, f"c{number}", NOW)
    kept = len(Store(engine.reader).history(talk, None, 200))
    with engine.writing() as connection:
        connection.rows("PRAGMA max_page_count = 1000000")
    with writing(engine) as tx:
        assert tx.add_message(talk, ann, "ann", text, "healed", NOW).number == kept + 1


def test_processes_write_in_turn_without_a_hole(path: Path) -> None:
    """The numbers of a conversation and of its feeds have no gap and no double, whoever allocates them."""
    engine = SqliteEngine(path)
    ann, bob, talk = two_friends(engine)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(path, talk, ann, f"w{n}")) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    store = Store(engine.reader)
    assert [m.number for m in store.history(talk, None, 1000)] == list(range(1, WRITERS * MESSAGES + 1))
    for user in (ann, bob):
        assert [e.number for e in store.entries(user, 0, 1000)] == list(range(1, WRITERS * MESSAGES + 1))
    engine.close()


def _write(path: Path, talk: int, sender: int, prefix: str) -> None:
    engine = SqliteEngine(path)
    for number in range(MESSAGES):
        with writing(engine) as tx:
            tx.add_message(talk, sender, "ann", "text", f"{prefix}-{number}", NOW)
    engine.close()


def test_an_old_sqlite_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.40.1")
    with pytest.raises(SetupError, match=r"3\.51\.3"):
        engine_sqlite.check_version()


def two_friends_on(engine: SqliteEngine) -> tuple[int, int, int]:
    try:
        return two_friends(engine)
    finally:
        engine.close()
