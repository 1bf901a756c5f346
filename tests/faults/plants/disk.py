"""A full disk, as SQLite sees it: `max_page_count` at the size that the database has."""

from __future__ import annotations

from typing import Any

from tests.faults.switches import Switches
from webchat.data.transaction import Transaction
from webchat.node import Node

NO_LIMIT = 1_073_741_823  # SQLite's own default
FULL = "disk.full"
BIG = 1 << 24  # bytes; free pages inside the file would take a small message yet


def install(node: Node, switches: Switches) -> None:
    limited = False
    add = Transaction.add_message

    def add_message(self: Transaction, *values: Any) -> Any:
        nonlocal limited
        if switches.is_on(FULL):
            limited = True
            self._on.rows("PRAGMA max_page_count = 1")  # SQLite makes that: as many as there are
            self._on.rows("CREATE TABLE filler (rest BLOB)")
            self._on.rows("INSERT INTO filler VALUES (zeroblob(?))", (BIG,))
        elif limited:
            limited = False
            self._on.rows(f"PRAGMA max_page_count = {NO_LIMIT}")
        return add(self, *values)

    Transaction.add_message = add_message  # type: ignore[method-assign, assignment]
