"""`./chat load peers`: the same work for this server and for others, alternating, in one run.

    closed loop   1,000 parked, 16 of them send: each its next message when the last one is acknowledged
    paced         2,000 parked, 64 of them send: 500 messages a second in all, as a Poisson process
    memory        8,000 parked on a server that was just started: what its processes hold more than before

Messages go to random people; the senders' own devices are parked like all others. Each server starts anew for each
turn, with two nodes of one worker each; before a measurement all chat for some seconds, so that everybody has been at
both. CPU and memory are those of all its processes and of its Redis. A latency
reaches from the moment at which a message is due to its receipt by the client.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from tests.load import cpu, sample
from tests.load.crew import Crew, Show, Stuck
from tests.load.dialect import Server
from tests.load.nodes import OwnServer, TemporaryFolder
from tests.load.results import Results, percentile
from tests.load.sample import Counted, Sample
from tests.load.tally import Delivery
from webchat.errors import SetupError

OURS = "webchat"
NODES = 2
CLOSED_SENDERS, CLOSED_PARKED = 16, 1_000
PACED_SENDERS, PACED_PARKED, PACED_RATE = 64, 2_000, 500.0
MEMORY_PARKED = 8_000
MINGLE = 6.0  # seconds
# Goals of ratios ours ÷ theirs (issue 4), by figure and peer.
RATIOS = ("closed loop, CPU", "paced, CPU", "paced, p99", "KiB per parked poll")
PEER_FAILS = (RuntimeError, OSError, ValueError, AssertionError, Stuck, SetupError)  # a peer that does not start
GOALS = {
    "nchan": {"closed loop, CPU": 1.0, "paced, CPU": 1.0, "paced, p99": 2.0, "KiB per parked poll": 1.0},
    # A sender of ours is told that its message is stored. Theirs gets its acknowledgement by its own poll, which costs
    # more; the goals are held against what they take without.
    "socketio-unacknowledged": {"closed loop, CPU": 1.0},
    "python-socketio-unacknowledged": {"closed loop, CPU": 0.25},
}


@dataclass
class Turn:
    """One server's turn in one round."""

    server: str
    closed: Sample
    mingled: list[Counted]
    paced: Sample | None = None
    kib_per_poll: float | None = None

    def samples(self) -> dict[str, Sample]:
        return {"closed loop": self.closed} | ({"paced": self.paced} if self.paced else {})

    def counted(self) -> list[Counted]:
        return [*self.samples().values(), *self.mingled]

    def figures(self) -> dict[str, float | None]:
        paced = self.paced
        paced_latencies = paced.latencies if paced else []
        return {
            "closed loop, CPU": self.closed.cpu_each,
            "closed loop, messages/s": self.closed.rate,
            "closed loop, p50": percentile(self.closed.latencies, 0.5),
            "closed loop, p99": percentile(self.closed.latencies, 0.99),
            "closed loop, p99.9": percentile(self.closed.latencies, 0.999),
            "paced, CPU": paced.cpu_each if paced else None,
            "paced, messages/s": paced.rate if paced else None,
            "paced, p50": percentile(paced_latencies, 0.5),
            "paced, p99": percentile(paced_latencies, 0.99),
            "paced, p99.9": percentile(paced_latencies, 0.999),
            "KiB per parked poll": self.kib_per_poll,
        }


@dataclass
class Contest:
    """The options of the command."""

    names: list[str]
    rounds: int = 3
    seconds: float = 10.0
    processes: int = 1
    parts: tuple[str, ...] = ("closed", "paced", "memory")
    show: Show = lambda _what, _part: None
    turns: list[Turn] = field(default_factory=list)

    def run(self) -> Results:
        steps = self.rounds * len(self.names)
        settings = {
            "work": f"{self.rounds} rounds of {', '.join(self.names)}, {self.seconds:g} s each measurement, "
            f"{self.processes} client process(es) on the same machine",
        }
        results = Results("peers", settings)
        failed: set[str] = set()
        for round_ in range(self.rounds):
            first = round_ % len(self.names)  # another one begins each round
            for place, name in enumerate(self.names[first:] + self.names[:first]):
                done = (round_ * len(self.names) + place) / steps

                def show(what: str, part: float, name: str = name, done: float = done) -> None:
                    self.show(f"{name}: {what}", done + part / steps)

                if name not in failed:
                    try:
                        self.turns.append(self._turn(name, show))
                    except PEER_FAILS as error:
                        if name == OURS:
                            raise
                        failed.add(name)
                        results.notes.append(f"{name} is left out: {error}")
        if not self.turns:
            raise SetupError("; ".join(results.notes))
        left = [name for name in self.names if name not in failed]
        report(results, [turn for turn in self.turns if turn.server in left], left)
        return results

    def _turn(self, name: str, show: Show) -> Turn:
        with crew_on(name, PACED_PARKED, PACED_SENDERS, self.processes, show) as (server, crew):

            def watch(what: str, *work: object) -> Sample:
                return sample.take(server, crew, lambda: crew.tell(*work), self.seconds, lambda part: show(what, part))

            mingled = [self._mingle(crew, CLOSED_PARKED, CLOSED_SENDERS)]
            turn = Turn(name, watch("closed loop", "loop", list(range(CLOSED_SENDERS))), mingled)
            if "paced" in self.parts:
                mingled.append(self._mingle(crew, PACED_PARKED, PACED_SENDERS))
                turn.paced = watch("paced", "pace", list(range(PACED_SENDERS)), PACED_RATE, False)
        if "memory" in self.parts:
            with crew_on(name, MEMORY_PARKED, 0, self.processes, show) as (server, crew):
                before = cpu.all_memory(server.pids())
                crew.park(MEMORY_PARKED)
                turn.kib_per_poll = (cpu.all_memory(server.pids()) - before) / 1024 / MEMORY_PARKED
        return turn

    def _mingle(self, crew: Crew, count: int, senders: int) -> Counted:
        """Park, and chat for a while unmeasured: as in a chat that has been going on, everybody has then been at each
        node. What a first visit costs belongs to the arrival and not to the message."""
        crew.park(count)
        crew.tell("loop", list(range(senders)))
        time.sleep(MINGLE)
        records, delivery = crew.finish()
        return Counted(delivery, records)


@contextmanager
def crew_on(name: str, population: int, senders: int, processes: int, show: Show) -> Iterator[tuple[Server, Crew]]:
    """A new server of this name, and clients that know it; the first `senders` of the users will send."""
    with TemporaryFolder() as folder:
        show("starting", 0.0)
        server = start(name, folder, population, senders)
        try:
            crew = Crew(server.addresses, server.dialect, server.users(population), processes, show)
            try:
                yield server, crew
            finally:
                crew.close()
        finally:
            server.close()


def start(name: str, folder: Path, population: int, senders: int) -> Server:
    """A server of this name. Raises SetupError, or what the peer raises."""
    if name == OURS:
        return OwnServer(folder, population, senders, nodes=NODES)
    from tests.load import peers

    return peers.SERVERS[name](folder)


def report(results: Results, turns: list[Turn], names: list[str]) -> None:
    """Medians over the rounds, a column a server, and ours divided by theirs."""
    medians = {name: _medians([turn for turn in turns if turn.server == name]) for name in names}
    results.columns = ["median", *names]
    results.rows = [
        [figure, *(_shown(medians[name].get(figure)) for name in names)]
        for figure in turns[0].figures()
        if any(figure in of_name for of_name in medians.values())
    ]
    results.rows.append(["lost or doubled", *(str(_wrong(turns, name)) for name in names)])
    for turn in turns:
        for counted in turn.counted():
            results.count(counted, f"{turn.server}: ")
        counts = sum((counted.delivery for counted in turn.counted()), start=Delivery()).counts()
        found = {figure: round(value, 3) for figure, value in turn.figures().items() if value is not None}
        results.rounds.append({"server": turn.server, **found, **counts})
    for name in names:
        for label in ("closed loop", "paced"):
            every = [
                turn.samples()[label].latencies for turn in turns if turn.server == name and label in turn.samples()
            ]
            results.latencies(f"{name}, {label}", sorted(chain.from_iterable(every)))
    for figure, value in medians.get(OURS, {}).items():
        results.figure(f"{OURS}: {figure}", value, _unit(figure), better="more" if "messages/s" in figure else "less")
    for peer in names:
        if peer != OURS:
            _ratios(results, peer, medians.get(OURS, {}), medians[peer])
    shown = next((turn for turn in reversed(turns) if turn.server == OURS), turns[-1])
    results.throughput, results.cpu = shown.closed.throughput, shown.closed.cpu_series


def _medians(turns: list[Turn]) -> dict[str, float]:
    """By figure; one that no turn has is absent."""
    values: dict[str, list[float]] = {}
    for turn in turns:
        for figure, value in turn.figures().items():
            if value is not None:
                values.setdefault(figure, []).append(value)
    return {figure: statistics.median(of_figure) for figure, of_figure in values.items()}


def _ratios(results: Results, peer: str, ours: dict[str, float], theirs: dict[str, float]) -> None:
    for figure in RATIOS:
        if figure in ours and theirs.get(figure):
            goal = GOALS.get(peer, {}).get(figure)
            results.figure(f"{OURS} ÷ {peer}: {figure}", ours[figure] / theirs[figure], "×", goal)


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}"


def _wrong(turns: list[Turn], name: str) -> int:
    every = [counted for turn in turns if turn.server == name for counted in turn.counted()]
    return sum(counted.delivery.lost + counted.delivery.doubled for counted in every)


def _unit(figure: str) -> str:
    if figure.endswith("CPU"):
        return "µs/message"
    if figure.startswith("KiB"):
        return "KiB"
    return "messages/s" if figure.endswith("messages/s") else "ms"
