"""Processes as Linux shows them in /proc: whose child is who, and what they hold. For processes of ours only."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import gevent


def children(parent: int) -> list[int]:
    """The pids of a process's children, oldest first."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                # The name in parentheses may hold anything: what counts follows the last one.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == parent and fields[0] != "Z":
                    found.append(int(entry.name))
    return sorted(found)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def open_files(pid: int) -> int:
    """How many file descriptors it holds; 0 where it is gone."""
    with contextlib.suppress(OSError):
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return 0


def resident_kib(pid: int) -> int:
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])
    return 0


def marked(variable: str) -> list[int]:
    """The processes that inherited this `NAME=value` from the harness."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if variable.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return [pid for pid in found if is_alive(pid)]


def send(pid: int, signum: int) -> None:
    """Signal one process; gone already is fine."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signum)


def end(pids: list[int]) -> None:
    for pid in pids:
        send(pid, signal.SIGKILL)


def until(what: str, look: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for the condition. Raises TimeoutError that names it."""
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        gevent.sleep(0.02)
