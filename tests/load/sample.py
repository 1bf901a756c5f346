"""One measurement: warm up, then look at a steady window, then wait until everything that was sent is there.

CPU and deliveries are counted over the same window, so that their quotient is what one delivered message costs.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass

from tests.load.cpu import Meter
from tests.load.crew import Crew
from tests.load.dialect import Server
from tests.load.tally import Delivery, Record

WARM_UP = 2.0  # seconds
CALM = 0.03  # CPU seconds of all server processes in a second
INTERVAL = 0.5  # seconds between two readings, which are the points of the series


@dataclass
class Counted:
    """What became of the messages of one measurement, warm-up and end included."""

    delivery: Delivery
    records: list[Record]


@dataclass
class Sample(Counted):
    """What was seen in a window of `seconds`; latencies in ms, in ascending order."""

    seconds: float
    cpu: float | None  # seconds, of all server processes together; None where nobody told which they are
    deliveries: int
    latencies: list[float]
    throughput: list[tuple[float, float]]
    cpu_series: dict[str, list[tuple[float, float]]]

    @property
    def cpu_each(self) -> float | None:
        """Microseconds of server CPU for a delivered message."""
        return 1e6 * self.cpu / self.deliveries if self.deliveries and self.cpu is not None else None

    @property
    def rate(self) -> float:
        """Deliveries a second."""
        return self.deliveries / self.seconds


def take(
    server: Server,
    crew: Crew,
    begin: Callable[[], object],
    seconds: float,
    show: Callable[[float], None] = lambda _part: None,
    warm_up: float = WARM_UP,
) -> Sample:
    """Start the work by `begin`, measure it, and end it."""
    begin()
    time.sleep(warm_up)
    meter, clients = Meter(server.pids()), Meter({"client": crew.pids()})
    start, start_ns = meter.times[0], time.monotonic_ns()
    while (now := time.monotonic()) < start + seconds:
        time.sleep(min(INTERVAL, max(0.01, start + seconds - now)))
        meter.read()
        clients.read()
        show(min(1.0, meter.length / seconds))
    end_ns = time.monotonic_ns()
    records, delivery = crew.finish()
    latencies, arrivals = [], []
    for record in records:
        for due, here in zip(record.due, record.here, strict=True):
            if start_ns <= here < end_ns:
                latencies.append((here - due) / 1e6)
                arrivals.append(here)
    return Sample(
        delivery,
        records,
        meter.length,
        meter.total if meter.is_real else None,
        len(arrivals),
        sorted(latencies),
        _throughput(array("q", arrivals), start_ns, end_ns),
        meter.series(start) | clients.series(start),
    )


def calm(server: Server, seconds: float = 25.0) -> None:
    """Wait until the server's processes have hardly anything to do, or for `seconds`. That a client has written its
    poll does not mean that the server has read it."""
    meter = Meter(server.pids())
    deadline = time.monotonic() + seconds
    while meter.is_real and time.monotonic() < deadline:
        time.sleep(1.0)
        if meter.read() < CALM:
            return


def _throughput(arrivals: array[int], start: int, end: int) -> list[tuple[float, float]]:
    """Deliveries a second in each interval."""
    width = int(INTERVAL * 1e9)
    counts = [0] * ((end - start) // width)
    for at in arrivals:
        place = (at - start) // width
        if place < len(counts):
            counts[place] += 1
    return [(round((place + 1) * INTERVAL, 2), count / INTERVAL) for place, count in enumerate(counts)]
