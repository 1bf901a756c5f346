"""A witness of its own: a read-only connection to the database that asks whether a message is committed.

It shares nothing with the server but the file, so what it sees is what a crash would leave of the process
(not of the machine: that a commit is synced is held by another test).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import apsw


class Witness:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: apsw.Connection | None = None

    def missing(self, messages: Iterable[int]) -> list[int]:
        """Those of these message ids that nobody has committed; empty where the database does not answer."""
        with contextlib.suppress(apsw.BusyError, apsw.CantOpenError, apsw.IOError):
            return [number for number in messages if not self._rows("SELECT 1 FROM message WHERE id = ?", number)]
        return []

    def integrity(self) -> str:
        """`ok`, or what SQLite finds wrong."""
        return str(self._rows("PRAGMA integrity_check")[0][0])

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _rows(self, sql: str, *values: int) -> list[tuple[object, ...]]:
        if self._connection is None:
            self._connection = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READWRITE)
            self._connection.set_busy_timeout(200)
            self._connection.execute("PRAGMA query_only = 1")
        return self._connection.execute(sql, values).fetchall()
