"""Reads the clocks once a second; at the end, says what was found.

What was measured while people still came does not count; their messages do.
"""

from __future__ import annotations

import os
import time
from typing import Any

from tests.faults.processes import is_alive
from tests.load.cpu import Meter
from tests.load.results import Results, percentile
from tests.load.tally import Delivery
from tests.load.users.ledger import LATE
from tests.load.users.population import Population
from tests.load.users.servers import served_by

OWN = "this load process"


class Reporter:
    """See the module. `stats`: Locust's; `settings`: for the conditions."""

    def __init__(self, population: Population, stats: Any, settings: dict[str, str]) -> None:
        self._population = population
        self._stats = stats
        self._results = Results("users", settings=settings)  # it notes when the run began
        self._server = served_by(population.pool.urls)
        self._meter = Meter({**self._server, OWN: [os.getpid()]})
        self._start = time.monotonic()
        self._is_open = False
        self._failed = 0  # requests, while they came
        self._notes: list[str] = []
        self._throughput: list[tuple[float, float]] = []
        self._delivered = self._first = 0

    def open_window(self) -> None:
        """All are there. What was measured while they came does not count; the messages do."""
        self._population.wakes.clear()
        self._population.sends.clear()
        self._failed += self._stats.num_failures
        self._notes += self._errors()
        self._stats.reset_all()
        self._meter = Meter({**self._server, OWN: [os.getpid()]})
        self._start, self._is_open = time.monotonic(), True
        self._throughput.clear()
        self._delivered = self._first = self._population.ledger.delivered

    @property
    def age(self) -> float:
        """Seconds since all are there; below 0 before that."""
        return time.monotonic() - self._start if self._is_open else -1.0

    def tick(self) -> str:
        """A second has passed; what is going on, in a line."""
        self._meter.read()
        delivered = self._population.ledger.delivered
        seconds = self._meter.times[-1] - self._meter.times[-2]
        self._throughput.append((self._meter.times[-1] - self._start, (delivered - self._delivered) / seconds))
        self._delivered = delivered
        recent = sorted(self._population.wakes[-2000:])
        p50, p99 = (percentile(recent, part) or 0.0 for part in (0.5, 0.99))
        return (
            f"{len(self._population.places)} people, {self._population.parked} parked, {delivered:,} delivered "
            f"({self._throughput[-1][1]:.0f}/s), wake p50 {p50:.1f} ms, p99 {p99:.1f} ms"
        )

    def results(self) -> Results:
        population, found = self._population, self._results
        found.delivery = self._counts()
        found.latencies("from the send to the friend", sorted(population.wakes))
        found.latencies("from the send to its acknowledgement", sorted(population.sends))
        found.throughput, found.cpu = self._throughput, self._meter.series(self._start)
        found.notes = self._notes + self._errors()
        ended = [role for role, pids in self._server.items() if not all(map(is_alive, pids))]
        if ended:
            found.notes.append(f"a {', a '.join(ended)} ended meanwhile, so the server's CPU is not known")
            found.cpu = {label: [(at, max(0.0, part)) for at, part in points] for label, points in found.cpu.items()}
        found.notes += [f"this program failed: {what}" for what in population.broken[:5]]
        self._figures(found, is_server_known=bool(self._server) and not ended)
        found.columns = ["request", "times", "failed", "p50 ms", "p99 ms", "p99.9 ms"]
        found.rows = self._rows()
        return found

    def _counts(self) -> Delivery:
        ledger = self._population.ledger
        acknowledged = sum(letter.acknowledged_at > 0 for letter in ledger.letters.values())
        return Delivery(
            sent=len(ledger.letters),
            acknowledged=acknowledged,
            expected=acknowledged,
            delivered=ledger.delivered,
            doubled=ledger.doubled,
            lost=sum(letter.is_lost for letter in ledger.letters.values()),
        )

    def _figures(self, found: Results, is_server_known: bool) -> None:
        places, ledger = self._population.places, self._population.ledger
        letters = ledger.letters.values()
        seconds, deliveries = self._meter.length, self._delivered - self._first
        cpu = self._meter.by_role()
        own = cpu.pop(OWN)
        found.figure("people with a tab at the end", sum(bool(place.tab) for place in places), "", better=None)
        if self._throughput:
            found.figure("throughput", deliveries / seconds, "messages/s", better=None)
            if is_server_known and deliveries:
                label = "server CPU per delivered message, acts and absences included"
                found.figure(label, 1e6 * sum(cpu.values()) / deliveries, "µs")
            found.figure("CPU of this load process", 100 * own / seconds, "% of a core", goal=90)
        caught_up = sum(not (one.is_delivered or one.is_lost) and one.acknowledged_at > 0 for one in letters)
        found.figure("brought by a snapshot after an absence, not by a poll", caught_up, "messages", better=None)
        overdue = sum(letter.is_overdue for letter in letters)
        found.figure(f"not there after {LATE:g} s when the tab was closed", overdue, "messages", goal=0)
        found.figure("messages out of their order", ledger.disorder, "", goal=0)
        found.figure("requests and polls that failed", self._failed + self._stats.num_failures, "", goal=0)

    def _rows(self) -> list[list[str]]:
        """A line for each kind of request."""
        rows = []
        for entry in sorted(self._stats.entries.values(), key=lambda entry: (entry.method, entry.name)):
            timed = entry.num_requests > entry.num_none_requests
            times = [f"{entry.get_response_time_percentile(q):g}" if timed else "–" for q in (0.5, 0.99, 0.999)]
            rows.append([f"{entry.method} {entry.name}", f"{entry.num_requests:,}", f"{entry.num_failures:,}", *times])
        return rows

    def _errors(self) -> list[str]:
        """The most frequent ones, in words."""
        errors = sorted(self._stats.errors.values(), key=lambda error: -error.occurrences)
        return [f"{one.occurrences} × {one.method} {one.name}: {one.error}" for one in errors[:5]]

    @property
    def code(self) -> int:
        ledger = self._population.ledger
        lost = any(letter.is_lost for letter in ledger.letters.values())
        return 1 if lost or ledger.doubled or ledger.disorder or self._population.broken else 0
