"""`./chat load storm`: all clients lose their connections at once and come back at once, each with its cursor.

They come back to any node, as behind a balancer without sticky sessions (or, with `--same-node`, each to the one
where its mailbox still is), while a few senders go on.

    back and parked   from the moment at which the clients begin to close, by the server's own word: /metrics shows
                      that all polls have arrived and that as many are parked as before. The server copies its
                      gauges out once a second, so this is up to 1 s too long
    asked again       until the last client has written its poll: what the clients alone know, and a lower bound
    sends meanwhile   from the moment at which a send is due to its acknowledgement; before the storm, and while it
                      lasts
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.load.crew import Crew, Show, Stuck
from tests.load.results import Results
from tests.load.sample import Counted
from tests.load.site import Gauges, Site
from tests.load.tally import Record

SENDERS = 16
RATE = 100.0  # messages a second
BEFORE = 5.0  # seconds
AFTER = 3.0  # seconds that the senders go on when all are back
CLOSE = 0.002  # of all polls: how many may be between two polls when they are counted
STEP = 0.05  # seconds between two looks at /metrics
PROCESS_POLLS = 5_000  # of one client process


@dataclass
class Storm:
    """The options of the command."""

    site: Site
    clients: int = 10_000
    processes: int | None = None
    same_node: bool = False
    show: Show = lambda _what, _part: None

    def run(self) -> Results:
        processes = self.processes or 1 + (self.clients - 1) // PROCESS_POLLS
        where = "the same node" if self.same_node else "any node"
        work = (
            f"{self.clients:,} clients in {processes} processes, back to {where}; "
            f"{SENDERS} senders, {RATE:g} messages/s in all"
        )
        results = Results("storm", self.site.describe() | {"work": work})
        with self.site.open(self.clients, SENDERS, self.show, again=True) as server:
            users = server.users(self.clients)
            crew = Crew(server.addresses, server.dialect, users, processes, self.show)
            gauges = Gauges(server.addresses)
            try:
                crew.park(self.clients)
                self._measure(crew, gauges, results)
            finally:
                gauges.close()
                crew.close()
        return results

    def _measure(self, crew: Crew, gauges: Gauges, results: Results) -> None:
        crew.tell("pace", list(range(min(SENDERS, self.clients))), RATE, False)
        self.show("before the storm", 0.0)
        time.sleep(BEFORE)
        polls = gauges.read()["webchat_polls_total"] + CLOSE * self.clients + RATE
        start = time.monotonic()
        crew.tell("drop")
        crew.tell("back", not self.same_node)
        crew.until(lambda now: now.parked >= (1 - CLOSE) * self.clients, "asking again", 60)
        asked = time.monotonic() - start
        back = self._back(gauges, polls + self.clients, start)
        end = time.monotonic()
        time.sleep(AFTER)
        records, delivery = crew.finish()
        results.figure("back and parked", back, "s", 3.0)
        results.figure("asked again", asked, "s")
        for label, first, last in (
            ("sends before", 0, int(start * 1e9)),
            ("sends meanwhile", int(start * 1e9), int(end * 1e9)),
        ):
            results.latencies(label, sorted(_acknowledged(records, first, last)))
        results.latencies("send to receipt, all", sorted(_received(records)))
        results.count(Counted(delivery, records))

    def _back(self, gauges: Gauges, polls: float, start: float) -> float:
        """Seconds until the server has seen so many polls in all, and holds all of them and none of the dead."""
        deadline = start + 60
        while time.monotonic() < deadline:
            found = gauges.read()
            near = abs(found["webchat_parked_polls"] - self.clients) <= CLOSE * self.clients + 2
            self.show("coming back", found["webchat_parked_polls"] / self.clients)
            if near and found["webchat_polls_total"] >= polls:
                return time.monotonic() - start
            time.sleep(STEP)
        raise Stuck(f"not within 60 s: {self.clients:,} polls parked again ({found})")


def _acknowledged(records: list[Record], first: int, last: int) -> list[float]:
    """Milliseconds from due to acknowledged, of the messages that were due in that time."""
    return [
        (at - due) / 1e6
        for record in records
        for due, at in zip(record.asked, record.acknowledged, strict=True)
        if at and first <= due < last
    ]


def _received(records: list[Record]) -> list[float]:
    return [(here - due) / 1e6 for record in records for due, here in zip(record.due, record.here, strict=True)]
