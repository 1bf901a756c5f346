"""Accounts and friendships for load tests, made in bulk: one password hash for all, and many rows in one statement.

Only into a database that was made for load tests. A database without users becomes one, by a mark in its `meta`
table, in the same transaction that looks whether it has any. The rows are those that registering, befriending and
logging in would have made, down to the open conversation of two friends; tests/load/test_seed.py holds that.
"""

from __future__ import annotations

import hashlib
import json
import random
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from argon2 import PasswordHasher

from tests.load.dialect import User
from webchat.data.database import open_engine, prepare
from webchat.data.engine import Connection, Engine
from webchat.data.tables import Conversation, Feed, Member, Meta, Relation, Session
from webchat.data.tables import User as UserRow
from webchat.entities.people import name_key
from webchat.errors import SetupError
from webchat.settings import Settings

PASSWORD = "load-test"  # of every account
MARK = "load_test"  # the key in `meta`
ROWS = 500  # of one statement
BLOCK = 4_000  # users or friendships of one transaction: a running server's writers wait for it
DAY = 86_400_000  # ms
Pairs = set[tuple[int, int]]
T = TypeVar("T")


@dataclass(slots=True)
class Person:
    """One line of the file that `seed` writes."""

    name: str
    token: str
    friends: list[str] = field(default_factory=list)
    conversations: dict[str, int] = field(default_factory=dict)

    def user(self) -> User:
        """As the dialect knows people."""
        return User(self.name, self.token, friends=self.friends, extras={"conversations": self.conversations})


def friendships(count: int, friends: int, random_: random.Random) -> Pairs:
    """Random pairs of indexes below `count`, `one < other`, so that everybody has `friends` of them, or nearly: where
    the last draws find only pairs that exist, some have one or two fewer."""
    friends = min(friends, count - 1)
    pairs: Pairs = set()
    open_ends = [index for index in range(count) for _ in range(friends)]
    for _ in range(20):
        random_.shuffle(open_ends)
        left = []
        for one, other in zip(open_ends[::2], open_ends[1::2], strict=False):
            pair = (min(one, other), max(one, other))
            if one == other or pair in pairs:
                left += [one, other]
            else:
                pairs.add(pair)
        open_ends = left
    return pairs


def seed(
    settings: Settings,
    count: int,
    pairs: Pairs,
    label: str = "1",
    show: Callable[[str, float], None] = lambda _what, _part: None,
) -> list[Person]:
    """`count` new accounts `load<label>-<index>`, of which the `pairs` are friends. Raises SetupError where the
    database holds other people, or these."""
    prepare(settings)
    engine = open_engine(settings)
    try:
        with engine.writing() as connection:
            _claim(connection)
        people = _add_people(engine, settings, count, label, show)
        _befriend(engine, people, sorted(pairs), show)
    finally:
        engine.close()
    return [person for _, person in people]


def _claim(connection: Connection) -> None:
    """Mark an empty database as one for load tests. Raises SetupError for one that is in use."""
    if connection.rows("SELECT value FROM meta WHERE key = ?", (MARK,)):
        return
    if connection.rows('SELECT 1 FROM "user" LIMIT 1'):
        raise SetupError(
            "this database has users and was not made for load tests: nothing was written. Name an empty or new one "
            "with --data or WEBCHAT_DATABASE_URL"
        )
    connection.run(Meta.insert(key=MARK, value="1"))


def require_mark(connection: Connection) -> None:
    """Raises SetupError for a database that was not made for load tests."""
    if not connection.rows("SELECT value FROM meta WHERE key = ?", (MARK,)):
        raise SetupError("this database was not made by `./chat load seed`: nothing was written")


def _add_people(
    engine: Engine, settings: Settings, count: int, label: str, show: Callable[[str, float], None]
) -> list[tuple[int, Person]]:
    now = time.time_ns() // 1_000_000
    password_hash = PasswordHasher().hash(PASSWORD)
    expires_at = now + settings.session_days * DAY
    people: list[tuple[int, Person]] = []
    new = [Person(f"load{label}-{index:05}", secrets.token_urlsafe(32)) for index in range(count)]
    for block in _blocks(new, BLOCK):
        with engine.writing() as connection:
            for part in _blocks(block, ROWS):
                rows = [(person.name, name_key(person.name), password_hash, now) for person in part]
                columns = [UserRow.name, UserRow.key, UserRow.password_hash, UserRow.created_at]
                query = UserRow.insert_many(rows, columns).on_conflict_ignore().returning(UserRow.id, UserRow.name)
                ids = {name: int(id) for id, name in connection.run(query.tuples())}
                if len(ids) < len(part):
                    raise SetupError(f"accounts load{label}-… exist already: take another --seed")
                people += [(ids[person.name], person) for person in part]
                connection.run(Feed.insert_many([(id,) for id in ids.values()], [Feed.user]))
                sessions = [_session(person.token, ids[person.name], expires_at) for person in part]
                connection.run(
                    Session.insert_many(sessions, [Session.id, Session.token_hash, Session.user, Session.expires_at])
                )
        show("accounts", len(people) / count)
    return people


def _session(token: str, user: int, expires_at: int) -> tuple[int, bytes, int, int]:
    """The row of `Transaction.add_session`."""
    digest = hashlib.sha256(token.encode()).digest()
    return int.from_bytes(digest[:8]) >> 1, digest, user, expires_at


def _befriend(
    engine: Engine,
    people: list[tuple[int, Person]],
    pairs: list[tuple[int, int]],
    show: Callable[[str, float], None],
) -> None:
    """Each pair gets a conversation, its two memberships, and its relation."""
    done = 0
    for block in _blocks(pairs, BLOCK):
        with engine.writing() as connection:
            for part in _blocks(block, ROWS):
                rows = [("direct",)] * len(part)
                added = connection.run(
                    Conversation.insert_many(rows, [Conversation.kind]).returning(Conversation.id).tuples()
                )
                conversations = [int(row[0]) for row in added]
                members, relations = [], []
                for (one, other), conversation in zip(part, conversations, strict=True):
                    (one_id, one_person), (other_id, other_person) = people[one], people[other]
                    members += [(conversation, one_id), (conversation, other_id)]
                    relations.append((min(one_id, other_id), max(one_id, other_id), True, conversation))
                    one_person.friends.append(other_person.name)
                    other_person.friends.append(one_person.name)
                    one_person.conversations[other_person.name] = conversation
                    other_person.conversations[one_person.name] = conversation
                connection.run(Member.insert_many(members, [Member.conversation, Member.user]))
                columns = [Relation.low, Relation.high, Relation.friends, Relation.conversation]
                connection.run(Relation.insert_many(relations, columns))
        done += len(block)
        show("friendships", done / len(pairs))


def add_room(settings: Settings, names: Sequence[str]) -> int:
    """One open conversation of all these people; its id. The product makes them of two; its tables and its
    transactions know no such limit. Raises SetupError outside of a load-test database."""
    engine = open_engine(settings)
    try:
        with engine.writing() as connection:
            require_mark(connection)
            ids: list[int] = []
            for part in _blocks(names, ROWS):
                query = UserRow.select(UserRow.id).where(UserRow.name.in_(list(part)))
                ids += [int(row[0]) for row in connection.run(query.tuples())]
            if len(ids) != len(names):
                raise SetupError(f"{len(names) - len(ids)} of the users are not in this database")
            added = connection.run(Conversation.insert(kind="direct").returning(Conversation.id).tuples())
            room = int(list(added)[0][0])  # noqa: RUF015  a statement must be stepped to its end before the commit
            for members in _blocks(sorted(ids), ROWS):
                connection.run(
                    Member.insert_many([(room, user) for user in members], [Member.conversation, Member.user])
                )
            return room
    finally:
        engine.close()


def write(people: Iterable[Person], path: Path) -> None:
    """One JSON object a line. The tokens in it are as good as passwords: the file is its owner's alone."""
    path.touch(mode=0o600)
    with path.open("w") as file:
        for person in people:
            line = {name: getattr(person, name) for name in ("name", "token", "friends", "conversations")}
            file.write(json.dumps(line, separators=(",", ":")) + "\n")


def read(path: Path) -> list[User]:
    """The users of a file that `write` made. Raises SetupError with the line that is not one."""
    users = []
    with path.open() as file:
        for number, line in enumerate(file, 1):
            try:
                found: dict[str, Any] = json.loads(line)
                person = Person(found["name"], found["token"], found["friends"], found["conversations"])
                users.append(person.user())
            except (ValueError, KeyError, TypeError):
                raise SetupError(f"{path}, line {number}: not a user as `./chat load seed` writes them") from None
    return users


def _blocks(whole: Sequence[T], size: int) -> Iterator[list[T]]:
    iterator = iter(whole)
    while block := list(islice(iterator, size)):
        yield block
