"""Group commit: many callers, few transactions, each with its own answer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from tests.contracts.store_contract import NOW, two_friends
from webchat.data import committer as committer_module
from webchat.data.committer import Committer, GroupCommitter
from webchat.data.database import prepare
from webchat.data.engine import Connection
from webchat.data.engine_sqlite import SqliteEngine
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.entities.feed import Ring
from webchat.errors import NotFound, Unavailable
from webchat.settings import Settings


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[SqliteEngine]:
    prepare(Settings(data=str(tmp_path)))
    made = SqliteEngine(tmp_path / "webchat.db")
    yield made
    made.close()


@pytest.fixture
def rung() -> list[Ring]:
    return []


@pytest.fixture
def committer(engine: SqliteEngine, rung: list[Ring]) -> Iterator[Committer]:
    made = GroupCommitter(engine, rung.extend)
    made.start()
    yield made
    made.stop()


def test_callers_that_wait_share_a_transaction_and_get_their_own_answers(
    engine: SqliteEngine, committer: Committer, rung: list[Ring]
) -> None:
    ann, _, talk = two_friends(engine)

    def send(number: int) -> int:
        return committer.submit(lambda tx: tx.add_message(talk, ann, "ann", f"text {number}", f"c{number}", NOW)).number

    senders = [gevent.spawn(send, number) for number in range(100)]
    gevent.joinall(senders, timeout=10, raise_error=True)
    assert sorted(sender.value for sender in senders) == list(range(1, 101))
    assert len(Store(engine.reader).history(talk, None, 200)) == 100
    assert committer.jobs == 100
    assert committer.batches < 20, "one sync for many"
    assert len(rung) == 200


def test_the_answer_comes_after_the_commit(engine: SqliteEngine, committer: Committer) -> None:
    ann, _, talk = two_friends(engine)
    committer.submit(lambda tx: tx.add_message(talk, ann, "ann", "text", "c1", NOW))
    other = SqliteEngine(Path(engine.reader.database.database))
    assert len(Store(other.reader).history(talk, None, 9)) == 1, "another process sees it"
    other.close()


def test_one_that_raises_undoes_itself_and_nobody_else(
    engine: SqliteEngine, committer: Committer, rung: list[Ring]
) -> None:
    ann, bob, talk = two_friends(engine)

    def refused(tx: Transaction) -> None:
        tx.add_message(talk, bob, "bob", "undone", "c", NOW)
        raise NotFound("after all")

    callers = [
        gevent.spawn(committer.submit, lambda tx: tx.add_message(talk, ann, "ann", "kept", "c1", NOW)),
        gevent.spawn(committer.submit, refused),
        gevent.spawn(committer.submit, lambda tx: tx.add_message(talk, ann, "ann", "kept", "c2", NOW)),
    ]
    gevent.joinall(callers, timeout=10)
    assert [caller.exception.__class__ for caller in callers] == [type(None), NotFound, type(None)]
    assert [message.text for message in Store(engine.reader).history(talk, None, 9)] == ["kept", "kept"]
    assert len(rung) == 4


def test_a_database_that_refuses_is_told_to_everybody_and_heals(committer: Committer, engine: SqliteEngine) -> None:
    ann, _, talk = two_friends(engine)

    def full(tx: Transaction) -> None:
        raise Unavailable("the disk is full", code="database_unavailable", retry_after=1)

    with pytest.raises(Unavailable, match="full"):
        committer.submit(full)
    assert committer.submit(lambda tx: tx.add_message(talk, ann, "ann", "text", "c1", NOW)).number == 1


def test_a_crash_of_the_engine_does_not_end_the_loop(
    committer: Committer, engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> contextlib.AbstractContextManager[Connection]:
        raise RuntimeError("not foreseen")

    with monkeypatch.context() as patch:
        patch.setattr(engine, "writing", broken)
        with pytest.raises(Unavailable, match="nothing was written"):
            committer.submit(lambda tx: tx.epoch())
    assert committer.submit(lambda tx: tx.epoch()) == Store(engine.reader).epoch()


def test_the_event_loop_runs_while_a_lock_is_held_elsewhere(
    engine: SqliteEngine, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And who has waited long enough is told; its job is then not started any more."""
    monkeypatch.setattr(committer_module, "PATIENCE", 0.2)
    turns = 0
    holder = SqliteEngine(Path(engine.reader.database.database))
    with holder.writing():
        writer = gevent.spawn(committer.submit, lambda tx: tx.add_user("late", "hash", NOW))
        while not writer.ready():
            turns += 1
            gevent.sleep(0.005)
        assert isinstance(writer.exception, Unavailable)
    assert turns > 10
    holder.close()
    assert committer.submit(lambda tx: tx.add_user("next", "hash", NOW))
