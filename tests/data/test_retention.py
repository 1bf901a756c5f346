"""What is too old is forgotten, on either engine, and nothing younger; its client ids stay used, and cursors notice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.store_contract import NOW, two_friends, writing
from webchat.data import once, retention, search
from webchat.data.committer import Committer
from webchat.data.database import open_committer, open_engine, open_retention, prepare
from webchat.data.engine import Engine
from webchat.data.partitions import BLOCK
from webchat.data.retention import DAY
from webchat.data.store import Store
from webchat.entities.talk import Draft, Message
from webchat.settings import Settings

KEPT = 8  # days


@pytest.fixture(params=["sqlite", "postgres"])
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    url = request.getfixturevalue("postgres_databases").migrated() if request.param == "postgres" else ""
    made = Settings(data=str(tmp_path), database_url=url, keep_feed_days=KEPT, keep_messages_days=KEPT)
    prepare(made)
    return made


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    made = open_engine(settings)
    yield made
    made.close()


@pytest.fixture
def committer(engine: Engine) -> Iterator[Committer]:
    made = open_committer(engine, lambda _: None)
    made.start()
    yield made
    made.stop()


def day(number: float) -> int:
    return int(NOW + number * DAY)


def post(committer: Committer, talk: int, ann: int, text: str, at: float) -> Message | None:
    """Under the text as client id; None where it was refused."""
    (posted,) = committer.submit(lambda tx: tx.post([Draft(talk, ann, "ann", text, text, day(at))]))
    return posted.message if posted else None


def test_what_is_old_goes_and_its_client_id_stays_used(
    settings: Settings, engine: Engine, committer: Committer
) -> None:
    store, (ann, bob, talk) = Store(engine.reader), two_friends(engine)
    keeper = open_retention(settings, engine, committer)
    texts = {"first": 0.0, "second": 0.1, "later": 2.0, "last": 9.5}
    for text, at in texts.items():
        keeper.tend(day(at))
        assert post(committer, talk, ann, text, at)
    assert [message.text for message in store.history(talk, None, 9)] == ["later", "last"], "two are older than 8 days"
    assert committer.submit(lambda tx: search.index_next(tx, 100)) == 2

    first = keeper.tend(day(11))
    (kept,) = store.history(talk, None, 9)
    assert (kept.text, kept.number) == ("last", 4)
    assert not store.has_older(talk, kept.id)
    for text in list(texts)[:3]:
        assert store.message_of(ann, text) is None
        assert once.is_forgotten(store, ann, text)
        assert post(committer, talk, ann, text, 11) is None, "a late retry is not sent a second time"
    again = post(committer, talk, ann, "last", 11)
    assert again is not None
    assert again.id == kept.id

    entries = store.entries(bob, 0, 9)
    assert entries[0].number > 1, "an old cursor is answered with a reset"
    assert entries[-1].number == store.bounds(bob).last
    assert committer.submit(lambda tx: retention.sweep(tx, first)) == (1, []), "the words of `later`"
    assert committer.submit(lambda tx: retention.sweep(tx, first)) == (0, [])


def test_nobody_s_messages_go_where_all_is_kept(settings: Settings, engine: Engine, committer: Committer) -> None:
    store, (ann, bob, talk) = Store(engine.reader), two_friends(engine)
    for_ever = Settings(data=settings.data, database_url=settings.database_url)
    keeper = open_retention(for_ever, engine, committer)
    for number in range(3):
        assert post(committer, talk, ann, f"{number}", 1000 * number)
    keeper.tend(day(5000))
    assert [message.number for message in store.history(talk, None, 9)] == [1, 2, 3]
    assert [entry.number for entry in store.entries(bob, 0, 9)] == [1, 2, 3]


@pytest.mark.parametrize("settings", ["postgres"], indirect=True)
def test_a_message_always_has_a_partition(settings: Settings, engine: Engine, committer: Committer) -> None:
    ann, _, talk = two_friends(engine)
    keeper = open_retention(settings, engine, committer)
    for block in range(1, 4):
        with writing(engine) as tx:
            tx.on.rows("SELECT setval('message_id_seq', ?, FALSE)", (block * BLOCK,))
        sent = post(committer, talk, ann, f"{block}", 0)
        assert sent is not None
        assert sent.id == block * BLOCK
        keeper.tend(day(0))
