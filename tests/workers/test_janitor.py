"""What is done by the clock: that it is done, and that the clock goes on whatever it meets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from tests.contracts.store_contract import NOW
from tests.logic.test_hub import HOLD, Room, make_room, texts
from webchat.app import create_app
from webchat.data.bus_redis import ringer
from webchat.errors import Unavailable
from webchat.node import build_node
from workers import janitor as module
from workers.janitor import IN_ANY_CASE, Janitor


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.setattr(ringer, "LAST_RINGS", 0.01)  # nobody is there to take them
    with make_room(tmp_path, feed_keep=100) as made:
        yield made


@pytest.fixture
def janitor(room: Room) -> Janitor:
    """Its clock is not started: the tests say when."""
    return Janitor(create_app(room.node))


def send_elsewhere(room: Room) -> None:
    """Through another node, whose rings nobody hears."""
    other = build_node(room.node.settings)
    other.start()
    other.committer.submit(lambda tx: tx.add_message(room.talk, room.ann, "ann", "unheard", "other", NOW))
    other.stop()


def test_long_feeds_are_trimmed_and_sessions_that_are_over_forgotten(
    room: Room, janitor: Janitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FEEDS_AT_ONCE", 1)  # so that two feeds take more than one transaction
    for number in range(130):
        room.send(f"{number}")
    over, good = b"over".ljust(32), b"good".ljust(32)
    now = time.time_ns() // 1_000_000
    room.node.committer.submit(lambda tx: tx.add_session(room.ann, over, now - 1))
    room.node.committer.submit(lambda tx: tx.add_session(room.ann, good, now + 3_600_000))
    janitor._tidy()
    assert [room.node.store.bounds(user) for user in (room.ann, room.bob)] == [(31, 130)] * 2
    assert room.node.store.session(over, 0) is None
    assert room.node.store.session(good, 0) is not None


def test_a_deaf_worker_finds_by_the_clock_what_is_sent_elsewhere(room: Room, janitor: Janitor) -> None:
    poll = room.parked(room.cursor())
    with gevent.Timeout(HOLD):
        while not room.node.bus.deaf:
            gevent.sleep(0.01)
    send_elsewhere(room)
    assert not poll.ready()
    janitor._look()
    assert texts(poll.get(timeout=HOLD)) == ["unheard"]
    with gevent.Timeout(HOLD):
        while not room.node.store.workers()[room.node.worker][1]:
            gevent.sleep(0.01)  # it says so, and the others look too


def test_now_and_then_the_database_is_asked_though_all_seems_well(
    room: Room, janitor: Janitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(room.node.bus), "deaf", False)  # it is, and does not know
    poll = room.parked(room.cursor())
    send_elsewhere(room)
    for _ in range(IN_ANY_CASE - 1):
        janitor._look()
        gevent.sleep(0)
    assert not poll.ready()
    janitor._look()
    assert texts(poll.get(timeout=HOLD)) == ["unheard"]


def test_the_clock_goes_on_whatever_its_work_meets() -> None:
    done: list[int] = []

    def work() -> None:
        done.append(len(done))
        if len(done) == 1:
            raise Unavailable("the database is away")
        if len(done) == 2:
            raise ValueError("a mistake of ours")

    clock = gevent.spawn(module._repeat, 0.001, work)
    with gevent.Timeout(HOLD):
        while len(done) < 3:
            gevent.sleep(0.001)
    clock.kill()
