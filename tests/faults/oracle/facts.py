"""A history, sorted by what the invariants ask for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.faults.history import Record

SLACK = 2.0  # seconds that a loaded machine may add to any promise; the report gives the real numbers


class Violation(NamedTuple):
    """`t`: when it showed, in seconds since the run began."""

    invariant: str
    sentence: str
    t: float = 0.0


@dataclass
class Fault:
    """One injection. `cuts`: it may end requests; `stalls`: seconds that it may add to any answer.

    `spotless`: no request may fail meanwhile, however honestly.
    """

    kind: str
    node: int | None
    injected: float
    promise: float
    cuts: bool
    stalls: float
    spotless: bool = False
    healed: float | None = None
    recovery: float | None = None  # seconds, of two faults at once from the last heal
    well: float | None = None  # when all was well again

    @property
    def end(self) -> float:
        if self.healed is None:
            return float("inf")
        return self.healed + 5.0 if self.well is None else max(self.healed, self.well)

    def touches(self, begin: float, end: float) -> bool:
        return self.injected - 0.1 <= end and begin <= self.end + 0.5


@dataclass
class Send:
    """A message that a client meant to send. `acks`: (time, message) of each answer that said so."""

    client: str
    who: str
    conversation: int
    text: str
    count: int
    file: dict[str, str] | None = None  # its id, and the digest of its content
    tries: list[Record] = field(default_factory=list)

    @property
    def acks(self) -> list[Record]:
        return [one for one in self.tries if one.get("status", 999) < 300]


class Facts:
    """See the module."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records
        self.run: Record = {}
        self.faults: dict[str, Fault] = {}
        self.sends: dict[str, Send] = {}
        self.of_client: dict[str, list[Record]] = defaultdict(list)
        self.reads: list[Record] = []
        self.changes: list[Record] = []
        self.deeds: list[Record] = []
        self.receipts: list[Record] = []
        self.groups: dict[int, Record] = {}
        self.seats: list[Record] = []  # changes of groups, acknowledged
        self.requests: list[Record] = []
        self.claims: list[Record] = []
        self.finals: dict[str, list[Record]] = defaultdict(list)
        self.histories: dict[int, list[dict[str, Any]]] = {}
        self.lost: tuple[float, float] | None = None  # what was acknowledged in this time is gone with a restore
        self._kept = {
            "read": self.reads,
            "claim": self.claims,
            "change": self.changes,
            "changed": self.changes,
            "deed": self.deeds,
            "done": self.deeds,
            "receipts": self.receipts,
            "seat": self.seats,
        }
        for record in records:
            self._sort(record)

    @property
    def lag(self) -> float:
        """Seconds by which the harness itself was late at worst."""
        return max((float(record["lag"]) for record in self.finals["final.lag"]), default=0.0)

    def cuts(self, begin: float, end: float) -> bool:
        """Whether some fault of that time may have ended a request."""
        return any(fault.cuts and fault.touches(begin, end) for fault in self.faults.values())

    def stalls(self, begin: float, end: float) -> float:
        """Seconds that the faults of that time may have added."""
        return sum(fault.stalls for fault in self.faults.values() if fault.touches(begin, end))

    def is_spotless(self, begin: float, end: float) -> bool:
        """Whether the only faults of that time are such that no request may fail."""
        touching = [fault for fault in self.faults.values() if fault.touches(begin, end)]
        return bool(touching) and all(fault.spotless for fault in touching)

    def is_lost(self, t: float) -> bool:
        return self.lost is not None and self.lost[0] <= t <= self.lost[1]

    def _sort(self, record: Record) -> None:
        event: str = record["e"]
        if event == "run":
            self.run = record
        elif event in ("inject", "heal", "recovered"):
            self._sort_fault(event, record)
        elif event in ("send", "try", "poll", "call"):
            self._sort_request(event, record)
        elif event in self._kept:
            self._kept[event].append(record)
        elif event == "group":
            self.groups[record["conv"]] = record
        elif event == "restored":
            self.lost = (record["since"], record["t"])
        elif event == "final.history":
            self.histories[record["conv"]] = record["messages"]
        elif event.startswith("final."):
            self.finals[event].append(record)
        if event in ("load", "poll", "final.state"):
            self.of_client[record["c"]].append(record)

    def _sort_request(self, event: str, record: Record) -> None:
        if event == "send":
            self.sends[record["cid"]] = Send(
                record["c"], record["who"], record["conv"], record["text"], record["k"], record.get("file")
            )
            return
        self.requests.append(record)
        if event == "try":
            self.sends[record["cid"]].tries.append(record)

    def _sort_fault(self, event: str, record: Record) -> None:
        if event == "inject":
            names = ("kind", "node", "promise", "cuts", "stalls", "spotless")
            known = {name: record[name] for name in names if name in record}
            self.faults[record["id"]] = Fault(injected=record["t"], **known)
        elif event == "heal":
            self.faults[record["id"]].healed = record["t"]
        else:
            fault = self.faults[record["id"]]
            fault.recovery, fault.well = record["seconds"], record["t"]
