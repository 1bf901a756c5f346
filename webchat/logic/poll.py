"""One poll on its way through the hub.

    look, wait, look again

It holds no greenlet while it waits: `look` returns nothing, and calls back when it is time to look again. Whoever can
hold a request without a greenlet does so (`webchat.web.held`); whoever cannot waits for the call (`Hub.poll`).

A question to the database may yield, and the poll may be woken meanwhile: so it rests only in the same breath in which
it has found nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from webchat.entities.feed import Cursor
from webchat.entities.people import Session
from webchat.errors import NotLoggedIn
from webchat.logic.mailbox import Mailbox, Parked, Wake
from webchat.logic.murmurs import still
from webchat.logic.sessions import OVER

if TYPE_CHECKING:
    from webchat.logic.hub import Hub


class Answer(NamedTuple):
    """What a poll is answered: `cursor` to go on from, `events` as encoded JSON."""

    cursor: Cursor
    events: list[bytes]
    reset: bool = False
    ended: Wake | None = None


class Poll:
    """See the module. `look` until there is an answer or an error; whatever comes, `leave` in the end."""

    __slots__ = ("_box", "_cursor", "_device", "_hold", "_hub", "_parked", "_session")

    def __init__(self, hub: Hub, session: Session, cursor: Cursor, hold: float, device: str) -> None:
        self._hub = hub
        self._session = session
        self._cursor = cursor
        self._hold = hold
        self._device = device
        self._box: Mailbox | None = None
        self._parked: Parked | None = None

    def look(self, wake: Callable[[], object]) -> Answer | None:
        """The answer; None where there is none yet: then `wake` is called once, when it is time to look again.

        `wake` may be called from anywhere on the event loop's thread, and must not switch. Raises what `Hub.poll` does.
        """
        parked = self._parked
        answer = self._begin() if parked is None else self._again(parked)
        if answer is None and self._parked is not None:
            self._parked.call = wake
        return answer

    def gone(self) -> None:
        """The client has left."""
        if self._parked is not None:
            self._parked.wake(Wake.GONE)

    def leave(self) -> None:
        """Give the place free."""
        box, parked = self._box, self._parked
        self._box = self._parked = None
        if box is not None:
            if parked is not None:
                self._hub.unpark(box, parked)
            self._hub.exit(box)

    def _begin(self) -> Answer | None:
        hub, session, cursor = self._hub, self._session, self._cursor
        hub.counters.polls += 1
        if not hub.knows(cursor, session):
            return hub.reset(session.user)
        self._box = box = hub.enter(session)
        while True:
            # A cursor beyond the top is no news, but has to be looked into.
            quiet = cursor.number <= box.top and not box.has_news(cursor.number, cursor.mark, self._device)
            if quiet and self._hold > 0 and not hub.draining and not box.murmurs:
                self._cursor = cursor
                self._parked = hub.park(box, session, self._hold, self._device)
                return None
            answer = hub.look(box, cursor)
            check_session(box, session)
            if box.murmurs:
                answer.events[:0] = still(box.take_murmurs(hub.clock()), answer.events)
            if hub.draining:
                return answer._replace(ended=Wake.DRAIN)
            if answer.events or answer.reset or self._hold <= 0:
                return answer
            cursor = answer.cursor

    def _again(self, parked: Parked) -> Answer | None:
        box, session = self._box, self._session
        if box is None:
            raise AssertionError("who is parked is in a mailbox")
        while parked.woken:
            parked.woken = False
            over = parked.over
            if over:
                box.stale = True  # once in a hold, look into the database, whatever the doorbell brings
            check_session(box, session)
            if parked.reason is Wake.GONE:
                return Answer(self._cursor, [], ended=Wake.GONE)
            answer = self._hub.look(box, self._cursor)
            check_session(box, session)
            if parked.heard:
                answer.events[:0] = still(parked.heard, answer.events)
            if answer.events or answer.reset or parked.reason or over:
                self._hub.count_wake(answer)
                return answer._replace(ended=parked.reason) if parked.reason else answer
            self._cursor = answer.cursor
        return None


def check_session(box: Mailbox, session: Session) -> None:
    """Raises NotLoggedIn where the session ended before its poll came, or while it was here."""
    if session.id in box.revoked:
        raise NotLoggedIn(OVER)
