"""A backup is whole; what is restored has another epoch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.store_contract import NOW, two_friends, writing
from webchat.data import attachments
from webchat.data.backup import Saved, backup, files_of, restore
from webchat.data.blobs import Blobs
from webchat.data.database import open_engine, prepare
from webchat.data.engine import Engine
from webchat.data.store import Store
from webchat.entities.talk import File
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

    restored, files = restore(settings, tmp_path / "saved")
    assert files == Saved(0, 0)
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


def upload(settings: Settings, engine: Engine, owner: int, content: bytes) -> Path:
    """The bytes and their row, as an upload leaves them; where the bytes are."""
    blobs = Blobs(settings.files_folder)
    incoming = blobs.receive()
    incoming.write(content)
    digest = incoming.settle()
    blobs.keep(incoming, digest)
    incoming.drop()
    with writing(engine) as tx:
        attachments.add(tx, owner, File(digest[:22], "a", "text/plain", len(content)), digest, NOW)
    return blobs.path(digest)


def test_files_are_saved_and_restored_with_the_rows_that_name_them(settings: Settings, tmp_path: Path) -> None:
    engine = open_engine(settings)
    ann, *_ = two_friends(engine)
    paths = [upload(settings, engine, ann, content) for content in (b"one", b"two", b"three", b"four")]
    gone, damaged, lost, _there = paths
    gone.unlink()
    assert backup(settings, tmp_path / "saved") == Saved(3, 1)
    later = upload(settings, engine, ann, b"later")
    engine.close()
    lost.unlink()
    damaged.unlink()
    saved = Blobs(files_of(tmp_path / "saved"))
    saved.path(damaged.parent.name + damaged.name).write_bytes(b"tw0")

    assert restore(settings, tmp_path / "saved")[1] == Saved(1, 2)
    assert [path.exists() for path in paths] == [False, False, True, True]
    assert lost.read_bytes() == b"three"
    assert later.exists(), "without a row: the sweep's business"
    assert list((settings.files_folder / "tmp").iterdir()) == []
    assert [path.name for path in tmp_path.rglob("*.half*")] == []


def test_while_a_worker_removes_files_a_backup_waits(
    settings: Settings, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webchat.data.backup.PATIENCE", 0.1)
    ann, *_ = two_friends(engine)
    upload(settings, engine, ann, b"one")
    alone = Blobs(settings.files_folder).alone()
    assert alone is not None
    with pytest.raises(SetupError, match="try again"):
        backup(settings, tmp_path / "saved")
    os.close(alone)
    assert backup(settings, tmp_path / "saved") == Saved(1, 0)
    with pytest.raises(SetupError, match="never overwrites"):
        backup(settings, tmp_path / "saved")


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
