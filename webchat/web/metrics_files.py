"""The files in which a node's workers leave their numbers for one another, and what becomes of a dead worker's.

prometheus_client keeps one file of counters and one of histograms for every process that ever was, and reads all of
them for each answer: a node that replaces its workers often would answer ever later. So a worker that begins adds up
the files of those that are no more into one. Counters do not go back by that: whoever reads waits meanwhile.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

LOCK = "lock"
DEAD = 0  # stands for the pid in the names of the files of all that are dead: no process has it
_OF_ONE = re.compile(r"(?P<kind>counter|histogram)_(?P<pid>[1-9]\d*)\.db")


def folder() -> Path | None:
    """Where the files are; None where this process is alone and needs none."""
    path = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(path) if path else None


def begin() -> None:
    """Called by a worker that has made its files: add up those of the dead, and make sure of the space of one's own."""
    where = folder()
    if where is None:
        return
    with _locked(where, fcntl.LOCK_EX):
        for path in where.iterdir():
            one = _OF_ONE.fullmatch(path.name)
            if one and not Path(f"/proc/{one['pid']}").exists() and Path("/proc/self").exists():
                _add(path, where / f"{one['kind']}_{DEAD}.db")
                path.unlink()
    for path in where.glob(f"*_{os.getpid()}.db"):
        # They are maps with holes: to write into one on a full disk would kill the worker (SIGBUS).
        with path.open("r+b") as file, contextlib.suppress(OSError, AttributeError):
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def written() -> list[str]:
    """The files that can be read. One that a worker is just making is empty, which prometheus_client takes ill."""
    where = folder()
    found = []
    for path in where.glob("*.db") if where else ():
        with contextlib.suppress(FileNotFoundError):  # a dead worker's gauge
            if path.stat().st_size:
                found.append(str(path))
    return found


@contextlib.contextmanager
def unchanged() -> Iterator[None]:
    """Nobody adds up files meanwhile."""
    where = folder()
    if where is None:
        yield
        return
    with _locked(where, fcntl.LOCK_SH):
        yield


@contextlib.contextmanager
def _locked(where: Path, how: int) -> Iterator[None]:
    with (where / LOCK).open("w") as lock:
        fcntl.flock(lock, how)
        yield


def _add(one: Path, all_dead: Path) -> None:
    added = MmapedDict(str(all_dead))  # type: ignore[no-untyped-call]
    for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(str(one)):  # type: ignore[no-untyped-call]
        added.write_value(key, added.read_value(key)[0] + value, timestamp)  # type: ignore[no-untyped-call]
    added.close()  # type: ignore[no-untyped-call]
