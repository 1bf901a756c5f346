"""The raw history of a run: one JSON object a line, in the order in which the harness learned of things.

Every record has `t` (seconds since the run began, monotonic, one clock for all clients) and `e` (what it is):

    run        the parameters                     load    a client loaded snapshot and history pages
    inject, heal, recovered    a fault            poll    one long poll, answered or failed
    change, changed    what a client did to a message later, and each answer
    deed, done what a person did about themselves or another, and each answer
    send, try  a message, and each request for it read    a read mark was moved
    call       any other request                  claim   a check that the harness made itself
    final.*    what was read when all was over

The oracle judges from these records alone, so that any verdict can be re-checked later (`--judge`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

Record = dict[str, Any]

_encode = msgspec.json.Encoder().encode


class History:
    """Collects the records in memory and, with a `path`, in a file that survives the harness's own death."""

    def __init__(self, path: Path | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self.records: list[Record] = []
        self._clock = clock
        self._began = clock()
        self._file = path.open("wb") if path else None

    def now(self) -> float:
        """Seconds since the run began."""
        return round(self._clock() - self._began, 6)

    def note(self, event: str, **fields: Any) -> Record:
        record = {"t": self.now(), "e": event, **fields}
        self.records.append(record)
        if self._file:
            self._file.write(_encode(record) + b"\n")
        return record

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None


def load(path: Path) -> list[Record]:
    """A recorded history. Raises ValueError for a file that is none."""
    with path.open("rb") as file:
        return list(_records(file))


def _records(lines: Iterator[bytes]) -> Iterator[Record]:
    for number, line in enumerate(lines, 1):
        try:
            record = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise ValueError(f"line {number} is no record: {error}") from None
        if "e" not in record:
            raise ValueError(f"line {number} is no record")
        yield record
