"""What processes cost, from /proc: CPU seconds of all their threads, and the memory that is theirs.

CPU comes from the scheduler's own count (nanoseconds, per thread); where a kernel does not keep it, from the clock
ticks of `stat` (10 ms). Memory is PSS: pages that several processes share count in parts, so that sums are true.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def seconds(pid: int) -> float:
    """CPU seconds since the process began; 0 where it is gone."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return sum(int((task / "schedstat").read_text().split()[0]) for task in _tasks(pid)) / 1e9
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK
    return 0.0


def memory(pid: int) -> int:
    """Bytes (PSS); 0 where it is gone. Resident size where the kernel does not tell more."""
    for name, key in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/{name}").read_text().splitlines():
                if line.startswith(key):
                    return int(line.split()[1]) * 1024
    return 0


def all_memory(pids: dict[str, list[int]]) -> int:
    """Bytes of all roles together."""
    return sum(memory(pid) for of_role in pids.values() for pid in of_role)


def _tasks(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())


class Meter:
    """Readings of the same processes over time; a label is `worker`, or `worker 1`, `worker 2` where there are
    several."""

    def __init__(self, pids: dict[str, list[int]]) -> None:
        self._labels = {
            (role if len(of_role) == 1 else f"{role} {place}"): pid
            for role, of_role in pids.items()
            for place, pid in enumerate(of_role, 1)
        }
        self._last = self._read()
        self.times = [time.monotonic()]
        self.used: dict[str, list[float]] = {label: [] for label in self._labels}  # seconds, per interval

    def _read(self) -> dict[str, float]:
        return {label: seconds(pid) for label, pid in self._labels.items()}

    def read(self) -> float:
        """End an interval; the CPU seconds that all used in it."""
        now = self._read()
        self.times.append(time.monotonic())
        spent = {label: now[label] - self._last[label] for label in now}
        for label, of_label in spent.items():
            self.used[label].append(of_label)
        self._last = now
        return sum(spent.values())

    @property
    def is_real(self) -> bool:
        """Whether there is any process to read."""
        return bool(self._labels)

    @property
    def total(self) -> float:
        """CPU seconds over all intervals."""
        return sum(map(sum, self.used.values()))

    def by_role(self) -> dict[str, float]:
        """CPU seconds over all intervals, by label."""
        return {label: sum(of_label) for label, of_label in self.used.items()}

    @property
    def length(self) -> float:
        """Seconds over all intervals."""
        return self.times[-1] - self.times[0]

    def series(self, start: float) -> dict[str, list[tuple[float, float]]]:
        """Percent of a core in each interval, against seconds since `start` (time.monotonic())."""
        spans = list(zip(self.times, self.times[1:], strict=False))
        return {
            label: [
                (round(end - start, 2), round(100 * used / (end - begin), 2))
                for (begin, end), used in zip(spans, of_label, strict=True)
            ]
            for label, of_label in self.used.items()
        }
