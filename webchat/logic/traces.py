"""One message's trace, where an operator asked for traces: send → commit, ring → wake → answer (decision 026).

Nothing of a trace is carried from node to node. Its ids are made from the message's: every worker that sees the message
knows its trace, whether that is in the sample, and which span is the ring that woke it.

    send         Chat.send, within the POST                               from the sender's worker
      commit     from the committer's queue until the message is on disk
      ring       into this worker's mailboxes, and to the doorbell
        wake     from when a worker heard of it until its poll looked     from each worker with a poll of a member
          answer until the poll's answer was handed to the connection

With traces off none of this exists: these classes stand in for what they wrap, in `webchat.node` alone.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from webchat.data.committer import Committer
from webchat.data.spans import Kind, Span, Spans
from webchat.data.transaction import Transaction
from webchat.entities.feed import Cursor, Entry, Ring
from webchat.entities.people import Session
from webchat.entities.talk import Draft, Message, Posted
from webchat.logic.chat import Chat
from webchat.logic.hub import Hub
from webchat.logic.poll import Answer, Poll

T = TypeVar("T")
W = TypeVar("W")

KEPT = 4096  # messages of which it is known when they were rung, when they were heard
_MESSAGE = re.compile(rb'\{"type":"message","message":\{"id":(\d+),')
_NOTE = b'"kind":'  # what a group says of itself, nobody sent; quotes within a text are escaped
_WHOLE = 1 << 64


class Times(dict[int, int]):
    """Nanoseconds for the last `KEPT` messages, by id."""

    def note(self, message: int, at: int) -> None:
        """The first time counts."""
        if message not in self:
            self[message] = at
            if len(self) > KEPT:
                del self[next(iter(self))]


class Told(NamedTuple):
    """A message in a poll's answer: since when, and what span brought it there."""

    message: int
    parent: bytes
    start: int


class Traces:
    """See the module. `epoch`: the database's; `share`: of all messages are traced."""

    def __init__(self, spans: Spans, epoch: str, share: float, now: Callable[[], int] = time.time_ns) -> None:
        self._spans = spans
        self._epoch = epoch.encode()
        self._below = share * _WHOLE
        self.now = now
        self._begun, self._committed, self._rung, self._heard = Times(), Times(), Times(), Times()

    def trace(self, message: int) -> bytes:
        return hashlib.blake2b(b"%d" % message, key=self._epoch, digest_size=16).digest()

    def in_sample(self, message: int) -> bool:
        """By the last bytes of the trace id, as OpenTelemetry's own sampler by share does."""
        return int.from_bytes(self.trace(message)[8:]) < self._below

    def _id(self, message: int, name: bytes) -> bytes:
        return hashlib.blake2b(b"%b %d" % (name, message), key=self._epoch, digest_size=8).digest()

    def _add(
        self, message: int, id: bytes, parent: bytes, name: str, kind: Kind, start: int, end: int, **more: Any
    ) -> None:
        attributes = {"webchat.message": message} | {f"webchat.{key}": value for key, value in more.items()}
        self._spans.add(Span(self.trace(message), id, parent, name, kind, start, max(start, end), attributes))

    # --- at the sender's

    def handed_over(self, message: int, start: int) -> None:
        self._begun.note(message, start)

    def ringing(self, ring: Callable[[Sequence[Ring]], None]) -> Callable[[Sequence[Ring]], None]:
        """What rings for a commit, timed."""

        def timed(rings: Sequence[Ring]) -> None:
            start = self.now()
            ring(rings)
            end = self.now()
            for message in self._messages(ring.event for ring in rings if isinstance(ring, Entry)):
                self._committed.note(message, start)
                self._rung.note(message, end)

        return timed

    def sent(self, message: Message, start: int) -> None:
        id = message.id
        begun, committed, rung = (times.pop(id, None) for times in (self._begun, self._committed, self._rung))
        if not self.in_sample(id):
            return
        root = self._id(id, b"send")
        self._add(id, root, b"", "send", Kind.SERVER, start, self.now(), conversation=message.conversation)
        if begun is not None and committed is not None and rung is not None:
            self._add(id, self._id(id, b"commit"), root, "commit", Kind.INTERNAL, begun, committed)
            self._add(id, self._id(id, b"ring"), root, "ring", Kind.PRODUCER, committed, rung)

    # --- at the reader's

    def heard(self, rings: Iterable[Ring]) -> None:
        for message in self._messages(ring.event for ring in rings if isinstance(ring, Entry)):
            self._heard.note(message, self.now())

    def told(self, events: Iterable[bytes], waited: bool) -> list[Told]:
        """What of a poll's answer is traced. A poll that had not to wait may read what is long past: that is not."""
        now, told = self.now(), []
        for message in self._messages(events):
            parent, heard = self._id(message, b"ring"), self._heard.get(message)
            if waited:
                wake = secrets.token_bytes(8)
                start = now if heard is None else heard
                self._add(message, wake, parent, "wake", Kind.CONSUMER, start, now, heard=heard is not None)
                told.append(Told(message, wake, now))
            elif heard is not None:
                told.append(Told(message, parent, now))
        return told

    def answered(self, told: Iterable[Told]) -> None:
        for message, parent, start in told:
            self._add(message, secrets.token_bytes(8), parent, "answer", Kind.SERVER, start, self.now())

    def _messages(self, events: Iterable[bytes]) -> Iterator[int]:
        for event in events:
            match = _MESSAGE.match(event)
            if match and _NOTE not in event and self.in_sample(int(match[1])):
                yield int(match[1])


class TracedCommits:
    """What `Chat` asks of its committer."""

    def __init__(self, traces: Traces, committer: Committer) -> None:
        self._traces = traces
        self._committer = committer

    def send(self, draft: Draft) -> Posted | None:
        return self._timed(self._committer.send, draft)

    def submit(self, work: Callable[[Transaction], T]) -> T:
        return self._timed(self._committer.submit, work)

    def _timed(self, commit: Callable[[W], T], what: W) -> T:
        start = self._traces.now()
        done = commit(what)
        if isinstance(done, Posted) and done.is_new:
            self._traces.handed_over(done.message.id, start)
        return done


class TracedChat(Chat):
    def __init__(self, traces: Traces, *parts: Any) -> None:
        super().__init__(*parts)
        self._traces = traces

    def send(self, *what: Any, **more: Any) -> Posted:
        start = self._traces.now()
        posted = super().send(*what, **more)
        if posted.is_new:
            self._traces.sent(posted.message, start)
        return posted


class TracedHub(Hub):
    def __init__(self, traces: Traces, *parts: Any) -> None:
        super().__init__(*parts)
        self._traces = traces

    def begin(self, session: Session, cursor: Cursor, hold: float, device: str = "") -> Poll:
        return _TracedPoll(self._traces, self, session, cursor, hold, device)

    def deliver(self, rings: Iterable[Ring]) -> None:
        rings = list(rings)
        self._traces.heard(rings)
        super().deliver(rings)


class _TracedPoll(Poll):
    __slots__ = ("_told", "_traces")

    def __init__(self, traces: Traces, *parts: Any) -> None:
        super().__init__(*parts)
        self._traces = traces
        self._told: list[Told] = []

    def look(self, wake: Callable[[], object]) -> Answer | None:
        waited = self._parked is not None
        answer = super().look(wake)
        if answer is not None and answer.events:
            self._told = self._traces.told(answer.events, waited)
        return answer

    def leave(self) -> None:
        super().leave()
        told, self._told = self._told, []
        self._traces.answered(told)
