"""The seeded schedule: which faults, where, for how long, and how long a rest between them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.faults.kinds import Kind

TOGETHER = 0.25  # of the injections are two faults at once
REST = (0.3, 1.5)  # seconds


class Turn(NamedTuple):
    """Some faults at once: (kind, node, seconds until it is healed); then a rest of `rest` seconds."""

    faults: list[tuple[type[Kind], int, float]]
    rest: float


def turns(kinds: Sequence[type[Kind]], nodes: int, seed: int) -> Iterator[Turn]:
    """Without end; every kind once before any comes a second time. The same seed, the same turns."""
    rng = random.Random(f"schedule {seed}")
    deck: list[type[Kind]] = []
    while True:
        count = 2 if len(kinds) > 1 and rng.random() < TOGETHER else 1
        drawn: list[type[Kind]] = []
        while len(drawn) < count:
            if not deck:
                deck = rng.sample(list(kinds), len(kinds))
            kind = deck.pop()
            if kind not in drawn:
                drawn.append(kind)
        if any(kind.alone for kind in drawn):
            deck += drawn[1:]
            drawn = drawn[:1]
        yield Turn([(kind, rng.randrange(nodes), rng.uniform(*kind.lasts)) for kind in drawn], rng.uniform(*REST))
