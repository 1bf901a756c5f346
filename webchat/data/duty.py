"""A duty: work that one worker does for all that share a database, for as long as it lives.

It spares work and guards nothing: one that was cut off may believe for some seconds that the duty is still its own, so
whatever is done under it may be done by two at a time without harm. When its holder dies, however that happens, the
next one that asks has it: nothing that outlives a process or a connection stands for it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Protocol


class Duty(Protocol):
    """`held`: what `mine` said last, without a question."""

    @property
    def held(self) -> bool: ...

    def mine(self) -> bool:
        """Whether this worker has the duty; takes it where nobody has it. Ask again every few seconds."""

    def close(self) -> None:
        """Leave it to the others."""


class SqliteDuty:
    """A lock on a file beside the database, which the kernel lets go of when the process ends.

    PostgreSQL's is in `webchat.data.duty_postgres`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".duty")
        self._file: int | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def mine(self) -> bool:
        if self.held:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
