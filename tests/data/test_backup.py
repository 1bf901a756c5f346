"""A backup is whole; what is restored has another epoch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.store_contract import NOW, two_friends, writing
from webchat.data.backup import backup, restore
from webchat.data.database import open_engine, prepare
from webchat.data.engine import Engine
from webchat.data.store import Store
from webchat.errors import SetupError
from webchat.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings.load({}, data=str(tmp_path / "data"))
    prepare(made)
    return made


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    made = open_engine(settings)
    yield made
    made.close()


def test_what_was_said_up_to_the_backup_is_restored_and_nothing_later(settings: Settings, tmp_path: Path) -> None:
    engine = open_engine(settings)
    ann, bob, talk = two_friends(engine)
    epoch = Store(engine.reader).epoch()
    with writing(engine) as tx:
        tx.add_message(talk, ann, "ann", "before", "c1", NOW)
        tx.beat("worker", deaf=False)
        tx.come(bob, "worker")
    backup(settings, tmp_path / "saved")
    with writing(engine) as tx:
        tx.add_message(talk, ann, "ann", "after", "c2", NOW)
    engine.close()

    restored = restore(settings, tmp_path / "saved")
    engine = open_engine(settings)
    store = Store(engine.reader)
    assert [message.text for message in store.history(talk, None, 9)] == ["before"]
    assert store.epoch() == restored != epoch
    assert store.workers() == {}
    assert not store.is_online(bob)
    assert engine.reader.rows("PRAGMA integrity_check") == [("ok",)]
    with writing(engine) as tx:
        assert tx.add_message(talk, ann, "ann", "on it goes", "c3", NOW).number == 2
    engine.close()
    assert [path.name for path in tmp_path.rglob("*.half*")] == []


def test_a_server_that_runs_is_backed_up_but_not_replaced(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    with writing(engine) as tx:
        backup(settings, tmp_path / "saved")  # also in the middle of a transaction
        tx.add_user("late", "hash", NOW)
    with pytest.raises(SetupError, match="stop it first"):
        restore(settings, tmp_path / "saved")
    assert Store(engine.reader).user("late")


def test_a_backup_never_overwrites(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "saved").write_text("a diary")
    with pytest.raises(SetupError, match="never overwrites"):
        backup(settings, tmp_path / "saved")
    assert (tmp_path / "saved").read_text() == "a diary"


@pytest.mark.parametrize("content", [b"a diary\n" * 1000, b""])
def test_what_is_no_backup_is_refused_and_changes_nothing(settings: Settings, tmp_path: Path, content: bytes) -> None:
    engine = open_engine(settings)
    epoch = Store(engine.reader).epoch()
    engine.close()
    (tmp_path / "saved").write_bytes(content)
    with pytest.raises(SetupError, match="backup"):
        restore(settings, tmp_path / "saved")
    engine = open_engine(settings)
    assert Store(engine.reader).epoch() == epoch
    engine.close()


@pytest.mark.parametrize("content", [b"root:x:0:0:root:/root:/bin/bash\n", b""])
def test_a_mistaken_restore_leaves_an_empty_folder_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "saved").write_bytes(content)
    new = tmp_path / "new"
    with pytest.raises(SetupError, match="saved is no backup of this chat"):
        restore(Settings.load({}, data=str(new)), tmp_path / "saved")
    assert not new.exists()
