"""A planted bug's scenario: the shortest way of some people and two nodes to where the bug must show."""

from __future__ import annotations

import random
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gevent

from tests.faults import census, finale
from tests.faults.device import Device
from tests.faults.history import History
from tests.faults.oracle import Violation, judge
from tests.faults.stage import LINGER, Stage

SOON = 3.0  # seconds in which everything must have arrived at the end
PARKED = 0.5  # seconds in which a poll is surely parked
HERE, THERE = 0, 1  # the nodes


class Scenario(ABC):
    """Ann sends at node HERE, Bob polls at node THERE. `caught_by`: the invariants that may convict the bug."""

    caught_by: tuple[str, ...] = ()
    hold = 6.0
    linger = LINGER
    engines: tuple[str, ...] = ("sqlite", "postgres")
    leaves = False  # is it in how things are left behind?

    def __init__(self, stage: Stage, history: History, seed: int, planted: bool) -> None:
        self.stage = stage
        self.history = history
        self.planted = planted
        rng = random.Random(seed)
        people = stage.people(4, [(0, 1), (2, 1)])
        self.ann, self.bob, self.carl = (
            Device(stage, history, one, name, random.Random(rng.random()))
            for one, name in zip(people, ("ann", "bob", "carl"), strict=False)  # and a stranger
        )
        self.bobs_phone = Device(stage, history, people[1], "phone", random.Random(rng.random()), people[1].spare[0])
        self.bob.pin = self.bobs_phone.pin = THERE

    @classmethod
    def bug(cls) -> str:
        """`LateSubscription` → `late_subscription`, its name in `tests.faults.plants.bugs`."""
        return re.sub(r"(?<!^)([A-Z])", r"_\1", cls.__name__).lower()

    @classmethod
    def summary(cls) -> str:
        return (cls.__doc__ or "").strip().splitlines()[0]

    @abstractmethod
    def play(self) -> None: ...

    # --- what scenarios are made of

    def ann_says(self, times: int = 1, node: int = HERE) -> None:
        for _ in range(times):
            self.ann.send(self.bob.person.name, node)

    def bob_polls(self) -> None:
        """Bob's poll is parked when this returns."""
        if self.bob.cursor is None:
            self.bob.load()
        self.bob.start()
        gevent.sleep(PARKED)

    @contextmanager
    def fault(self, kind: str, cuts: bool = False, stalls: float = 6.0) -> Iterator[None]:
        """Put on record that something was broken meanwhile."""
        number = f"{kind}.{len(self.history.records)}"
        self.history.note("inject", id=number, kind=kind, node=None, promise=10, cuts=cuts, stalls=stalls)
        yield
        self.history.note("heal", id=number)
        self.history.note("recovered", id=number, seconds=0)


def play(
    kind: type[Scenario], planted: bool, seed: int, path: Path | None, engine: str
) -> tuple[list[Violation], float]:
    """The violations, and the seconds that it took from the nodes' being ready to the verdict."""
    history = History(path)
    try:
        bug = kind.bug() if planted else ""
        with Stage(2, 1, kind.hold, engine, bug, kind.linger) as stage:
            history.note("run", bug=kind.bug(), planted=planted, seed=seed)
            scenario = kind(stage, history, seed, planted)
            began = history.now()
            before = census.take(stage) if kind.leaves else None
            scenario.play()
            devices = [scenario.ann, scenario.bob, scenario.carl, scenario.bobs_phone]
            finale.read_everything(history, devices[:3], SOON)
            if before is not None:
                finale.all_leave(stage, history, devices, before, kind.linger + 3)
            for device in devices:
                device.stop()
            history.note("final.integrity", said=stage.witness.integrity())
            violations = judge(history.records)
            return violations, history.now() - began
    finally:
        history.close()
