"""A mailbox: the tail of one user's feed in one worker, and who is parked on it. No I/O, no clock.

The law: `top` is the highest number that this worker knows of, and `tail` holds the entries that lead up
to it without a gap.

    put(n)      n == top + 1    append, wake                  APPENDED
                n <= top        known already: drop           KNOWN
                n >  top + 1    a ring was lost: do not guess GAP (the mailbox is now `stale`)

A stale mailbox is mended by whoever looks next, from the database (`extend`).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable

from webchat.entities.feed import Entry
from webchat.logic.murmurs import still

LEFT = b'{"type":"left"'  # how such an event begins
MURMUR_KEPT = 6.0  # seconds that a murmur waits for a poll that is between two requests
MURMURS_MAX = 16  # that wait at the same time; more are not worth their memory
NOBODY: frozenset[int] = frozenset()
TAIL_MAX = 128  # entries; a client that is further behind reads the database


class Put(enum.Enum):
    """What became of an entry."""

    APPENDED = enum.auto()
    KNOWN = enum.auto()
    GAP = enum.auto()


class Wake(enum.Enum):
    """Why a parked poll must end even without news."""

    EVICTED = "evicted"  # newer polls of the same session or user took its place
    REVOKED = "revoked"  # its session is over
    GONE = "gone"  # its client has closed the connection
    DRAIN = "drain"  # the worker is about to stop


class Parked:
    """One poll that waits. `device`: its own messages are no news to it.

    `call` is called once, when it is woken: whoever parked it looks again then. `over`: the hold is, at the clock's
    tick `due`. `heard`: murmurs for it.
    """

    __slots__ = ("call", "device", "due", "heard", "over", "reason", "session", "woken")

    def __init__(self, session: int, device: str = "") -> None:
        self.session = session
        self.device = device
        self.heard: tuple[bytes, ...] = ()
        self.reason: Wake | None = None
        self.woken = False
        self.over = False
        self.due = 0
        self.call: Callable[[], object] | None = None

    def wake(self, reason: Wake | None = None) -> None:
        """Let it look again; a `reason` ends it."""
        self.reason = self.reason or reason
        if not self.woken:
            self.woken = True
            call, self.call = self.call, None
            if call is not None:
                call()

    def expire(self) -> None:
        """Its hold is over: let it look once more, and end."""
        self.over = True
        self.wake()


class Mailbox:
    """See the module. `top` and `mark`: the feed's last number and the last presence mark when it was opened."""

    __slots__ = (
        *("mark", "murmurs", "parked", "polled_at", "revoked", "sessions", "stale", "tail", "top", "user"),
        "visitors",
    )

    def __init__(self, user: int, top: int, mark: int) -> None:
        self.user = user
        self.top = top
        self.mark = mark  # of the last presence change that concerns this user, as far as we have heard
        self.murmurs: tuple[tuple[float, bytes], ...] = ()  # (when it came, event) for the next poll
        self.stale = False
        self.tail: list[tuple[bytes, str]] = []  # events, and the devices that made them
        self.parked: list[Parked] = []  # oldest first
        self.visitors = 0  # polls under way, parked or not: while there are any, it does not linger out
        self.polled_at: float = 0.0  # when the last poll ended
        self.sessions: tuple[int, ...] = ()  # those that polled here
        self.revoked = NOBODY  # those that are over: a poll already on its way must not park

    # --- news ---

    def put(self, number: int, event: bytes, device: str = "") -> Put:
        if number <= self.top:
            return Put.KNOWN
        if number > self.top + 1:
            self.miss()
            return Put.GAP
        self._append(number, event, device)
        self._wake(device)
        return Put.APPENDED

    def extend(self, entries: Iterable[Entry]) -> None:
        """Add what was read from the database; what is known is skipped."""
        for entry in entries:
            if entry.number > self.top + 1:
                self.tail.clear()  # older entries were trimmed meanwhile: the tail starts anew behind the hole
                self.top = entry.number - 1
            if entry.number == self.top + 1:
                self._append(entry.number, entry.event, entry.device)
        self._wake()  # whoever is parked with an older cursor: a ring that comes late is known by now

    def opened(self, top: int, mark: int) -> None:
        """What the database said of a mailbox that has been listening since before it was asked.

        Entries that came meanwhile did not know what they follow: `put` has made the mailbox stale by them.
        """
        if top > self.top:
            self.tail.clear()
            self.top = top
        self.mark = max(self.mark, mark)

    def miss(self) -> None:
        """A ring was, or may have been, lost: whoever looks next must read the database."""
        self.stale = True
        self._wake()

    def hint(self, mark: int) -> None:
        """A friend came or went: the database knows who. `mark` is at least that change's."""
        if mark > self.mark:
            self.mark = mark
            self._wake()

    def murmur(self, event: bytes, now: float) -> None:
        """Tell it to the polls that wait; where none does, to the next one, if that comes soon."""
        if not self.parked:
            fresh = [kept for kept in self.murmurs if kept[0] > now - MURMUR_KEPT and kept[1] != event]
            self.murmurs = (*fresh[-MURMURS_MAX + 1 :], (now, event))
        for parked in self.parked:
            if event not in parked.heard and len(parked.heard) < MURMURS_MAX:
                parked.heard += (event,)
                parked.wake()

    def take_murmurs(self, now: float) -> list[bytes]:
        """What waited for this poll, and is not too old."""
        kept, self.murmurs = self.murmurs, ()
        return [event for came, event in kept if came > now - MURMUR_KEPT]

    def _append(self, number: int, event: bytes, device: str) -> None:
        if event.startswith(LEFT):
            self.tail.clear()  # what was said in that group is not this user's any more: the database knows what is
        if self.murmurs:
            held = still([murmur for _, murmur in self.murmurs], (event,))
            self.murmurs = tuple(kept for kept in self.murmurs if kept[1] in held)
        self.tail.append((event, device))
        if len(self.tail) > TAIL_MAX:
            del self.tail[0]
        self.top = number

    def _wake(self, device: str = "") -> None:
        """Everybody who is parked, but the device that knows of it already."""
        for parked in self.parked:
            if not device or parked.device != device:
                parked.wake()

    # --- looking ---

    def has_news(self, number: int, mark: int, device: str = "") -> bool:
        """Whether there is, or may be, something after this cursor that this device has not made itself."""
        if self.stale or self.mark > mark:
            return True
        missing = self.top - number
        if missing <= 0:
            return False
        if not device or missing > len(self.tail):
            return True
        return any(self.tail[-back][1] != device for back in range(1, missing + 1))

    def after(self, number: int) -> list[bytes] | None:
        """The entries that follow `number` (≤ `top`); None where the tail does not reach back so far."""
        missing = self.top - number
        tail = self.tail
        if missing > len(tail):
            return None
        return [tail[-back][0] for back in range(missing, 0, -1)]

    # --- parking ---

    def park(self, session: int, per_session: int, per_user: int, device: str = "") -> Parked:
        """Admit one more poll; where a cap is passed, the oldest one has to go."""
        if self.parked:
            of_session = [parked for parked in self.parked if parked.session == session]
            if len(of_session) >= per_session:
                self._evict(of_session[0])
            elif len(self.parked) >= per_user:
                self._evict(self.parked[0])
        parked = Parked(session, device)
        self.parked.append(parked)
        self.admit(session)
        return parked

    def admit(self, session: int) -> None:
        """From now on this is one of those that poll here."""
        if session not in self.sessions:
            self.sessions += (session,)

    def leave(self, parked: Parked) -> None:
        if parked in self.parked:
            self.parked.remove(parked)

    def revoke(self, session: int) -> bool:
        """End this session's polls. True where it was the last session that polled here."""
        self.sessions = tuple(one for one in self.sessions if one != session)
        self.revoked |= {session}
        for parked in self.parked:
            if parked.session == session:
                parked.wake(Wake.REVOKED)
        return not self.sessions

    def _evict(self, parked: Parked) -> None:
        self.parked.remove(parked)
        parked.wake(Wake.EVICTED)
