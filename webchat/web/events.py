"""`/api/events`: the long poll. What comes after this cursor? If nothing yet: please hold the line."""

from __future__ import annotations

import random
from collections.abc import Callable

import falcon
import msgspec

from webchat.entities.feed import Cursor, Event
from webchat.entities.talk import DEVICE, DEVICE_MAX, DEVICE_PATTERN
from webchat.errors import Invalid
from webchat.logic.hub import Hub
from webchat.logic.mailbox import Wake
from webchat.logic.poll import Answer, Poll
from webchat.web.body import parameter
from webchat.web.guard import Guard
from webchat.web.hangup import watcher
from webchat.web.held import Finish, Held, can_hold
from webchat.web.operation import Parameter, operation

JITTER = 0.1  # of the hold: polls that were parked together must not come back together
HOLD_MAX = 60.0  # seconds
# Seconds that a client should wait: spread over a second when the worker stops (its siblings take them
# all), long when it holds more polls than it may (or its polls would evict one another for ever).
RETRY_DRAIN = (0.05, 1.0)
RETRY_EVICTED = (8.0, 12.0)

DEVICE_DOC = "this client's name for itself: a message sent under the same `device` does not end the poll"


class News(msgspec.Struct, omit_defaults=True):
    """The shape of an answer, for the documentation; `_encode` writes it."""

    cursor: str
    events: list[Event]
    reset: bool = False
    retry_in: float | None = None


class Events:
    """`hold`: seconds that a poll with no news is held."""

    def __init__(self, guard: Guard, hub: Hub, hold: float, finish: Finish) -> None:
        self._guard = guard
        self._hub = hub
        self._hold = hold
        self._finish = finish

    @operation(
        "Long poll: what comes after the cursor, as soon as it exists",
        answers={200: News},
        query=[
            Parameter("after", "the cursor of the snapshot or of the last answer", {"type": "string"}, True),
            Parameter("timeout", "seconds to wait; 0 answers at once", {"type": "number", "minimum": 0, "maximum": 60}),
            Parameter("device", DEVICE_DOC, {"type": "string", "pattern": DEVICE_PATTERN}),
        ],
        problems=(400, 401, 503),
    )
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        session = self._guard.claim(req)
        cursor = _cursor(req)
        what = session, cursor, self._timeout(req)
        device = _device(req)
        resp.content_type = falcon.MEDIA_JSON
        if can_hold(req):
            resp.stream = _HeldPoll(req, self._finish, self._hub.begin(*what, device))
        else:
            resp.data = _encode(self._hub.poll(*what, watcher(req.env), device))

    def _timeout(self, req: falcon.Request) -> float:
        text = parameter(req, "timeout")
        if text is None:
            return self._hold * random.uniform(1 - JITTER, 1 + JITTER)
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds <= HOLD_MAX:
            raise Invalid(f"timeout must be 0 to {HOLD_MAX:g} seconds", code="bad_timeout")
        return seconds


class _HeldPoll(Held):
    """A poll's answer, encoded."""

    __slots__ = ("_poll",)

    def __init__(self, req: falcon.Request, finish: Finish, poll: Poll) -> None:
        super().__init__(req, finish)
        self._poll = poll

    def find(self, wake: Callable[[], object]) -> bytes | None:
        found = self._poll.look(wake)
        return None if found is None else _encode(found)

    def gone(self) -> None:
        self._poll.gone()

    def close(self) -> None:
        self._poll.leave()


def _cursor(req: falcon.Request) -> Cursor:
    text = parameter(req, "after")
    cursor = Cursor.parse(text or "")
    if cursor is None:
        raise Invalid("`after` must be a cursor of /api/state or of an earlier answer", code="bad_cursor")
    return cursor


def _device(req: falcon.Request) -> str:
    device = parameter(req, "device")
    if device and not DEVICE.fullmatch(device):
        raise Invalid(f"a device is named with 1 to {DEVICE_MAX} of A-Z, a-z, 0-9, `_` and `-`", code="bad_device")
    return device or ""


def _encode(found: Answer) -> bytes:
    """The events are JSON already, encoded once for all who get them."""
    parts = [b'{"cursor":"', str(found.cursor).encode(), b'","events":[', b",".join(found.events), b"]"]
    if found.reset:
        parts.append(b',"reset":true')
    if found.ended is Wake.DRAIN:
        parts.append(b',"retry_in":%.2f' % random.uniform(*RETRY_DRAIN))
    elif found.ended is Wake.EVICTED:
        parts.append(b',"retry_in":%.2f' % random.uniform(*RETRY_EVICTED))
    parts.append(b"}")
    return b"".join(parts)
