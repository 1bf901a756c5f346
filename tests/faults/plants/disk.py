"""A full disk, as SQLite sees it: `max_page_count` at the size that the database has."""

from __future__ import annotations

from collections.abc import Sequence

from tests.faults.switches import Switches
from webchat.data.transaction_batch import BatchTransaction
from webchat.data.transaction_sqlite import SqliteTransaction
from webchat.entities.talk import Draft, Posted
from webchat.node import Node

NO_LIMIT = 1_073_741_823  # SQLite's own default
FULL = "disk.full"
BIG = 1 << 24  # bytes; free pages inside the file would take a small message yet


def install(node: Node, switches: Switches) -> None:
    limited = False
    plain = SqliteTransaction.post

    def post(self: BatchTransaction, drafts: Sequence[Draft]) -> list[Posted | None]:
        nonlocal limited
        if switches.is_on(FULL) and drafts:
            limited = True
            self.on.rows("PRAGMA max_page_count = 1")  # SQLite makes that: as many as there are
            self.on.rows("CREATE TABLE filler (rest BLOB)")
            self.on.rows("INSERT INTO filler VALUES (zeroblob(?))", (BIG,))
        elif limited:
            limited = False
            self.on.rows(f"PRAGMA max_page_count = {NO_LIMIT}")
        return plain(self, drafts)

    SqliteTransaction.post = post  # type: ignore[method-assign]
