"""What a fault kind is: something that can be broken, and mended again."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from dataclasses import dataclass

from tests.faults.device import Device
from tests.faults.fleet import Fleet
from tests.faults.history import History
from tests.faults.node import Node
from tests.faults.stage import Stage


@dataclass
class Scene:
    """What a fault may lay hands on."""

    stage: Stage
    fleet: Fleet
    history: History
    rng: random.Random
    canaries: list[Device]  # well-behaved clients of the harness's own

    def claim(self, invariant: str, holds: bool, sentence: str) -> None:
        """Put a check of the harness's own on record; the oracle counts those that do not hold."""
        self.history.note("claim", invariant=invariant, holds=holds, sentence=sentence)


class Kind(ABC):
    """One injection of a fault. Made anew for each."""

    promise = 5.0  # seconds from the heal until everything is fast again
    cuts = False  # may it end a client's request?
    stalls = 0.0  # seconds that it may add to an answer
    lasts = (0.0, 0.0)  # seconds between injection and heal, drawn evenly
    engines: tuple[str, ...] = ("sqlite", "postgres")
    places: tuple[str, ...] = ("loopback", "hosts")  # on what kind of stage
    alone = False  # no other fault at the same time
    spotless = False  # may no request fail meanwhile, not even with a 503?

    def __init__(self, scene: Scene, node: Node) -> None:
        self.scene = scene
        self.stage = scene.stage
        self.node = node
        self.rng = scene.rng

    @abstractmethod
    def inject(self) -> None:
        """Break it. Returns at once."""

    def heal(self) -> None:  # noqa: B027  most faults pass by themselves
        """Mend it; what was killed is started again. Also called when the run is interrupted."""

    @classmethod
    def name(cls) -> str:
        """`WorkerKill` → `worker-kill`."""
        return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in cls.__name__).lstrip("-")

    @classmethod
    def summary(cls) -> str:
        return (cls.__doc__ or "").strip().splitlines()[0]
