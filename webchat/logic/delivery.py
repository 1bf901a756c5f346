"""How long messages are on their way: from their acceptance to the answer of a poll that one woke, perhaps elsewhere.

By the clocks of both hosts, and to the millisecond, as a message knows when it was accepted.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

TIMED = 16  # one wake in so many is timed: it costs a look into the message
_NEW_MESSAGE = b'{"type":"message",'  # how a `MessageEvent` begins


class _Accepted(msgspec.Struct):
    sent_at: datetime


class _Told(msgspec.Struct):
    """Of a `MessageEvent`, as much as tells when its message was accepted."""

    message: _Accepted


_decode = msgspec.json.Decoder(_Told).decode


def taken(event: bytes, now: int) -> float | None:
    """Seconds from the acceptance of the event's message until `now` (Unix ms); None where it tells of no new one."""
    if not event.startswith(_NEW_MESSAGE):
        return None
    return max(0.0, now / 1000 - _decode(event).message.sent_at.timestamp())
