"""What happens while a poll waits for the database: on PostgreSQL every question yields.

The database here is real, but its answers are held back until the test lets them go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tests.logic.test_hub import HOLD, Room, make_room, texts
from webchat.data.store import Store
from webchat.errors import NotLoggedIn, Unavailable


class SlowStore:
    """A store one of whose answers, once read, is held back."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.held = ""
        self.failing = ""
        self.questions: Counter[str] = Counter()
        self.asked, self.go_on = Event(), Event()

    def hold(self, question: str) -> None:
        """The next answer to this question waits for `go_on`."""
        self.held = question
        self.asked.clear()
        self.go_on.clear()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def ask(*arguments: Any, **options: Any) -> Any:
            self.questions[name] += 1
            if self.failing == name:
                raise Unavailable("the database is away")
            answer = method(*arguments, **options)
            if self.held == name:
                self.held = ""
                self.asked.set()
                assert self.go_on.wait(HOLD)
            return answer

        return ask


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[Room, SlowStore]]:
    with make_room(tmp_path, linger=0.1) as room:
        store = SlowStore(room.node.store)
        room.node.hub._feeds = store
        yield room, store


@pytest.mark.parametrize("question", ["bounds", "presence_mark", "living_sessions"])
def test_what_is_rung_while_a_mailbox_is_opened_is_heard(slow: tuple[Room, SlowStore], question: str) -> None:
    room, store = slow
    room.send("before")
    cursor = room.cursor()
    store.hold(question)
    poll = gevent.spawn(room.poll, cursor)
    assert store.asked.wait(HOLD)
    room.send("meanwhile")
    store.go_on.set()
    assert texts(poll.get(timeout=HOLD / 2)) == ["meanwhile"]


def test_a_poll_that_looked_during_anothers_reading_is_woken_by_it(slow: tuple[Room, SlowStore]) -> None:
    room, store = slow
    cursor = room.poll(room.cursor(), hold=0).cursor
    polls = [room.parked(cursor), room.parked(cursor, 2)]
    (box,) = room.node.hub._boxes.values()
    room.node.hub._boxes.clear()  # the ring does not arrive
    room.send("unheard")
    room.node.hub._boxes[box.user] = box
    store.hold("entries")
    room.node.hub.missed(None)
    assert store.asked.wait(HOLD), "one of the two reads"
    gevent.sleep(0.01)  # and the other has looked, and parked again
    store.go_on.set()
    for poll in polls:
        assert texts(poll.get(timeout=HOLD / 2)) == ["unheard"]


@pytest.mark.parametrize("question", ["presence_mark", "presence_since"])
def test_what_comes_while_a_poll_asks_who_is_there_is_not_slept_through(
    slow: tuple[Room, SlowStore], question: str
) -> None:
    room, store = slow
    cursor = room.poll(room.cursor(), hold=0).cursor
    (box,) = room.node.hub._boxes.values()
    # A hint that the database will not confirm for this user: a stranger came.
    room.node.committer.submit(lambda tx: tx.come(tx.add_user("stranger", "hash", 0) or 0, "w"))
    box.hint(room.cursor().mark)
    store.hold(question)
    poll = gevent.spawn(room.poll, cursor)
    assert store.asked.wait(HOLD)
    room.send("meanwhile")
    store.go_on.set()
    assert texts(poll.get(timeout=HOLD / 2)) == ["meanwhile"]


def test_a_mailbox_does_not_linger_out_under_a_poll_that_looks(slow: tuple[Room, SlowStore]) -> None:
    room, store = slow
    cursor = room.poll(room.cursor(), hold=0).cursor
    (box,) = room.node.hub._boxes.values()
    gevent.sleep(0.15)
    box.stale = True
    store.hold("entries")
    poll = gevent.spawn(room.poll, cursor)
    assert store.asked.wait(HOLD)
    room.node.hub.sweep()
    store.go_on.set()
    gevent.sleep(0.01)
    room.send("still heard")
    assert texts(poll.get(timeout=HOLD / 2)) == ["still heard"]


def test_a_session_that_ends_while_its_poll_looks_does_not_park(slow: tuple[Room, SlowStore]) -> None:
    room, store = slow
    cursor = room.poll(room.cursor(), hold=0).cursor
    (box,) = room.node.hub._boxes.values()
    box.stale = True
    store.hold("entries")
    poll = gevent.spawn(room.poll, cursor)
    assert store.asked.wait(HOLD)
    room.node.accounts.log_out(room.sessions[room.bob])
    store.go_on.set()
    with pytest.raises(NotLoggedIn):
        poll.get(timeout=HOLD / 2)
    assert room.node.hub.users() == set()


def test_another_session_goes_on_when_the_only_other_one_ends(slow: tuple[Room, SlowStore]) -> None:
    """The mailbox must not be closed under a poll that is about to park in it."""
    room, store = slow
    cursor = room.poll(room.cursor(), hold=0).cursor
    tablet = room.another_session(room.bob)
    (box,) = room.node.hub._boxes.values()
    box.stale = True
    store.hold("entries")
    poll = gevent.spawn(room.poll, cursor, session=tablet)
    assert store.asked.wait(HOLD)
    room.node.accounts.log_out(room.sessions[room.bob])
    store.go_on.set()
    gevent.sleep(0.01)
    room.send("still heard")
    assert texts(poll.get(timeout=HOLD / 2)) == ["still heard"]


def test_a_session_that_ends_while_its_mailbox_is_opened_leaves_none(slow: tuple[Room, SlowStore]) -> None:
    room, store = slow
    cursor = room.cursor()
    store.hold("living_sessions")
    poll = gevent.spawn(room.poll, cursor)
    assert store.asked.wait(HOLD)
    room.node.accounts.log_out(room.sessions[room.bob])
    store.go_on.set()
    with pytest.raises(NotLoggedIn):
        poll.get(timeout=HOLD / 2)
    assert room.node.hub.users() == set()


def test_polls_that_wait_for_an_opening_share_its_end(slow: tuple[Room, SlowStore]) -> None:
    room, store = slow
    cursor = room.cursor()
    store.hold("bounds")
    polls = [gevent.spawn(room.poll, cursor) for _ in range(3)]
    assert store.asked.wait(HOLD)
    store.go_on.set()
    with gevent.Timeout(HOLD):
        while room.node.hub.parked < 3:
            gevent.sleep(0.001)
    room.send("to all")
    assert [texts(poll.get(timeout=HOLD / 2)) for poll in polls] == [["to all"]] * 3
    assert len(room.node.hub.users()) == 1


def test_an_opening_that_fails_leaves_nothing_and_can_be_repeated(slow: tuple[Room, SlowStore]) -> None:
    room, store = slow
    cursor = room.cursor()
    store.failing = "presence_mark"
    with pytest.raises(Unavailable):
        room.poll(cursor)
    assert room.node.hub.users() == set()
    store.failing = ""
    assert room.poll(cursor, hold=0).events == []


def test_what_could_not_be_looked_for_is_looked_for_again(slow: tuple[Room, SlowStore]) -> None:
    room, store = slow
    poll = room.parked(room.poll(room.cursor(), hold=0).cursor)
    hub = room.node.hub
    (box,) = hub._boxes.values()
    hub._boxes.clear()
    room.send("unheard")
    hub._boxes[box.user] = box
    store.failing = "tops"
    hub.missed(None)
    unsure = [hub.unsure]  # then the clock asks again
    store.failing = ""
    hub.missed(None)
    assert [*unsure, hub.unsure] == [True, False]
    assert texts(poll.get(timeout=HOLD / 2)) == ["unheard"]


def test_alarms_that_come_at_once_cost_two_rounds_at_most(slow: tuple[Room, SlowStore]) -> None:
    room, store = slow
    room.parked(room.poll(room.cursor(), hold=0).cursor)
    store.hold("tops")
    before = store.questions["tops"]
    alarms = [gevent.spawn(room.node.hub.missed, None) for _ in range(20)]
    assert store.asked.wait(HOLD)
    gevent.sleep(0)
    store.go_on.set()
    gevent.joinall(alarms, timeout=HOLD, raise_error=True)
    assert store.questions["tops"] == before + 2
