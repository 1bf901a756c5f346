"""The hub on a real database, with its doorbell broken: what must work then must work always.

The whole way, with the doorbell, is in `tests/cluster`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from tests.contracts.store_contract import NOW, two_friends
from webchat.data.bus_redis import ringer
from webchat.data.database import prepare
from webchat.entities.feed import Cursor
from webchat.entities.people import Session
from webchat.entities.talk import Draft
from webchat.errors import NotLoggedIn, Unavailable
from webchat.logic.mailbox import Wake
from webchat.logic.poll import Answer
from webchat.node import Node, build_node
from webchat.settings import Settings

HOLD = 5.0  # seconds; no test waits that long


class Room:
    """Two friends on one node, and shortcuts to poll and send as either."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.ann, self.bob, self.talk = two_friends(node.engine)
        self.sessions = {user: self._session(user, name) for user, name in ((self.ann, "ann"), (self.bob, "bob"))}
        self.sent = 0

    def _session(self, user: int, name: str, secret: str = "") -> Session:
        digest = (name + secret).encode().ljust(32, b"-")
        self.node.committer.submit(lambda tx: tx.add_session(user, digest, 2 * NOW))
        session = self.node.store.session(digest, NOW)
        assert session is not None
        return session

    def another_session(self, user: int) -> Session:
        return self._session(user, self.sessions[user].name, "another")

    def send(self, text: str) -> None:
        self.sent += 1
        self.node.committer.submit(lambda tx: tx.add_message(self.talk, self.ann, "ann", text, f"c{self.sent}", NOW))

    def poll(self, cursor: Cursor, hold: float = HOLD, session: Session | None = None, watch: Any = None) -> Answer:
        return self.node.hub.poll(session or self.sessions[self.bob], cursor, hold, watch or never)

    def parked(self, cursor: Cursor, count: int = 1, **how: Any) -> Any:
        """A greenlet with a poll that has parked."""
        poll = gevent.spawn(self.poll, cursor, **how)
        with gevent.Timeout(HOLD):
            while self.node.hub.parked < count and not poll.ready():
                gevent.sleep(0.001)
        return poll

    def cursor(self) -> Cursor:
        return self.node.hub.cursor(self.bob)


@pytest.fixture(params=["sqlite", "postgres"])
def room(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Room]:
    url = request.getfixturevalue("postgres_databases").migrated() if request.param == "postgres" else ""
    with make_room(tmp_path, database_url=url) as made:
        yield made


@pytest.fixture(autouse=True)
def _nobody_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that stops waits for its last rings to be taken; here nobody ever takes them."""
    monkeypatch.setattr(ringer, "LAST_RINGS", 0.01)


@contextlib.contextmanager
def make_room(folder: Path, **settings: Any) -> Iterator[Room]:
    chosen = Settings(data=str(folder), redis_url=f"unix://{folder}/nobody.sock", **settings)
    prepare(chosen)
    node = build_node(chosen)
    node.start()
    yield Room(node)
    node.stop()


def never(_: Callable[[], None]) -> Any:
    return contextlib.nullcontext()


def texts(answer: Answer) -> list[str]:
    return [event.decode().split('"text":"')[1].split('"')[0] for event in answer.events]


def test_what_is_there_is_answered_at_once(room: Room) -> None:
    cursor = room.cursor()
    room.send("one")
    room.send("two")
    answer = room.poll(cursor)
    assert texts(answer) == ["one", "two"]
    assert room.poll(answer.cursor, hold=0).events == []


def test_a_parked_poll_wakes_with_the_message(room: Room) -> None:
    poll = room.parked(room.cursor())
    room.send("hello")
    answer = poll.get(timeout=HOLD)
    assert texts(answer) == ["hello"]
    assert answer.ended is None


def test_a_poll_without_news_ends_with_its_hold(room: Room) -> None:
    cursor = room.cursor()
    answer = room.poll(cursor, hold=0.05)
    assert answer.events == []
    assert answer.cursor.number == cursor.number


def test_a_repoll_finds_what_came_in_between(room: Room) -> None:
    cursor = room.poll(room.cursor(), hold=0.01).cursor
    room.send("in between")
    assert texts(room.poll(cursor)) == ["in between"]


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": "0" * 12},
        {"user": 999},
        {"number": 999},
        {"mark": 999},
    ],
    ids=["another epoch", "another user", "beyond the top", "beyond the last presence mark"],
)
def test_a_cursor_that_cannot_be_continued_is_answered_reset(room: Room, change: dict[str, Any]) -> None:
    room.send("one")
    answer = room.poll(room.cursor()._replace(**change))
    assert answer.reset
    assert answer.events == []
    now = room.cursor()
    assert answer.cursor._replace(mark=now.mark) == now
    assert answer.cursor.mark <= now.mark, "the one who polls has come, which may be on record since"
    assert room.node.hub.counters.resets == 1


def test_a_cursor_older_than_the_feed_keeps_is_answered_reset(tmp_path: Path) -> None:
    with make_room(tmp_path, feed_keep=100) as room:
        cursor = room.cursor()
        for number in range(130):
            room.send(f"{number}")
        room.node.committer.submit(lambda tx: tx.trim_feeds(100, 10))
        assert room.poll(cursor).reset
        kept = room.poll(cursor._replace(number=30))
        assert len(kept.events) == 100


def test_a_cursor_ahead_of_this_worker_is_read_up_and_not_reset(room: Room) -> None:
    """Another worker told the client what this one has not heard of: its doorbell is broken."""
    cursor = room.poll(room.cursor(), hold=0.01).cursor
    other = build_node(room.node.settings)
    other.start()
    other.committer.submit(lambda tx: tx.add_message(room.talk, room.ann, "ann", "elsewhere", "other", NOW))
    other.stop()
    answer = room.poll(cursor._replace(number=cursor.number + 1), hold=0)
    assert not answer.reset
    assert answer.events == []


def test_a_presence_mark_ahead_of_this_worker_is_asked_for_once_and_not_reset(room: Room) -> None:
    """Another worker answered with it; here nobody has heard of it yet."""
    cursor = room.poll(room.cursor(), hold=0).cursor
    with gevent.Timeout(HOLD):
        while not room.node.store.is_online(room.bob):  # it is written in the background, under a mark of its own
            gevent.sleep(0.001)
    other = build_node(room.node.settings)
    other.start()
    other.committer.submit(lambda tx: tx.come(room.ann, "elsewhere"))
    ahead = cursor._replace(mark=other.store.presence_mark())
    other.stop()
    assert ahead.mark > room.node.hub._given
    assert room.poll(ahead, hold=0) == Answer(ahead, [])
    assert room.node.hub._given == ahead.mark, "so its next poll costs no question"


def test_the_clock_finds_what_the_doorbell_did_not_bring(room: Room) -> None:
    poll = room.parked(room.cursor())
    other = build_node(room.node.settings)
    other.start()
    other.committer.submit(lambda tx: tx.add_message(room.talk, room.ann, "ann", "unheard", "other", NOW))
    other.stop()
    assert not poll.ready()
    room.node.hub.missed(None)
    assert texts(poll.get(timeout=HOLD)) == ["unheard"]
    assert room.node.hub.counters.late_rings == 1


def test_the_client_that_leaves_unparks(room: Room) -> None:
    hang_up: list[Callable[[], None]] = []

    @contextlib.contextmanager
    def watch(gone: Callable[[], None]) -> Iterator[None]:
        hang_up.append(gone)
        yield

    poll = room.parked(room.cursor(), watch=watch)
    hang_up[0]()
    assert poll.get(timeout=HOLD).ended is Wake.GONE
    assert room.node.hub.parked == 0


def test_the_end_of_a_session_ends_its_polls_alone(room: Room) -> None:
    cursor = room.cursor()
    tablet = room.another_session(room.bob)
    phone_poll = room.parked(cursor)
    tablet_poll = room.parked(cursor, 2, session=tablet)
    room.node.accounts.log_out(room.sessions[room.bob])
    with pytest.raises(NotLoggedIn):
        phone_poll.get(timeout=HOLD)
    assert not tablet_poll.ready()
    with pytest.raises(NotLoggedIn):
        room.poll(cursor)  # authenticated a moment before the end, parked a moment after
    room.send("still there")
    assert texts(tablet_poll.get(timeout=HOLD)) == ["still there"]


def test_the_clock_ends_sessions_whose_end_was_not_heard(room: Room) -> None:
    poll = room.parked(room.cursor())
    other = build_node(room.node.settings)
    other.start()
    other.accounts.log_out(room.sessions[room.bob])
    other.stop()
    room.node.hub.missed(None)
    with pytest.raises(NotLoggedIn):
        poll.get(timeout=HOLD)


def test_the_last_sessions_end_takes_the_user_offline_at_once(room: Room) -> None:
    room.parked(room.cursor())
    with gevent.Timeout(HOLD):
        while not room.node.store.is_online(room.bob):
            gevent.sleep(0.001)
    room.node.accounts.log_out(room.sessions[room.bob])
    assert room.node.hub.users() == set()
    with gevent.Timeout(HOLD):
        while room.node.store.is_online(room.bob):
            gevent.sleep(0.001)


def test_a_mailbox_lingers_and_then_closes(tmp_path: Path) -> None:
    with make_room(tmp_path, linger=0.2) as room:
        room.poll(room.cursor(), hold=0)
        room.node.hub.sweep()
        assert room.node.hub.users() == {room.bob}
        gevent.sleep(0.25)
        room.node.hub.sweep()
        assert room.node.hub.users() == set()


def test_a_drain_answers_everybody_and_parks_nobody(room: Room) -> None:
    cursor = room.cursor()
    poll = room.parked(cursor)
    room.node.drain()
    assert poll.get(timeout=HOLD) == Answer(cursor, [], ended=Wake.DRAIN)
    assert room.poll(cursor).ended is Wake.DRAIN


def test_a_session_that_is_over_is_not_told_to_start_anew_either(room: Room) -> None:
    """Whose secret it was may be remembered; a cursor that leads to no mailbox must not spare it the question."""
    session = room.sessions[room.bob]
    cursor = room.cursor()
    room.node.committer.submit(lambda tx: tx.end_session(room.bob, session.id))
    for wrong in (cursor._replace(epoch="0" * 12), cursor._replace(user=room.ann), cursor):
        with pytest.raises(NotLoggedIn):
            room.poll(wrong, hold=0, session=session)


def test_what_this_device_said_does_not_end_its_poll_but_comes_with_the_next_news(room: Room) -> None:
    poll = gevent.spawn(
        room.node.hub.poll, room.sessions[room.ann], room.node.hub.cursor(room.ann), HOLD, never, "laptop"
    )
    other = gevent.spawn(room.node.hub.poll, room.sessions[room.ann], room.node.hub.cursor(room.ann), HOLD, never, "tv")
    with gevent.Timeout(HOLD):
        while room.node.hub.parked < 2:
            gevent.sleep(0.001)

    def say(sender: int, name: str, client_id: str, device: str) -> None:
        assert room.node.committer.send(Draft(room.talk, sender, name, client_id, client_id, NOW, device))

    say(room.ann, "ann", "mine", "laptop")
    assert texts(other.get(timeout=HOLD)) == ["mine"]
    assert not poll.ready()
    say(room.bob, "bob", "yours", "laptop")
    assert texts(poll.get(timeout=HOLD)) == ["mine", "yours"], "another one's device of that name is another device"


def test_a_full_worker_refuses_in_words(tmp_path: Path) -> None:
    with make_room(tmp_path, connections=1) as room:
        with pytest.raises(Unavailable, match="as many polls"):
            room.poll(room.cursor())
        assert room.node.hub.parked == 0


def test_a_friends_coming_and_going_is_told_to_each_client_whoever_was_told_before(room: Room) -> None:
    """Laptop and phone have cursors of their own, and another worker may have answered before."""
    laptop = room.cursor()
    room.node.committer.submit(lambda tx: tx.come(room.ann, "elsewhere"))
    phone = room.cursor()
    assert room.poll(phone, hold=0).events == [], "the phone's snapshot had it"
    answer = room.poll(laptop, hold=0)
    assert [b'"name":"ann","online":true' in event for event in answer.events] == [True]
    assert room.poll(answer.cursor, hold=0).events == [], "told once"
    poll = room.parked(answer.cursor)
    room.node.committer.submit(lambda tx: tx.go(room.ann, "elsewhere"))
    assert [b'"online":false' in event for event in poll.get(timeout=HOLD).events] == [True]


def test_presence_that_was_not_heard_is_found_by_the_clock(room: Room) -> None:
    poll = room.parked(room.cursor())
    with gevent.Timeout(HOLD):  # bob's own coming, once written, would find ann's by itself
        while room.bob not in room.node.store.present_in(room.node.worker):
            gevent.sleep(0.005)
    other = build_node(room.node.settings)
    other.start()
    other.committer.submit(lambda tx: tx.come(room.ann, "elsewhere"))
    other.stop()
    assert not poll.ready()
    room.node.hub.missed(None)
    assert [b'"name":"ann"' in event for event in poll.get(timeout=HOLD).events] == [True]


def test_what_one_poll_reads_up_wakes_those_that_are_parked(room: Room) -> None:
    """The client's other poll got the entry from another worker; this worker's doorbell is late."""
    cursor = room.cursor()
    poll = room.parked(cursor)
    other = build_node(room.node.settings)
    other.start()
    other.committer.submit(lambda tx: tx.add_message(room.talk, room.ann, "ann", "late ring", "other", NOW))
    other.stop()
    assert room.poll(cursor._replace(number=cursor.number + 1), hold=0).events == []
    assert texts(poll.get(timeout=HOLD)) == ["late ring"]


def test_the_end_of_a_hold_looks_into_the_database(room: Room) -> None:
    """Whoever should have rung may have died."""
    cursor = room.poll(room.cursor(), hold=0.01).cursor
    other = build_node(room.node.settings)
    other.start()
    other.committer.submit(lambda tx: tx.add_message(room.talk, room.ann, "ann", "never rung", "other", NOW))
    other.stop()
    assert texts(room.poll(cursor, hold=0.1)) == ["never rung"]


def test_an_answer_has_a_size_and_the_rest_comes_with_the_next(room: Room) -> None:
    cursor = room.cursor()
    for _ in range(40):
        room.send("😀" * 4000)
    sizes = []
    while (answer := room.poll(cursor, hold=0)).events:
        sizes.append(sum(map(len, answer.events)))
        cursor = answer.cursor
    assert max(sizes) <= 64 * 1024
    assert cursor.number == room.cursor().number


def test_who_waits_for_the_opening_and_logs_out_meanwhile_gets_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = room.cursor()
    tablet = room.another_session(room.bob)
    # The doorbell is broken in these tests and does not make anybody wait; a real one does.
    monkeypatch.setattr(room.node.bus, "subscribe", lambda _: gevent.sleep(0.2))
    opener, waiter = room.parked(cursor, 0), room.parked(cursor, 0, session=tablet)
    gevent.sleep(0.05)
    room.node.accounts.log_out(tablet)
    with pytest.raises(NotLoggedIn):
        waiter.get(timeout=HOLD)
    room.send("for the phone alone")
    assert texts(opener.get(timeout=HOLD)) == ["for the phone alone"]
