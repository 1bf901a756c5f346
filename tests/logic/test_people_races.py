"""Asking, accepting, ending, blocking, changing profiles and leaving for good: many at once, on two workers.

Whatever the order: nobody is a friend of whom they block, a conversation is open while its two are friends and not a
moment longer, and what each is told last is how it stands.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import msgspec
import pytest

from tests.contracts.store_contract import NOW
from tests.logic.test_hub import make_room
from webchat.data import blocks
from webchat.data.accounts import end_sessions, remove
from webchat.data.bus_redis import ringer
from webchat.entities.people import Me, Session
from webchat.errors import Conflict, NotFound, NotLoggedIn
from webchat.logic.farewell import _hold, end_relations
from webchat.logic.profiles import Wishes
from webchat.node import Node, build_node

PEOPLE, GREENLETS, ROUNDS = 5, 6, 25
SOON = 60.0  # seconds


@pytest.fixture(params=["sqlite", "postgres"])
def nodes(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Node]]:
    monkeypatch.setattr(ringer, "LAST_RINGS", 0.01)
    url = request.getfixturevalue("postgres_databases").migrated() if request.param == "postgres" else ""
    with make_room(tmp_path, database_url=url) as room:
        other = build_node(room.node.settings)
        other.start()
        yield [room.node, other]
        other.stop()


def new_person(node: Node, number: int) -> Session:
    name, digest = f"p{number}", f"p{number}".encode().ljust(32, b"-")
    user = node.committer.submit(lambda tx: tx.add_user(name, "hash", NOW))
    assert user is not None
    node.committer.submit(lambda tx: tx.add_session(user, digest, 2 * NOW))
    session = node.store.session(digest, NOW)
    assert session is not None
    return session


def leave_for_good(node: Node, who: Session) -> None:
    """`Farewell.remove` without its password."""

    def work(tx: Any) -> None:
        end_relations(tx, who.user, _hold(tx, who.user))
        end_sessions(tx, who.user)
        remove(tx, who.user)

    node.committer.submit(work)


def meddle(nodes: list[Node], people: list[Session], seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(ROUNDS):
        node = chance.choice(nodes)
        one, other = chance.sample(people, 2)
        calls: list[Callable[[], Any]] = [
            lambda node=node, one=one, other=other: node.friends.ask(one, other.name, "hi"),  # type: ignore[misc]
            lambda node=node, one=one, other=other: node.friends.ask(one, other.name),  # type: ignore[misc]
            lambda node=node, one=one, other=other: node.friends.accept(one, other.name),  # type: ignore[misc]
            lambda node=node, one=one, other=other: node.friends.remove(one, other.name),  # type: ignore[misc]
            lambda node=node, one=one, other=other: node.blocks.block(one, other.name),  # type: ignore[misc]
            lambda node=node, one=one, other=other: node.blocks.unblock(one, other.name),  # type: ignore[misc]
            lambda node=node, one=one: node.profiles.change(  # type: ignore[misc]
                one, Wishes(status=f"{chance.random()}", invisible=chance.random() < 0.5)
            ),
        ]
        with contextlib.suppress(NotFound, Conflict, NotLoggedIn):
            chance.choice(calls)()


def told(node: Node, who: Session) -> tuple[dict[str, Any], dict[str, str]]:
    """How each other stands to `who`, and what their status is, by the events alone."""
    standing: dict[str, Any] = {}
    statuses: dict[str, str] = {}
    after = 0
    while entries := node.store.entries(who.user, after, 100):
        after = entries[-1].number
        for event in (msgspec.json.decode(entry.event) for entry in entries):
            if event["type"] == "friend":
                standing[event["name"]] = event["state"]
                if event["state"] == "friend":
                    statuses[event["name"]] = event.get("status", "")
            elif event["type"] == "profile":
                statuses[event["name"]] = event["status"]
    return standing, statuses


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_many_do_at_once_it_fits_together(nodes: list[Node], seed: int) -> None:
    people = [new_person(nodes[0], number) for number in range(PEOPLE)]
    running = [gevent.spawn(meddle, nodes, people, seed * 100 + number) for number in range(GREENLETS)]
    gevent.joinall(running, timeout=SOON, raise_error=True)
    assert all(greenlet.ready() for greenlet in running)
    gone = people[0]
    running = [
        gevent.spawn(meddle, nodes, people[1:], seed),
        gevent.spawn(meddle, nodes, people, seed + 1),
        gevent.spawn(leave_for_good, nodes[1], gone),
    ]
    gevent.joinall(running, timeout=SOON, raise_error=True)
    store = nodes[0].store
    for one in people:
        state = nodes[0].chat.snapshot(one)
        friends = {friend.name: friend for friend in state.friends}
        if one is gone:
            assert (friends, state.requests, state.blocked) == ({}, [], [])
            assert not any(line.open for line in state.conversations)
            assert state.me == Me(gone.name)
            continue
        assert {line.partner for line in state.conversations if line.open} == friends.keys()
        standing, statuses = told(nodes[0], one)
        asked = {request.name: request.direction for request in state.requests}
        for other in people:
            if other is one:
                continue
            if blocks.between(store, one.user, other.user):
                assert other.name not in friends
            expected = "friend" if other.name in friends else asked.get(other.name, "none")
            assert standing.get(other.name, "none") == expected, (one.name, other.name)
            if other.name in friends:
                assert friends[other.name].status == statuses[other.name]


@pytest.mark.parametrize("what", ["accepted", "asked back"])
def test_a_block_and_a_friendship_at_the_same_time(nodes: list[Node], what: str) -> None:
    one, other = new_person(nodes[0], 1), new_person(nodes[0], 2)
    here, there = nodes
    for _ in range(25):
        here.friends.ask(other, one.name)
        befriend = {"accepted": there.friends.accept, "asked back": there.friends.ask}[what]
        both = [
            gevent.spawn(quietly, here.blocks.block, one, other.name),
            gevent.spawn(quietly, befriend, one, other.name),
        ]
        gevent.joinall(both, timeout=SOON, raise_error=True)
        pair = here.store.pair(one.user, other.user)
        assert pair is not None
        assert (pair.friends, blocks.has(here.store, one.user, other.user)) == (False, True)
        here.blocks.unblock(one, other.name)


def quietly(call: Callable[..., Any], *arguments: Any) -> None:
    with contextlib.suppress(NotFound, Conflict):
        call(*arguments)
