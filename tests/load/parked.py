"""`./chat load parked`: many polls parked, one for each user; what they cost, and how quickly they wake.

    memory       of all server processes with N parked, less what they had before the first came, divided by N
    at rest      server CPU while nothing happens. Polls ask to be held for 60 s here, and all are begun anew
                 just before, so that none ends meanwhile
    wake-one     a message to one person, 20 a second: from the moment at which it is due to its receipt
    CPU          of a message, at 500 a second, with N parked and with 1,000 parked, and their ratio
    wake-all     one message to one conversation of all: from the moment the request is written until the last
                 client has its answer. That includes the transaction that writes N feed entries; so the time from
                 the sender's acknowledgement (committed and synced, the first moment at which anybody may be
                 told) to the last receipt stands beside it, and is the one with a goal

A client's receipt is counted when its bytes have been read by the client process, which shares the machine.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from tests.load import cpu, sample, seed
from tests.load.cpu import Meter
from tests.load.crew import Crew, Show, Stuck
from tests.load.dialect import Server, User
from tests.load.results import Results
from tests.load.sample import Sample
from tests.load.site import Site
from tests.load.tally import Record

FEW = 1_000  # parked, to compare with
SENDERS = 64
RATE = 500.0  # messages a second
SINGLE_RATE = 20.0
REST = 10.0  # seconds
HOLD = 60  # seconds, the longest that a poll may ask for
WAKES = 3  # rounds of wake-all
PROCESS_POLLS = 8_000  # of one client process: an open file each


@dataclass
class Parked:
    """The options of the command."""

    site: Site
    polls: int = 20_000
    processes: int | None = None
    seconds: float = 10.0
    rest: float = REST
    show: Show = lambda _what, _part: None

    def run(self) -> Results:
        processes = self.processes or 1 + self.polls // PROCESS_POLLS
        work = f"{self.polls:,} polls from {processes} client processes, {self.seconds:g} s each measurement"
        results = Results("parked", self.site.describe() | {"work": work})
        with self.site.open(self.polls, SENDERS, self.show, hold=HOLD) as server:
            users = server.users(self.polls)
            crew = Crew(server.addresses, server.dialect, users, processes, self.show)
            try:
                self._measure(server, crew, results)
            finally:
                crew.close()
        return results

    def _measure(self, server: Server, crew: Crew, results: Results) -> None:
        before = cpu.all_memory(server.pids())
        sample.calm(server)
        self._rest(server, crew, results, "CPU at rest with nobody parked")
        few, senders = min(FEW, self.polls), list(range(min(SENDERS, self.polls)))
        crew.park(few)
        with_few = self._paced(server, crew, senders, RATE, f"messages with {few:,} parked", warm_up=2 * sample.WARM_UP)
        took = crew.park(self.polls)
        sample.calm(server, 5.0)
        if self.polls > few:
            results.figure(f"{self.polls - few:,} more polls parked", took, "s")
        if before:
            grown = cpu.all_memory(server.pids()) - before
            results.figure("memory per parked poll", grown / 1024 / self.polls, "KiB", 13.7)
        crew.renew(self.polls)
        sample.calm(server)
        answers = crew.status().answers
        self._rest(server, crew, results, f"CPU at rest with {self.polls:,} parked", 1.0)
        if ended := crew.status().answers - answers:
            results.notes.append(f"{ended:,} polls were answered while all was thought to be at rest")
        single = self._paced(server, crew, senders, SINGLE_RATE, "wake-one", even=True)
        results.latencies("wake-one", single.latencies)
        results.count(single)
        with_all = self._paced(server, crew, senders, RATE, f"messages with {self.polls:,} parked")
        results.sample(f"{self.polls:,} parked", with_all)
        if self.polls > few:
            results.sample(f"{few:,} parked", with_few)
        else:
            results.count(with_few)
        if self.polls > few and with_all.cpu_each is not None and with_few.cpu_each:
            ratio = with_all.cpu_each / with_few.cpu_each
            results.figure(f"CPU per message, {self.polls:,} parked ÷ {few:,} parked", ratio, "×", 1.1)
        results.throughput, results.cpu = with_all.throughput, with_all.cpu_series
        self._wake_all(server, crew, results)

    def _rest(self, server: Server, crew: Crew, results: Results, name: str, goal: float | None = None) -> None:
        found = sample.take(server, crew, lambda: None, self.rest, lambda part: self.show("at rest", part), 0.0)
        if found.cpu is not None:
            results.figure(name, 100 * found.cpu / found.seconds, "% of a core", goal)

    def _paced(
        self,
        server: Server,
        crew: Crew,
        senders: list[int],
        rate: float,
        what: str,
        *,
        even: bool = False,
        warm_up: float = sample.WARM_UP,
    ) -> Sample:
        def begin() -> None:
            crew.tell("pace", senders, rate, even)

        return sample.take(server, crew, begin, self.seconds, lambda part: self.show(what, part), warm_up)

    def _wake_all(self, server: Server, crew: Crew, results: Results) -> None:
        settings = self.site.settings(server)
        if settings is None:
            results.notes.append("wake-all is left out: it needs the database (--data or WEBCHAT_DATABASE_URL)")
            return
        room = seed.add_room(settings, [user.name for user in crew.users])
        meter = Meter(server.pids())
        wakes: list[Wake] = []
        for place in range(WAKES):
            self.show("wake-all", place / WAKES)
            wakes.append(wake(crew, room, place % len(crew.users), meter))
        results.figure("wake-all, from the send", statistics.median(one.from_send for one in wakes), "s")
        results.figure(
            "wake-all, from the acknowledgement", statistics.median(one.from_commit for one in wakes), "s", 0.6
        )
        results.latencies("wake-all, from the send", sorted(each for one in wakes for each in one.latencies))
        for one in wakes:
            results.count(one)


@dataclass
class Wake(sample.Counted):
    """One message to everybody. Times in seconds; latencies from the send, in ms."""

    from_send: float
    from_commit: float
    latencies: list[float]
    cpu: float  # seconds of the server, from the send until all had polled again


def wake(crew: Crew, room: int, sender: int, meter: Meter, seconds: float = 60.0) -> Wake:
    """One member of the room says something, and all others get it. Raises Stuck where it could not be said."""
    members = len(crew.users) - 1
    meter.read()
    crew.tell("say", sender, User("", extras={"conversation": room}), members)
    deadline = time.monotonic() + seconds
    while crew.status().delivered < members and time.monotonic() < deadline:  # what is missing shows in the counts
        time.sleep(0.05)
    crew.settle(0.2)
    spent = meter.read()
    records, delivery = crew.finish()
    sent = next((record for record in records if record.sent), None)
    arrivals = [at for record in records for at in record.here]
    if sent is None or not arrivals or not sent.acknowledged[0]:
        raise Stuck(f"a message to all was not sent: {_complaints(records)}")
    last = max(arrivals)
    return Wake(
        delivery,
        records,
        (last - sent.asked[0]) / 1e9,
        (last - sent.acknowledged[0]) / 1e9,
        sorted((at - sent.asked[0]) / 1e6 for at in arrivals),
        spent,
    )


def _complaints(records: list[Record]) -> str:
    return "; ".join(line for record in records for line in record.complaints) or "no word from anybody"
