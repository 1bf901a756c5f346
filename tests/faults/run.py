"""One run: start the real thing, drive it, break it, mend it, read it, judge it."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import gevent

from tests.faults import census, finale
from tests.faults.canary import Canaries
from tests.faults.fleet import Fleet
from tests.faults.history import History
from tests.faults.kinds import KINDS, Kind, Scene
from tests.faults.oracle import Violation, judge
from tests.faults.schedule import Turn, turns
from tests.faults.stage import Stage

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Plan:
    """What is asked for. `seconds` of faults; starting, reading and judging come on top. `pace` in seconds per act.

    `once`: each kind one time, however long that takes; `hosts`: each node on its own one (`tests.cluster.hosts`);
    `plant`: a bug of the self-test, in all workers.
    """

    engine: str = "sqlite"
    seconds: float = 60
    seed: int = 1
    nodes: int = 3
    workers: int = 2
    clients: int = 200
    pace: float = 6.0
    hold: float = 6.0
    faults: tuple[str, ...] = ()
    once: bool = False
    hosts: bool = False
    plant: str = ""

    @property
    def place(self) -> str:
        return "hosts" if self.hosts else "loopback"

    def kinds(self) -> list[type[Kind]]:
        wanted = [KINDS[name] for name in self.faults or KINDS]
        return [kind for kind in wanted if self.engine in kind.engines and self.place in kind.places]

    def stage(self, logs: Path) -> Stage:
        sizes = (self.nodes, self.workers, self.hold, self.engine, self.plant)
        if self.hosts:
            from tests.cluster.hosts.stage import Hosts  # it needs more than the rest

            return Hosts(*sizes, logs=logs)
        return Stage(*sizes, logs=logs)


def run(plan: Plan, path: Path, progress: Progress) -> tuple[History, list[Violation]]:
    """The history (also in the file `path`) and what the oracle says of it."""
    progress("starting", 0)
    with (
        plan.stage(path.with_suffix(".logs")) as stage,
        # Not before: where nothing can be started, an older run's history stays.
        contextlib.closing(History(path)) as history,
    ):
        history.note("run", **asdict(plan), cores=os.cpu_count())
        _drive(plan, stage, history, progress)
        history.note("final.integrity", said=stage.witness.integrity())
        history.note("final.processes", pids=stage.end())
    progress("judging", 1)
    return history, judge(history.records)


def _drive(plan: Plan, stage: Stage, history: History, progress: Progress) -> None:
    canaries = Canaries(stage, history, plan.seed)
    fleet = Fleet(stage, history, plan.clients, plan.seed, plan.pace)
    everybody = [*fleet.devices, *canaries.devices]
    before = census.take(stage)
    lag = _Lag()
    canaries.start()
    fleet.start()
    if canaries.recover() is None:
        raise TimeoutError("the chat does not work even before anything is broken")
    scene = Scene(stage, fleet, history, random.Random(f"faults {plan.seed}"), canaries.devices)
    began, seen = history.now(), set[type[Kind]]()
    for turn in turns(plan.kinds(), plan.nodes, plan.seed):
        part = len(seen) / len(plan.kinds()) if plan.once else (history.now() - began) / plan.seconds
        if part >= 1:
            break
        progress(", ".join(kind.name() for kind, _, _ in turn.faults), part)
        _take(turn, scene, canaries)
        seen.update(kind for kind, _, _ in turn.faults)
    progress("the last messages", 1)
    fleet.stop_acting()
    finale.settle_presence(history, everybody)
    finale.read_everything(history, everybody)
    progress("half of them leave", 1)
    finale.half_leaves(history, everybody)
    progress("all of them leave", 1)
    history.note("final.lag", lag=lag.stop())
    finale.all_leave(stage, history, everybody, before)


def _take(turn: Turn, scene: Scene, canaries: Canaries) -> None:
    """Inject all of the turn's faults, heal each in its time, wait until all is well."""
    history, first = scene.history, len(scene.history.records)
    promise = max(kind.promise for kind, _, _ in turn.faults)
    active = [(kind(scene, scene.stage.nodes[node]), seconds) for kind, node, seconds in turn.faults]
    healing = [
        gevent.spawn(_inject_and_heal, history, f"{first}.{n}", fault, seconds, promise)
        for n, (fault, seconds) in enumerate(active)
    ]
    gevent.joinall(healing, raise_error=True)
    healed = max(record["t"] for record in history.records[first:] if record["e"] == "heal")
    well = canaries.recover()
    for n in range(len(active)):
        if well is not None:
            history.note("recovered", id=f"{first}.{n}", seconds=round(well - healed, 3))
    canaries.log_in()
    gevent.sleep(turn.rest)


def _inject_and_heal(history: History, number: str, fault: Kind, seconds: float, promise: float) -> None:
    history.note(
        "inject",
        id=number,
        kind=fault.name(),
        node=fault.node.index,
        promise=promise,
        cuts=fault.cuts,
        stalls=fault.stalls,
        spotless=fault.spotless,
    )
    try:
        fault.inject()
        gevent.sleep(seconds)
    finally:
        history.note("heal", id=number)  # before: a restart counts as recovery
        fault.heal()


class _Lag:
    """By how much the harness itself is late at worst: what it adds to every time that it measures."""

    STEP = 0.05

    def __init__(self) -> None:
        self._worst = 0.0
        self._loop = gevent.spawn(self._run)

    def stop(self) -> float:
        self._loop.kill()
        return round(self._worst, 3)

    def _run(self) -> None:
        while True:
            due = time.monotonic() + self.STEP
            gevent.sleep(self.STEP)
            self._worst = max(self._worst, time.monotonic() - due)


def check_names(names: Sequence[str], engine: str, place: str) -> str:
    """Empty, or a sentence on what is no fault kind, or none for this engine or on this kind of stage."""
    for name in names:
        if name not in KINDS:
            return f"there is no fault kind {name!r}; --list shows them"
        if engine not in KINDS[name].engines:
            return f"the fault kind {name!r} is for --engine {' or '.join(KINDS[name].engines)}"
        if place not in KINDS[name].places:
            return f"the fault kind {name!r} is for runs {'with' if place == 'loopback' else 'without'} --hosts"
    return ""
