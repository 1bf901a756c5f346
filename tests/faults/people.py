"""The users of a run, put into the database directly: hashing two hundred passwords would take the machine
longer than the run. Log-ins and registrations are tested by a canary, over HTTP."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass, field

from webchat.data.database import open_engine
from webchat.data.store import Pair
from webchat.data.transaction import Transaction
from webchat.settings import Settings

HOUR = 3_600_000  # ms


@dataclass
class Person:
    """An account; `talks`: {friend's name: conversation}, `owns`: {group: its members at first}; `strangers`: some.

    Each token is a session of its own.
    """

    name: str
    token: str
    talks: dict[str, int] = field(default_factory=dict)
    owns: dict[int, list[str]] = field(default_factory=dict)
    strangers: list[str] = field(default_factory=list)
    spare: list[str] = field(default_factory=list)  # further tokens


def create_people(settings: Settings, count: int, pairs: list[tuple[int, int]]) -> list[Person]:
    """`count` new users with two sessions each; `pairs` of their indexes become friends with a conversation."""
    now = time.time_ns() // 1_000_000
    run = secrets.token_hex(3)
    engine = open_engine(settings)
    try:
        with engine.writing() as connection:
            tx = Transaction(connection)
            people, ids = [], []
            for number in range(count):
                name = f"p{number}-{run}"
                user = tx.add_user(name, "!", now)
                assert user is not None
                person = Person(name, secrets.token_urlsafe(), spare=[secrets.token_urlsafe()])
                for token in (person.token, *person.spare):
                    tx.add_session(user, hashlib.sha256(token.encode()).digest(), now + 100 * HOUR)
                people.append(person)
                ids.append(user)
            for one, other in pairs:
                conversation = tx.add_conversation(sorted((ids[one], ids[other])))
                tx.set_pair(ids[one], ids[other], Pair(friends=True, asked_by=None, conversation=conversation))
                people[one].talks[people[other].name] = conversation
                people[other].talks[people[one].name] = conversation
        for number, person in enumerate(people):
            others = [people[(number + step) % count].name for step in (2, 4)]
            person.strangers = [name for name in others if name not in {person.name, *person.talks}]
        return people
    finally:
        engine.close()
