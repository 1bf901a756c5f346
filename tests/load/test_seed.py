"""What `seed` writes is what registering, befriending and logging in would have written; on both engines."""

from __future__ import annotations

import hashlib
import random
import time
from pathlib import Path

import pytest

from tests.load import seed
from tests.postgres import Databases
from webchat.data.database import open_engine, prepare
from webchat.data.store import Bounds, Pair, Store
from webchat.data.transaction import Transaction
from webchat.errors import SetupError
from webchat.settings import Settings


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """An empty database, without tables."""
    if request.param == "sqlite":
        return Settings(data=str(tmp_path))
    databases: Databases = request.getfixturevalue("postgres_databases")
    return Settings(data=str(tmp_path), database_url=databases.migrated())


def test_friendships_are_those_of_the_seed_and_as_many_as_wanted() -> None:
    pairs = seed.friendships(200, 10, random.Random(7))
    assert pairs == seed.friendships(200, 10, random.Random(7)) != seed.friendships(200, 10, random.Random(8))
    assert all(0 <= one < other < 200 for one, other in pairs)
    of_each = [sum(index in pair for pair in pairs) for index in range(200)]
    assert max(of_each) == 10
    assert min(of_each) >= 8
    assert len(seed.friendships(5, 100, random.Random(1))) == 10  # everybody with everybody


def test_people_friends_and_tokens_are_as_the_product_makes_them(settings: Settings, tmp_path: Path) -> None:
    people = seed.seed(settings, 30, {(0, 1), (1, 29)})
    engine = open_engine(settings)
    try:
        store = Store(engine.reader)
        now = time.time_ns() // 1_000_000
        sessions = [store.session(hashlib.sha256(person.token.encode()).digest(), now) for person in people]
        ids = [session.user for session in sessions if session is not None]
        assert len(set(ids)) == 30
        known = store.credentials(people[1].name)
        assert known is not None
        assert known.user == ids[1]
        assert known.password_hash.startswith("$argon2id$")
        assert store.bounds(ids[1]) == Bounds(1, 0)
        conversation = people[1].conversations[people[29].name]
        assert people[29].conversations == {people[1].name: conversation}
        assert store.pair(ids[1], ids[29]) == Pair(friends=True, asked_by=None, conversation=conversation)
        assert store.members(conversation) == sorted((ids[1], ids[29]))
        assert {friend.name for friend in store.friends(ids[1])} == set(people[1].friends)
        assert {found.id for found in store.conversations(ids[1])} == set(people[1].conversations.values())
        with engine.writing() as connection:
            tx = Transaction(connection)
            message = tx.add_message(conversation, ids[1], people[1].name, "hello", "c-1", now)
        assert message.number == 1
        assert store.bounds(ids[29]).last == 1
    finally:
        engine.close()
    seed.write(people, tmp_path / "users.jsonl")
    assert (tmp_path / "users.jsonl").stat().st_mode & 0o777 == 0o600
    assert seed.read(tmp_path / "users.jsonl") == [person.user() for person in people]


def test_more_can_be_seeded_but_not_the_same_again(settings: Settings) -> None:
    seed.seed(settings, 5, set(), "1")
    assert len(seed.seed(settings, 5, {(0, 4)}, "2")) == 5
    with pytest.raises(SetupError, match="take another --seed"):
        seed.seed(settings, 5, set(), "1")


def test_a_database_of_real_people_is_refused_and_left_as_it_was(settings: Settings) -> None:
    prepare(settings)
    engine = open_engine(settings)
    try:
        with engine.writing() as connection:
            Transaction(connection).add_user("ann", "!", 0)
        with pytest.raises(SetupError, match="was not made for load tests: nothing was written"):
            seed.seed(settings, 5, set())
        with pytest.raises(SetupError, match="nothing was written"):
            seed.add_room(settings, ["ann"])
        assert engine.reader.rows('SELECT name FROM "user"') == [("ann",)]
        assert engine.reader.rows("SELECT value FROM meta WHERE key = ?", (seed.MARK,)) == []
    finally:
        engine.close()


def test_a_room_has_all_members(settings: Settings) -> None:
    people = seed.seed(settings, 20, set())
    room = seed.add_room(settings, [person.name for person in people])
    engine = open_engine(settings)
    try:
        assert len(Store(engine.reader).members(room)) == 20
    finally:
        engine.close()
    with pytest.raises(SetupError, match="1 of the users"):
        seed.add_room(settings, [people[0].name, "nobody"])


def test_a_line_that_is_no_user_is_named(tmp_path: Path) -> None:
    path = tmp_path / "users.jsonl"
    path.write_text('{"name": "ann", "token": "t", "friends": [], "conversations": {}}\n{"name": "bob"}\n')
    with pytest.raises(SetupError, match="line 2"):
        seed.read(path)
