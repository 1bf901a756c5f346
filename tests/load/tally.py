"""What was sent, acknowledged and delivered: every message by its number, every delivery by message and person.

A message's text says all that its receiver needs to count it: `load-RUN-PROCESS-NUMBER-TIME`. TIME is the moment
at which the message was due, in nanoseconds of the monotonic clock that all processes of a machine share: a sender
who comes late because it still waits for an answer does not hide that wait.

    lost     acknowledged, and not delivered to somebody who should have it
    doubled  delivered to the same device twice
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

_PROCESS = 40  # bits of a number below the number of its process


def stamp(run: bytes, process: int, number: int, due: int) -> bytes:
    return b"load-%b-%d-%d-%d" % (run, process, number, due)


def read_stamp(run: bytes, text: bytes) -> tuple[int, int] | None:
    """The message's number among all processes and when it was due; None for a text that is not of this run."""
    parts = text.split(b"-")
    if len(parts) != 5 or parts[0] != b"load" or parts[1] != run:
        return None
    return int(parts[2]) << _PROCESS | int(parts[3]), int(parts[4])


@dataclass
class Record:
    """What one client process saw since it was last asked. Arrays of 64-bit numbers: they travel between processes."""

    # A message each: its number, when it was due, how many should get it, when it was acknowledged (ns; 0: never).
    sent: array[int] = field(default_factory=lambda: array("q"))
    asked: array[int] = field(default_factory=lambda: array("q"))
    wanted: array[int] = field(default_factory=lambda: array("q"))
    acknowledged: array[int] = field(default_factory=lambda: array("q"))
    # A delivery each: the message's number, whose device, when the message was due and when it was here (ns).
    delivered: array[int] = field(default_factory=lambda: array("q"))
    device: array[int] = field(default_factory=lambda: array("q"))
    due: array[int] = field(default_factory=lambda: array("q"))
    here: array[int] = field(default_factory=lambda: array("q"))
    refused: int = 0  # sends and polls that were answered "not now" or the like
    broken: int = 0  # connections lost while an answer was awaited
    resets: int = 0  # devices that had to begin anew
    complaints: list[str] = field(default_factory=list)  # the first few of what went wrong, in words

    def complain(self, what: str) -> None:
        if len(self.complaints) < 3:
            self.complaints.append(what)


class Sender:
    """Numbers the messages of one process and notes what becomes of them."""

    def __init__(self, run: bytes, process: int) -> None:
        self.run = run
        self._process = process
        self._first = 0  # number of the record's first message
        self.acknowledged = 0  # messages of the record
        self.expected = 0  # deliveries of those
        self.record = Record()

    def new(self, due: int, wanted: int) -> tuple[int, bytes]:
        """The next message's number in this process, and its text."""
        number = self._first + len(self.record.sent)
        self.record.sent.append(self._process << _PROCESS | number)
        self.record.asked.append(due)
        self.record.wanted.append(wanted)
        self.record.acknowledged.append(0)
        return number, stamp(self.run, self._process, number, due)

    def acknowledge(self, number: int) -> None:
        if number >= self._first:  # else its phase is over
            self.record.acknowledged[number - self._first] = time.monotonic_ns()
            self.acknowledged += 1
            self.expected += self.record.wanted[number - self._first]

    def deliver(self, texts: Iterable[bytes], device: int) -> int:
        """Note what a device was told just now; how many messages of this run it was."""
        now = time.monotonic_ns()
        record = self.record
        before = len(record.here)
        for text in texts:
            found = read_stamp(self.run, text)
            if found is not None:
                record.delivered.append(found[0])
                record.due.append(found[1])
                record.device.append(device)
                record.here.append(now)
        return len(record.here) - before

    def take(self) -> Record:
        """The record until now; a new one begins."""
        taken = self.record
        self._first += len(taken.sent)
        self.acknowledged = self.expected = 0
        self.record = Record()
        return taken


@dataclass
class Delivery:
    """Exact counts. `sent` counts messages; `expected`, `delivered`, `doubled` and `lost` count one per receiver."""

    sent: int = 0
    acknowledged: int = 0
    expected: int = 0
    delivered: int = 0
    doubled: int = 0
    lost: int = 0

    def __add__(self, other: Delivery) -> Delivery:
        return Delivery(
            self.sent + other.sent,
            self.acknowledged + other.acknowledged,
            self.expected + other.expected,
            self.delivered + other.delivered,
            self.doubled + other.doubled,
            self.lost + other.lost,
        )

    @property
    def is_exact(self) -> bool:
        return not self.doubled and not self.lost

    def counts(self) -> dict[str, int]:
        """As they stand in the results."""
        names = ("sent", "acknowledged", "delivered", "doubled", "lost")
        return {name: getattr(self, name) for name in names}


def count(records: list[Record]) -> Delivery:
    """The counts of all processes together. `expected`: what was acknowledged, once for each who should get it."""
    found = Delivery()
    receivers: dict[int, int] = {}
    pairs: set[tuple[int, int]] = set()
    for record in records:
        pairs.update(zip(record.delivered, record.device, strict=True))
        found.delivered += len(record.delivered)
    for number, _ in pairs:
        receivers[number] = receivers.get(number, 0) + 1
    for record in records:
        for number, wanted, at in zip(record.sent, record.wanted, record.acknowledged, strict=True):
            found.sent += 1
            if at:
                found.acknowledged += 1
                found.expected += wanted
                found.lost += max(0, wanted - receivers.get(number, 0))
    found.doubled = found.delivered - len(pairs)
    return found
