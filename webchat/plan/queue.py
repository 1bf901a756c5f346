"""How long a message waits where workers are busy: a simulation of its way through three queues.

    the sender's event loop → the committer, or PostgreSQL → the receiver's event loop

Each serves one at a time, in order. Messages come as a Poisson process, and service times are exponential: that is
more spread than real ones have. What is not in it: the network, the clients, and a machine with other work. Measured
tails are longer for that; the median is what it is held against.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

MESSAGES = 20_000  # of one simulation: 200 are beyond the p99
SETTLING = 1_000  # the first ones meet queues that are emptier than later


class Latency(NamedTuple):
    """Milliseconds."""

    p50: float
    p99: float


def simulate(rate: float, services: Sequence[float], seed: int = 1) -> Latency:
    """Messages at `rate` a second through stations with these mean service times (seconds), one after the other.

    Raises ValueError where a station has more work than time: its queue would grow for ever.
    """
    if any(rate * service >= 1 for service in services):
        raise ValueError("a station has more work than time")
    chance = random.Random(seed)
    free = [0.0] * len(services)  # when each station is done with all that came before
    came, waits = 0.0, []
    for number in range(SETTLING + MESSAGES):
        came += chance.expovariate(rate)
        now = came
        for station, service in enumerate(services):
            now = free[station] = max(now, free[station]) + chance.expovariate(1 / service)
        if number >= SETTLING:
            waits.append(1000 * (now - came))
    waits.sort()
    return Latency(waits[len(waits) // 2], waits[len(waits) * 99 // 100])
