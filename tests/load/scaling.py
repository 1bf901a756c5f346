"""`./chat load nodes`: the same work on 1, 2, 4 … nodes, in turn: what does a message cost when there are more of them?

1,000 people are parked, each at one node, and 64 of them send:

    closed loop   each its next message when the last one is acknowledged: the machine has as much to do as it can
    paced         so many messages a second in all, however many nodes there are: they sleep most of the time

CPU is that of all server processes. What Redis does is the difference of its own counts (INFO) over the same window,
less what it does in as much time when nobody says anything: the probes of each worker.

Each turn has a new database and new nodes, all on this machine; each round begins with another count.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from redis import Redis

from tests.faults import processes
from tests.faults.databases import Postgres
from tests.load import sample
from tests.load.crew import Crew, Show
from tests.load.nodes import OwnServer, TemporaryFolder
from tests.load.page.bars import bars
from tests.load.results import Results, percentile
from tests.load.sample import Counted, Sample
from workers.embedded import socket_path

PARKED, SENDERS = 1_000, 64
CLOSED, PACED = "closed loop", "paced"
MINGLE = 4.0  # seconds, unmeasured, or as long as a measurement: caches are full and connections open then
REST = 3.0  # seconds, or twice as long as a measurement
GROWTH = 1.1  # goal: of what a message costs on the most nodes, divided by that on the fewest
COUNTS = ("total_commands_processed", "total_net_input_bytes", "total_net_output_bytes")


@dataclass
class Part:
    """One way to send, measured; `redis`: of each count, for a message."""

    sample: Sample
    redis: list[float]

    def figures(self) -> dict[str, float | None]:
        return {
            "server CPU": self.sample.cpu_each,
            **{f"— {role}": value for role, value in self._roles().items()},
            "Redis, commands": self.redis[0],
            "Redis, bytes in": self.redis[1],
            "Redis, bytes out": self.redis[2],
            "messages/s": self.sample.rate,
            "p50": percentile(self.sample.latencies, 0.5),
            "p99": percentile(self.sample.latencies, 0.99),
        }

    def _roles(self) -> dict[str, float]:
        """Microseconds of each kind of process for a message."""
        found: dict[str, float] = {}
        for label, points in self.sample.cpu_series.items():
            role = label.partition(" ")[0]
            percent = statistics.fmean(value for _, value in points) if points else 0.0
            spent = 1e4 * percent * self.sample.seconds / max(1, self.sample.deliveries)
            found[role] = found.get(role, 0.0) + spent
        return {role: found[role] for role in ("worker", "valkey", "postgres") if role in found}


@dataclass
class Turn:
    """So many nodes in one round."""

    nodes: int
    parts: dict[str, Part]
    counted: list[Counted]  # of the parts, and of what came before
    at_rest: float  # commands a second of Redis while nobody says anything

    def figures(self) -> dict[str, float | None]:
        found = {
            f"{label}: {name}": value for label, part in self.parts.items() for name, value in part.figures().items()
        }
        return found | {"Redis, commands a second at rest": self.at_rest}


class Bell:
    """Readings of Redis' own counts, twice a second; reading them counts as well, at rest as at work."""

    def __init__(self, server: OwnServer) -> None:
        self._client = Redis(unix_socket_path=str(socket_path(server.settings.folder / "run")))
        self._readings: list[tuple[float, list[float]]] = []

    def read(self) -> None:
        info = self._client.info("stats")
        self._readings.append((time.monotonic(), [float(info[name]) for name in COUNTS]))

    def rates(self) -> list[float]:
        """Of each count, a second, from the first reading to the last."""
        (start, first), (end, last) = self._readings[0], self._readings[-1]
        return [(after - before) / (end - start) for before, after in zip(first, last, strict=True)]


class WithPostgres(OwnServer):
    """Nodes on a PostgreSQL; where that is of our own, its processes count."""

    def __init__(self, folder: Path, parked: int, nodes: int, postgres: Postgres) -> None:
        self._postgres = postgres
        super().__init__(folder, parked, SENDERS, nodes=nodes, database_url=postgres.url)

    def pids(self) -> dict[str, list[int]]:
        found = super().pids()
        if self._postgres.server is not None:
            pid = self._postgres.server.process.pid
            found["postgres"] = [pid, *processes.children(pid)]
        return found


@dataclass
class Scaling:
    """The options of the command."""

    counts: list[int]
    rounds: int = 3
    seconds: float = 10.0
    rate: float = 300.0
    engine: str = "sqlite"
    parked: int = PARKED
    show: Show = lambda _what, _part: None
    turns: list[Turn] = field(default_factory=list)

    def run(self) -> Results:
        work = (
            f"{self.rounds} rounds of {', '.join(map(str, self.counts))} nodes of one worker on {self.engine}, "
            f"{self.parked:,} parked, {SENDERS} send: in a closed loop, and paced, {self.rate:g} a second in all; "
            f"{self.seconds:g} s each measurement"
        )
        results = Results("nodes", {"work": work})
        for round_ in range(self.rounds):
            first = round_ % len(self.counts)
            for place, nodes in enumerate(self.counts[first:] + self.counts[:first]):
                self.show(f"{nodes} nodes", (round_ * len(self.counts) + place) / (self.rounds * len(self.counts)))
                self.turns.append(self._turn(nodes))
        self._report(results)
        return results

    def _turn(self, nodes: int) -> Turn:
        with self._server(nodes) as server:
            crew = Crew(server.addresses, server.dialect, server.users(self.parked), 1, self.show)
            senders = list(range(min(SENDERS, self.parked)))
            ways: dict[str, tuple[object, ...]] = {
                CLOSED: ("loop", senders),
                PACED: ("pace", senders, self.rate, False),
            }
            try:
                crew.park(self.parked)
                crew.tell(*ways[PACED])
                time.sleep(min(MINGLE, self.seconds))
                records, delivery = crew.finish()
                sample.calm(server)
                rest = Bell(server)
                for _ in range(int(min(REST, 2 * self.seconds) / sample.INTERVAL)):
                    time.sleep(sample.INTERVAL)
                    rest.read()
                parts = {}
                for label, way in ways.items():
                    parts[label] = self._part(server, crew, way, rest)
                    sample.calm(server)
            finally:
                crew.close()
        counted = [Counted(delivery, records), *(part.sample for part in parts.values())]
        return Turn(nodes, parts, counted, rest.rates()[0])

    def _part(self, server: OwnServer, crew: Crew, way: tuple[object, ...], rest: Bell) -> Part:
        busy = Bell(server)
        found = sample.take(server, crew, lambda: crew.tell(*way), self.seconds, lambda _part: busy.read())
        each = [(now - idle) / found.rate for now, idle in zip(busy.rates(), rest.rates(), strict=True)]
        return Part(found, each)

    @contextlib.contextmanager
    def _server(self, nodes: int) -> Iterator[OwnServer]:
        with TemporaryFolder() as folder, contextlib.ExitStack() as stack:
            if self.engine == "sqlite":
                server = OwnServer(folder, self.parked, SENDERS, nodes=nodes)
            else:
                postgres = Postgres(folder / "postgres")
                stack.callback(postgres.close)
                server = WithPostgres(folder, self.parked, nodes, postgres)
            stack.callback(server.close)
            yield server

    def _report(self, results: Results) -> None:
        """Medians over the rounds, a column for each count of nodes; and what grew."""
        medians = {nodes: self._medians(nodes) for nodes in self.counts}
        names = [name for name in self.turns[0].figures() if all(name in found for found in medians.values())]
        results.columns = ["median", *(f"{nodes} node{'s' * (nodes > 1)}" for nodes in self.counts)]
        results.rows = [[name, *(f"{medians[nodes][name]:,.1f}" for nodes in self.counts)] for name in names]
        few, many = min(self.counts), max(self.counts)
        for label in (CLOSED, PACED):
            for name in ("server CPU", "Redis, commands", "Redis, bytes in", "Redis, bytes out"):
                whole = f"{label}: {name}"
                if medians[few].get(whole) and whole in medians[many]:
                    ratio = medians[many][whole] / medians[few][whole]
                    results.figure(f"{whole}, {many} nodes ÷ {few}", ratio, "×", GROWTH)
        for turn in self.turns:
            for counted in turn.counted:
                results.count(counted, f"{turn.nodes} nodes: ")
            found = {name: round(value, 3) for name, value in turn.figures().items() if value is not None}
            results.rounds.append({"nodes": turn.nodes, **found, **turn.parts[CLOSED].sample.delivery.counts()})
        for nodes in self.counts:
            of_count = [turn.parts[PACED].sample.latencies for turn in self.turns if turn.nodes == nodes]
            results.latencies(f"paced, {nodes} nodes", sorted(chain.from_iterable(of_count)))
        last = self.turns[-1].parts[CLOSED].sample
        results.throughput, results.cpu = last.throughput, last.cpu_series
        shown = {f"{label}: CPU for a message, µs": f"{label}: server CPU" for label in (CLOSED, PACED)} | {
            "Redis, bytes out for a message": f"{PACED}: Redis, bytes out"
        }
        results.plots["nodes"] = bars(
            {title: {str(nodes): medians[nodes].get(name) for nodes in self.counts} for title, name in shown.items()},
            f"nodes; {self.engine}, load average {results.conditions['load average before']}",
        )

    def _medians(self, nodes: int) -> dict[str, float]:
        every = [turn.figures() for turn in self.turns if turn.nodes == nodes]
        values = {name: [found[name] for found in every] for name in every[0]}
        return {
            name: statistics.median(value for value in of_name if value is not None)
            for name, of_name in values.items()
            if any(value is not None for value in of_name)
        }
