"""The doorbell: tells the workers that poll for a user that something is new, and carries it along.

It may break at any moment, and nothing else breaks with it: whatever it must not lose is in the database
already, numbered, so that a lost ring shows as a gap. `webchat.data.bus_redis` is the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from webchat.entities.feed import Alarm, Entry, Murmur, Revocation, Ring, Whisper
from webchat.tally import Tally


class Listener(Protocol):
    """Who is told what the doorbell heard, on the event loop."""

    def deliver(self, rings: Iterable[Ring]) -> None:
        """Must not block."""

    def missed(self, users: Iterable[int] | None) -> None:
        """Rings for these users (None: for anybody) may be lost: look into the database. On a greenlet of its own."""


class Bus(Protocol):
    """One worker's doorbell. `round_trips`: seconds from ringing itself until it heard that."""

    round_trips: Tally

    @property
    def deaf(self) -> bool:
        """True while this worker cannot hear what it rings itself."""

    def start(self, listener: Listener) -> None: ...

    def stop(self) -> None: ...

    def ring(self, rings: Sequence[Ring]) -> None:
        """Send to whoever listens. Neither blocks nor raises; what cannot be sent may be dropped."""

    def subscribe(self, user: int) -> None:
        """Hear the user's rings. Returns once that is confirmed: what is committed later will be heard.

        Where the confirmation stays away, returns after a short wait all the same; when it comes at last,
        `Listener.missed` is told.
        """

    def unsubscribe(self, user: int) -> None: ...


def encode(ring: Ring) -> bytes:
    """`E<number> <device> <event>`, `W<mark>`, `M<event>`, `R<session>` or `A`; the user is the channel."""
    match ring:
        case Entry(_, number, event, device):
            return b"E%d %b %b" % (number, device.encode(), event)
        case Whisper(_, mark):
            return b"W%d" % mark
        case Murmur(_, event):
            return b"M%b" % event
        case Revocation(_, session):
            return b"R%d" % session
        case Alarm():
            return b"A"


def decode(user: int, payload: bytes) -> Ring:
    """The inverse of `encode`. Raises ValueError for anything else."""
    kind, rest = payload[:1], payload[1:]
    if kind == b"E":
        number, device, event = rest.split(b" ", 2)
        return Entry(user, int(number), event, device.decode())
    if kind == b"W":
        return Whisper(user, int(rest))
    if kind == b"M":
        return Murmur(user, rest)
    if kind == b"R":
        return Revocation(user, int(rest))
    if payload == b"A":
        return Alarm(user)
    raise ValueError(f"not a ring: {payload[:20]!r}")
