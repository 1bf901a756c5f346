"""The hub: this worker's mailboxes. It parks polls, and wakes them when the doorbell rings.

A poll (`webchat.logic.poll`) finds the user's mailbox or opens it: subscribe, *wait for the confirmation*, then read
the feed's top, so that whatever is committed later is heard. It looks; where there is nothing new it parks, and looks
again when it is woken. A mailbox lingers after its last poll, so that the next one costs neither Redis nor
the database.

A question to the database may yield: rings come, other polls look, sessions end before the answer is there.
So a mailbox listens before it asks, and stays while somebody looks into it.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

import structlog
from gevent.event import AsyncResult, Event

from webchat.data.bus import Bus
from webchat.data.feeds import Feeds
from webchat.entities.feed import Cursor, Entry, Murmur, Revocation, Ring, Whisper, encode
from webchat.entities.people import Session
from webchat.errors import NotLoggedIn, Unavailable
from webchat.logic import delivery
from webchat.logic.clock import Clock
from webchat.logic.delivery import TIMED
from webchat.logic.mailbox import Mailbox, Parked, Put, Wake
from webchat.logic.poll import Answer, Poll, check_session
from webchat.logic.sessions import OVER
from webchat.tally import Tally

# Of one answer; a client that is further behind polls again. A client that asks and does not read costs
# this much memory on each of its connections.
ANSWER_MAX = 64 * 1024  # bytes, but always one event
READ_MAX = 100  # entries read at once

# Entered while a poll is parked; calls its argument when the client has left.
Watch = Callable[[Callable[[], None]], contextlib.AbstractContextManager[object]]

log = structlog.get_logger()


class Residents(Protocol):
    """Who wants to know that users come to, and go from, this worker."""

    def come(self, user: int, mark: int) -> None:
        """`mark`: the last presence change that the user's mailbox knows of."""

    def go(self, user: int) -> None: ...


class Limits(NamedTuple):
    """`linger` in seconds; the others are numbers of parked polls."""

    linger: float
    per_session: int
    per_user: int
    per_worker: int


class Counters:
    """What the hub counts, for `/metrics`."""

    __slots__ = ("delivery", "gaps", "late_rings", "polls", "resets", "wakes")

    def __init__(self) -> None:
        self.polls = self.wakes = self.gaps = self.resets = self.late_rings = 0
        self.delivery = Tally()  # seconds, of one wake in `TIMED`


class Hub:
    """See the module. All methods run on the event loop."""

    def __init__(
        self,
        feeds: Feeds,
        bus: Bus,
        epoch: str,
        limits: Limits,
        now: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._feeds = feeds
        self._bus = bus
        self._epoch = epoch
        self._limits = limits
        self._now = now
        self.clock = clock
        self._holds = Clock(clock)
        self._boxes: dict[int, Mailbox] = {}
        self._idle: dict[Mailbox, None] = {}  # those without visitors, the longest idle first
        self._opening: dict[int, AsyncResult] = {}
        self._mark = self._given = feeds.presence_mark()  # looked into up to this one; the highest that we know of
        self.residents: Residents | None = None
        self.unsure = False  # rings may be lost, and the database could not be asked for them
        self._looking = self._look_again = False
        self.parked = 0
        self.draining = False
        self.counters = Counters()

    @property
    def places(self) -> int:
        """How many polls may be parked here."""
        return self._limits.per_worker

    # --- polling ---

    def poll(self, session: Session, cursor: Cursor, hold: float, watch: Watch, device: str = "") -> Answer:
        """What comes after `cursor`; waits for it up to `hold` seconds.

        Whether the session lives is asked once for each mailbox; then its end is heard, or found by the clock.
        What `device` has sent itself is no reason to answer (but part of the answer). `watch(gone)` is entered while
        the poll is parked and calls `gone` when the client has left. Raises NotLoggedIn when the session ends
        meanwhile, Unavailable where too many polls are parked or the database does not answer.
        """
        poll = self.begin(session, cursor, hold, device)
        bell = Event()
        try:
            answer = poll.look(bell.set)
            if answer is None:
                with watch(poll.gone):
                    while answer is None:
                        bell.wait()
                        bell.clear()
                        answer = poll.look(bell.set)
            return answer
        finally:
            poll.leave()

    def begin(self, session: Session, cursor: Cursor, hold: float, device: str = "") -> Poll:
        """The same, for whoever can wait without a greenlet."""
        return Poll(self, session, cursor, hold, device)

    # --- what a poll asks of its hub ---

    def knows(self, cursor: Cursor, session: Session) -> bool:
        """Whether this feed can go on from there. Raises NotLoggedIn where it cannot, and the session is over."""
        if cursor.epoch == self._epoch and cursor.user == session.user and self._was_given(cursor.mark):
            return True
        if not self._lives(session):
            raise NotLoggedIn(OVER)
        return False

    def enter(self, session: Session) -> Mailbox:
        """The user's mailbox; it stays until `exit`, or until the session ends."""
        box, opened = self._boxes.get(session.user), False
        while box is None or session.user in self._opening:
            box, opened = self._open(session.user), True
            if self._boxes.get(session.user) is not box:
                box = None  # another poll opened it, and it was closed again before our turn came
        if not box.visitors:
            self._idle.pop(box, None)
        box.visitors += 1
        try:
            check_session(box, session)
            if opened or session.id not in box.sessions:
                # From now on its end will be heard. Whether it is over already, nobody has asked yet.
                box.admit(session.id)
                if not self._lives(session):
                    box.revoke(session.id)
                check_session(box, session)
        except BaseException:
            self.exit(box)
            raise
        return box

    def _lives(self, session: Session) -> bool:
        return bool(self._feeds.living_sessions([session.id], self._now()))

    def exit(self, box: Mailbox) -> None:
        box.visitors -= 1
        box.polled_at = self.clock()
        if self._boxes.get(box.user) is box:
            if not box.sessions:
                self._close(box)  # the session was over before it came
            elif not box.visitors:
                self._idle[box] = None

    def park(self, box: Mailbox, session: Session, hold: float, device: str) -> Parked:
        """A place in the mailbox, until `unpark`. Raises Unavailable where all are taken."""
        if self.parked >= self._limits.per_worker:
            raise Unavailable("this server holds as many polls as it can", code="too_many_polls", retry_after=2)
        parked = box.park(session.id, self._limits.per_session, self._limits.per_user, device)
        self.parked += 1
        self._holds.add(parked, hold)
        return parked

    def unpark(self, box: Mailbox, parked: Parked) -> None:
        self.parked -= 1
        self._holds.discard(parked)
        box.leave(parked)

    def look(self, box: Mailbox, cursor: Cursor) -> Answer:
        """What the mailbox, or else the database, has after the cursor. Does not wait for news."""
        # A number beyond the top is no lie yet: another worker may have told the client what this one has
        # not heard of.
        if box.stale or cursor.number > box.top:
            self._catch_up(box)
        if cursor.number > box.top:
            return self.reset(box.user)
        events = box.after(cursor.number)
        if events is None:
            entries = self._feeds.entries(box.user, cursor.number, READ_MAX)
            if not entries or entries[0].number != cursor.number + 1:
                return self.reset(box.user)
            events = [entry.event for entry in entries]
        events = _fitting(events)
        number, mark = cursor.number + len(events), cursor.mark
        if box.mark > mark:
            mark = self._presence_mark()  # before the changes: what comes in between is told again
            events += [encode(event) for event in self._feeds.presence_since(cursor.mark, box.user)]
        return Answer(cursor._replace(number=number, mark=mark), events)

    def _catch_up(self, box: Mailbox) -> None:
        """Read what the doorbell did not bring."""
        box.stale = False  # before the read: a gap that shows while it runs makes it stale again
        try:
            entries = self._feeds.entries(box.user, box.top, READ_MAX)
            while entries:
                box.extend(entries)
                entries = self._feeds.entries(box.user, box.top, READ_MAX) if len(entries) == READ_MAX else []
        except Unavailable:
            box.stale = self.unsure = True
            raise

    def reset(self, user: int) -> Answer:
        self.counters.resets += 1
        top = self._feeds.bounds(user).last
        return Answer(Cursor(self._epoch, user, top, self._presence_mark()), [], reset=True)

    def cursor(self, user: int) -> Cursor:
        """Where a snapshot's feed goes on; read it before, or in one transaction with, the data."""
        return Cursor(self._epoch, user, self._feeds.bounds(user).last, self._presence_mark())

    def _was_given(self, mark: int) -> bool:
        """Whether there is such a presence mark. What another worker may have told, the database knows.

        Whoever came with a mark of the future would be accepted for ever, and never hear of anybody's coming.
        """
        return mark <= self._given or mark <= self._presence_mark()

    def _presence_mark(self) -> int:
        mark = self._feeds.presence_mark()
        self._given = max(self._given, mark)
        return mark

    def count_wake(self, answer: Answer) -> None:
        """A parked poll was answered."""
        self.counters.wakes += 1
        if not self.counters.wakes % TIMED and answer.events:
            seconds = delivery.taken(answer.events[0], self._now())
            if seconds is not None:
                self.counters.delivery.add(seconds)

    # --- mailboxes ---

    def _open(self, user: int) -> Mailbox:
        """Open the user's mailbox; polls that come while it is being opened wait for the first one's work."""
        opening = self._opening.get(user)
        if opening is not None:
            box: Mailbox = opening.get()
            return box
        opening = self._opening[user] = AsyncResult()
        # From now on it gets what is rung, though it cannot know yet what that follows.
        box = self._boxes[user] = Mailbox(user, 0, 0)
        try:
            self._bus.subscribe(user)
            box.opened(self._feeds.bounds(user).last, self._feeds.presence_mark())
        except BaseException as error:
            del self._boxes[user]
            self._bus.unsubscribe(user)
            opening.set_exception(error)
            raise
        finally:
            del self._opening[user]
        opening.set(box)
        if self.residents is not None:
            self.residents.come(user, box.mark)
        return box

    def _close(self, box: Mailbox) -> None:
        del self._boxes[box.user]
        self._idle.pop(box, None)
        self._bus.unsubscribe(box.user)
        if self.residents is not None:
            self.residents.go(box.user)

    def sweep(self) -> None:
        """Close the mailboxes whose last poll was longer ago than they linger."""
        before = self.clock() - self._limits.linger
        for box in list(itertools.takewhile(lambda box: box.polled_at < before, self._idle)):
            self._close(box)

    @property
    def mailboxes(self) -> int:
        return len(self._boxes)

    def users(self) -> set[int]:
        """The users with a mailbox here."""
        return set(self._boxes)

    # --- the doorbell's listener ---

    def deliver(self, rings: Iterable[Ring]) -> None:
        """Put rings, heard from the doorbell or just committed here, into their mailboxes."""
        for ring in rings:
            box = self._boxes.get(ring.user)
            if box is None:
                continue
            match ring:
                case Entry(_, number, event, device):
                    if box.put(number, event, device) is Put.GAP:
                        self.counters.gaps += 1
                case Whisper(_, mark):
                    box.hint(mark)
                case Murmur(_, event):
                    box.murmur(event, self.clock())
                case Revocation(_, session):
                    self._revoke(box, session)

    def look_all_the_same(self) -> None:
        """Nothing seems to be lost, but whoever should have rung may have died first: one question for everybody."""
        self._ask_for(list(self._boxes))

    def missed(self, users: Iterable[int] | None) -> None:
        """Rings may be lost: ask the database for all these mailboxes at once (None: every one)."""
        if users is not None:
            self._ask_for(users)
            return
        # Many may call for it at once; what is lost from now on is found by the next round.
        self._look_again = True
        if self._looking:
            return
        self._looking = True
        try:
            while self._look_again:
                self._look_again = self.unsure = False
                if self._ask_for(list(self._boxes)):
                    self._end_dead_sessions()
        except Unavailable as error:
            log.warning("could not look for ended sessions", error=error.detail)
            self.unsure = True
        finally:
            self._looking = False

    def _ask_for(self, users: Iterable[int]) -> bool:
        """Whether the database could be asked."""
        boxes = [self._boxes[user] for user in users if user in self._boxes]
        try:
            tops = self._feeds.tops(box.user for box in boxes)
            for box in boxes:
                if box.user in self._opening:
                    box.stale = True
                elif tops.get(box.user, 0) > box.top:
                    box.miss()
                    self.counters.late_rings += 1
            self._missed_presence()
            return True
        except Unavailable as error:
            log.warning("could not look for missed rings", error=error.detail)
            self.unsure = True  # the clock asks again
            for box in boxes:
                box.stale = True  # whoever looks next reads the database; nobody is woken to fail
            return False

    def _missed_presence(self) -> None:
        mark = self._feeds.presence_mark()
        if mark > self._mark:
            for user in self._feeds.affected_since(self._mark) & self._boxes.keys():
                self._boxes[user].hint(mark)
            self._mark = max(self._mark, mark)

    def _end_dead_sessions(self) -> None:
        """End the polls of sessions that are over, in case that was not heard either."""
        polling = {session: box for box in self._boxes.values() for session in box.sessions}
        for session in polling.keys() - self._feeds.living_sessions(polling, self._now()):
            self._revoke(polling[session], session)

    def _revoke(self, box: Mailbox, session: int) -> None:
        # Visitors have named their sessions: if none is left, all of them are about to leave.
        if box.revoke(session) and self._boxes.get(box.user) is box and box.user not in self._opening:
            self._close(box)

    # --- the end ---

    def drain(self) -> None:
        """Answer every parked poll now, with what it has; from now on none is parked."""
        self.draining = True
        for box in self._boxes.values():
            for parked in list(box.parked):
                parked.wake(Wake.DRAIN)


def _fitting(events: list[bytes]) -> list[bytes]:
    """As many of the first events as fit into one answer, but at least one."""
    size = 0
    for count, event in enumerate(events):
        size += len(event)
        if size > ANSWER_MAX and count:
            return events[:count]
    return events
