"""Whatever happens, in whatever order, a client's feed has no hole and no double: the hub as a state machine.

Messages are committed elsewhere, and their rings come late, twice, in another order or never. Clients poll,
park, vanish and are logged out; mailboxes linger out; the worker drains and gets a successor.
"""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import gevent
import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.contracts.store_contract import NOW, two_friends, writing
from webchat.data.bus_redis import ringer
from webchat.data.database import prepare
from webchat.data.engine_sqlite import SqliteEngine
from webchat.entities.feed import Cursor, Revocation, Ring
from webchat.entities.people import Session
from webchat.errors import NotLoggedIn
from webchat.logic import passwords
from webchat.logic.hub import READ_MAX
from webchat.logic.mailbox import TAIL_MAX, Wake
from webchat.logic.poll import Answer
from webchat.node import Node, build_node
from webchat.settings import Settings

HOLD = 600.0  # seconds: nothing here waits for the end of a hold
CLIENTS_MAX = 6
BURST = max(READ_MAX, TAIL_MAX) + 2  # more than a mailbox keeps and than is read at once
LINGER = 0.001  # seconds
PATIENCE = 10.0  # seconds that whoever can run may take; it takes a thousandth

which = st.integers(min_value=0, max_value=999)  # one of so many, whatever their number


class Tab:
    """A client: its session, how far it has come, and its parked poll, if there is one."""

    def __init__(self, session: Session, digest: bytes, cursor: Cursor) -> None:
        self.session = session
        self.digest = digest
        self.cursor = cursor
        self.begun = cursor.number
        self.poll: gevent.Greenlet | None = None
        self.hang_up: Callable[[], None] | None = None  # while the poll is parked
        self.vanished = False
        self.over = False  # its session has ended in the database,
        self.told = False  # and this has been rung

    def take(self, answer: Answer) -> None:
        """What a client does with an answer; all that a feed holds here is messages, and the friend's presence."""
        assert not answer.reset, "its cursor was never wrong"
        told = [event for event in answer.events if b'"type":"message"' in event]
        numbers = [int(event.partition(b'"text":"')[2].partition(b'"')[0]) for event in told]
        begin = self.cursor.number + 1
        assert numbers == list(range(begin, begin + len(numbers))), "no hole, no double, in order"
        assert answer.cursor.number == self.cursor.number + len(numbers)
        self.cursor = answer.cursor


class HubMachine(RuleBasedStateMachine):
    """See the module."""

    @initialize()
    def open(self) -> None:
        self.cleanup = contextlib.ExitStack()
        folder = self.cleanup.enter_context(tempfile.TemporaryDirectory())
        self.settings = Settings(data=folder, redis_url=f"unix://{folder}/nobody.sock", linger=LINGER)
        prepare(self.settings)
        self.elsewhere = SqliteEngine(Path(folder) / "webchat.db")
        self.cleanup.callback(self.elsewhere.close)
        self.ann, self.bob, self.talk = two_friends(self.elsewhere)
        self.names = {self.ann: "ann", self.bob: "bob"}
        self.top = 0  # messages committed
        self.rings: list[Ring] = []  # on their way
        self.tabs: list[Tab] = []
        self.node = self._start()
        for user in (self.bob, self.bob, self.ann):
            self._log_in(user)

    def teardown(self) -> None:
        """In the end everybody who is still logged in has everything."""
        try:
            self.node.hub.missed(None)
            self._settle()
            self.drain()
            for tab in self.tabs:
                while not tab.over and tab.cursor.number < self.top:
                    tab.take(self._poll(tab, 0))
        finally:
            self.node.stop()
            self.cleanup.close()

    # --- what happens

    @rule(by=st.booleans(), count=st.sampled_from([1, 1, 1, 2, 5, BURST]))
    def commit(self, by: bool, count: int) -> None:
        sender = self.ann if by else self.bob
        with writing(self.elsewhere) as tx:
            for _ in range(count):
                self.top += 1
                tx.add_message(self.talk, sender, self.names[sender], f"{self.top}", f"c{self.top}", NOW)
        self.rings += tx.rings

    @precondition(lambda self: self.rings)
    @rule(index=which, again=st.booleans(), count=st.sampled_from([1, 1, 3, BURST]))
    def deliver(self, index: int, again: bool, count: int) -> None:
        """Rings come, from anywhere in the queue; some of them come again later."""
        start = index % len(self.rings)
        heard = self.rings[start : start + count]
        if not again:
            del self.rings[start : start + count]
        for ring in heard:
            for tab in self.tabs:
                tab.told |= isinstance(ring, Revocation) and ring.session == tab.session.id
        self.node.hub.deliver(heard)
        self._settle()

    @precondition(lambda self: self.rings)
    @rule(index=which, count=st.sampled_from([1, 3, BURST]))
    def lose(self, index: int, count: int) -> None:
        start = index % len(self.rings)
        del self.rings[start : start + count]

    @rule(index=which)
    def poll(self, index: int) -> None:
        tab = self._one(index)
        if tab.poll is None and not tab.over:
            before = tab.cursor.number
            answer = self._poll(tab, 0)
            tab.take(answer)
            assert answer.ended is None
            assert tab.cursor.number >= before
            self._settle()

    @rule(index=which)
    def park(self, index: int) -> None:
        tab = self._one(index)
        if tab.poll is None and not tab.over:
            tab.poll = gevent.spawn(self._parked, tab)
            self._settle()

    @rule(index=which)
    def vanish(self, index: int) -> None:
        """A client closes its connection in mid-poll, and may come back with the cursor that it has."""
        tab = self._one(index)
        if tab.hang_up is not None:
            tab.vanished = True
            tab.hang_up()
            self._settle()
            assert tab.poll is None

    @precondition(lambda self: len(self.tabs) < CLIENTS_MAX)
    @rule(is_ann=st.booleans())
    def log_in(self, is_ann: bool) -> None:
        self._log_in(self.ann if is_ann else self.bob)

    @rule(index=which)
    def log_out(self, index: int) -> None:
        """Elsewhere: here it is heard of late, or never."""
        tab = self._one(index)
        if not tab.over:
            with writing(self.elsewhere) as tx:
                tx.end_session(tab.session.user, tab.session.id)
            self.rings += tx.rings
            tab.over = True

    @rule(index=which)
    def poll_that_was_let_in_before_the_end(self, index: int) -> None:
        """Its session was looked up a moment before it ended, and its poll is the one that opens the mailbox."""
        tab = self._one(index)
        if tab.told and tab.poll is None and tab.session.user not in self.node.hub.users():
            with pytest.raises(NotLoggedIn):
                self._poll(tab, 0)
            self._settle()

    @rule()
    def missed(self) -> None:
        """The clock."""
        held = [tab for tab in self.tabs if tab.poll is not None]
        self.node.hub.missed(None)
        self._settle()
        for tab in held:
            if tab.over:
                assert tab.poll is None, "the poll of a session that is over has ended"
            elif tab.poll is not None:
                assert tab.cursor.number == self.top, "who still waits has everything"

    @rule()
    def sweep(self) -> None:
        gevent.sleep(2 * LINGER)
        held = {tab.session.user for tab in self.tabs if tab.poll is not None}
        self.node.hub.sweep()
        assert self.node.hub.users() == held
        self._settle()

    @rule()
    def drain(self) -> None:
        """The worker stops: everybody is answered. Another one takes its place, and all go on with their cursors."""
        self.node.drain()
        self._settle()
        assert all(tab.poll is None for tab in self.tabs)
        assert self.node.hub.parked == 0
        self.node.stop()
        self.node = self._start()

    # --- what is always true

    @invariant()
    def no_parked_poll_is_leaked(self) -> None:
        held = [tab for tab in self.tabs if tab.poll is not None]
        assert self.node.hub.parked == len(held)
        assert self.node.hub.users() >= {tab.session.user for tab in held}

    @invariant()
    def nobody_is_parked_whose_end_was_heard(self) -> None:
        assert not any(tab.poll is not None and tab.told for tab in self.tabs)

    @invariant()
    def nobody_knows_more_than_was_committed(self) -> None:
        assert all(tab.begun <= tab.cursor.number <= self.top for tab in self.tabs)

    # --- how

    def _start(self) -> Node:
        node = build_node(self.settings)
        node.start()
        return node

    def _log_in(self, user: int) -> None:
        digest = secrets.token_bytes(32)
        with writing(self.elsewhere) as tx:
            tx.add_session(user, digest, 2 * NOW)
        session = self.node.store.session(digest, NOW)
        assert session is not None
        self.tabs.append(Tab(session, digest, self.node.hub.cursor(user)))

    def _one(self, index: int) -> Tab:
        return self.tabs[index % len(self.tabs)]

    def _poll(self, tab: Tab, hold: float) -> Answer:
        @contextlib.contextmanager
        def watch(gone: Callable[[], None]) -> Iterator[None]:
            tab.hang_up = gone
            try:
                yield
            finally:
                tab.hang_up = None

        return self.node.hub.poll(tab.session, tab.cursor, hold, watch)

    def _parked(self, tab: Tab) -> Answer | NotLoggedIn:
        try:
            return self._poll(tab, HOLD)
        except NotLoggedIn as error:
            return error

    def _settle(self) -> None:
        """Let everybody run who can, and take the answers."""
        with gevent.Timeout(PATIENCE):
            for _ in range(2):
                # Who comes and goes is written in the background; it wakes friends, whose mailboxes are open then.
                self.node.committer.submit(lambda _: None)
                gevent.sleep(0.0005)  # whole turns of the loop, so that timers run as well
                gevent.idle()
            while any(tab.poll and not tab.poll.ready() and tab.hang_up is None for tab in self.tabs):
                gevent.sleep(0.0005)  # it is still on its way
        for tab in self.tabs:
            if tab.poll is not None and tab.poll.ready():
                answer = tab.poll.get()
                tab.poll = None
                if isinstance(answer, NotLoggedIn):
                    assert tab.over, "it was still logged in"
                elif tab.vanished:
                    assert answer.ended is Wake.GONE
                else:
                    assert not tab.told, "who has logged out gets nothing"
                    tab.take(answer)
                    assert answer.events or answer.ended is Wake.DRAIN, "nobody is woken for nothing"
                tab.vanished = False


def test_no_order_of_events_makes_a_hole_or_leaks_a_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """`settings` with more examples for a long run."""
    monkeypatch.setattr(ringer, "LAST_RINGS", 0.01)  # nobody is there to take them
    # A worker's first act is a hash; here nobody has a password, and workers come and go by the hundred.
    monkeypatch.setattr(passwords, "PasswordHasher", partial(PasswordHasher, time_cost=1, memory_cost=64))
    run_state_machine_as_test(
        HubMachine,
        settings=settings(
            max_examples=5, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
