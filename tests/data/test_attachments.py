"""Files in the database, on both engines: whose they are, claimed once, expired unless somebody needs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.store_contract import NOW, sending, two_friends, writing
from webchat.data import attachments, changes
from webchat.data.database import open_engine, prepare
from webchat.data.engine import Engine
from webchat.data.store import Store
from webchat.entities.talk import Draft, File
from webchat.errors import NotFound
from webchat.settings import Settings


@pytest.fixture(params=["sqlite", "postgres"])
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    url = request.getfixturevalue("postgres_databases").migrated() if request.param == "postgres" else ""
    settings = Settings(data=str(tmp_path), database_url=url, database_pool=4)
    prepare(settings)
    made = open_engine(settings)
    yield made
    made.close()


@pytest.fixture
def store(engine: Engine) -> Store:
    return Store(engine.reader)


def uploaded(engine: Engine, owner: int, id: str, digest: str = "d", at: int = NOW, picture: bool = False) -> File:
    width = 7 if picture else None
    file = File(id, f"name of {id}", "image/png", 100, width, width, thumbnail=picture)
    with writing(engine) as tx:
        attachments.add(tx, owner, file, digest, at)
    return file


def sent(engine: Engine, talk: int, sender: int, client_id: str, *ids: str) -> int:
    with sending(engine) as tx:
        posted = changes.post(tx, Draft(talk, sender, "ann", "", client_id, NOW), changes.More(None, (), ids))
        assert posted is not None
        return posted.message.id


def test_a_file_is_its_owners_until_it_is_sent_and_then_the_members(engine: Engine, store: Store) -> None:
    ann, bob, talk = two_friends(engine)
    with writing(engine) as tx:
        eve = tx.add_user("eve", "hash", NOW) or 0
    file = uploaded(engine, ann, "a", picture=True)
    assert attachments.seen_by(store, ann, "a") == (file, "d")
    assert attachments.seen_by(store, bob, "a") is None
    sent(engine, talk, ann, "c", "a")
    assert [bool(attachments.seen_by(store, user, "a")) for user in (ann, bob, eve)] == [True, True, False]
    assert store.history(talk, None, 9)[0].files == [file]
    with writing(engine) as tx:
        tx.on.rows('DELETE FROM member WHERE conversation = ? AND "user" = ?', (talk, ann))
    assert attachments.seen_by(store, ann, "a") is None, "it was hers, but she has left"
    assert attachments.seen_by(store, bob, "a") is not None
    assert attachments.seen_by(store, bob, "a\0") is None


def test_each_is_claimed_once_in_the_order_that_is_asked_for(engine: Engine, store: Store) -> None:
    ann, bob, talk = two_friends(engine)
    for id in ("a", "b", "c"):
        uploaded(engine, ann, id)
    sent(engine, talk, ann, "1", "b", "a")
    assert [file.id for file in store.history(talk, None, 9)[0].files] == ["b", "a"]
    for owner, ids in ((ann, ["a"]), (ann, ["c", "a"]), (ann, ["nobody's"]), (bob, ["c"])):
        with writing(engine) as tx, pytest.raises(NotFound):
            attachments.claim(tx, owner, ids)
    sent(engine, talk, ann, "2", "c")


def test_a_retry_finds_its_message_and_claims_nothing(engine: Engine, store: Store) -> None:
    ann, _, talk = two_friends(engine)
    uploaded(engine, ann, "a")
    uploaded(engine, ann, "b")
    first = sent(engine, talk, ann, "c", "a")
    assert sent(engine, talk, ann, "c", "b") == first
    with writing(engine) as tx:
        assert [file.id for file in attachments.claim(tx, ann, ["b"])] == ["b"]


def test_who_may_not_send_claims_nothing(engine: Engine) -> None:
    ann, _, talk = two_friends(engine)
    uploaded(engine, ann, "a")
    with sending(engine) as tx:
        assert changes.post(tx, Draft(talk + 7, ann, "ann", "", "c", NOW), changes.More(None, (), ["a"])) is None
        assert changes.post(tx, Draft(talk, ann, "ann", "", "c", NOW, session=7), changes.More(None, (), ["a"])) is None
        tx.set_open(talk, False)
        assert changes.post(tx, Draft(talk, ann, "ann", "", "c", NOW), changes.More(None, (), ["a"])) is None
        tx.set_open(talk, True)
    sent(engine, talk, ann, "c", "a")


def test_what_was_not_sent_expires_unless_it_is_an_avatar(engine: Engine, store: Store) -> None:
    ann, _, talk = two_friends(engine)
    for id, digest in (("old", "d1"), ("sent", "d2"), ("face", "d3"), ("young", "d4")):
        uploaded(engine, ann, id, digest, NOW if id == "young" else NOW - 10, picture=True)
    sent(engine, talk, ann, "c", "sent")
    with writing(engine) as tx:
        assert attachments.unsent_bytes(tx, ann) == 300
        tx.on.rows('UPDATE "user" SET avatar = ? WHERE id = ?', ("face", ann))
        assert attachments.expire(tx, NOW - 5, 10) == ["d1"]
        assert attachments.expire(tx, NOW - 5, 10) == []
    assert attachments.needed(store, ["d1", "d2", "d3", "d4"]) == {"d2", "d3", "d4"}
    with writing(engine) as tx:
        tx.on.rows('UPDATE "user" SET avatar = ? WHERE id = ?', ("", ann))
        assert attachments.expire(tx, NOW + 5, 1) == ["d3"]
        assert attachments.expire(tx, NOW + 5, 1) == ["d4"]


def test_a_deleted_message_lets_go_of_its_files(engine: Engine, store: Store) -> None:
    ann, bob, talk = two_friends(engine)
    uploaded(engine, ann, "a", "d")
    uploaded(engine, bob, "b", "d")
    message = sent(engine, talk, ann, "c", "a")
    with writing(engine) as tx:
        assert attachments.release(tx, message) == ["d"]
        assert attachments.release(tx, message) == []
    assert attachments.seen_by(store, ann, "a") is None
    assert attachments.needed(store, ["d"]) == {"d"}, "bob has uploaded the same"


def test_an_avatar_is_an_unsent_image_of_ones_own(engine: Engine, store: Store) -> None:
    ann, bob, talk = two_friends(engine)
    for id, picture in (("face", True), ("sent", True), ("text", False)):
        uploaded(engine, ann, id, id, NOW - 10, picture)
    sent(engine, talk, ann, "c", "sent")
    with writing(engine) as tx:
        taken = [attachments.take_as_avatar(tx, user, id, NOW) for user in (ann, bob) for id in ("face", "sent")]
        assert taken == [True, False, False, False]
        assert not attachments.take_as_avatar(tx, ann, "text", NOW)
        assert attachments.expire(tx, NOW - 5, 10) == ["text"], "what was taken counts as uploaded now"
        tx.on.rows('UPDATE "user" SET avatar = ? WHERE id = ?', ("face", ann))
        with pytest.raises(NotFound):
            attachments.claim(tx, ann, ["face"])
    found = attachments.avatar_of(store, "ANN", bob)
    assert found is not None
    assert found.file.id == "face"
    assert attachments.avatar_of(store, "bob", ann) is None
    assert attachments.avatar_of(store, "ann\0", bob) is None
    with writing(engine) as tx:
        tx.on.rows('INSERT INTO block ("user", blocked) VALUES (?, ?)', (ann, bob))
    assert attachments.avatar_of(store, "ann", bob) is None
