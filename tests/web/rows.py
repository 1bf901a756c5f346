"""What is in the database: for tests that say that a refused request has written nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw

TABLES = (
    *("user", "session", "relation", "conversation", "member", "message", "entry"),
    *("block", "version", "attachment", "audit"),
)

Rows = dict[str, list[tuple[Any, ...]]]


def written(data: Path) -> Rows:
    """All rows of the tables that a call may write; presence is not among them, it comes and goes by itself."""
    connection = apsw.Connection(str(data / "webchat.db"), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        return {table: connection.execute(f'SELECT * FROM "{table}" ORDER BY 1, 2').fetchall() for table in TABLES}
    finally:
        connection.close()
