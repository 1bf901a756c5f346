"""The seam between the chat and a database engine: two kinds of connection, and what may be asked of each.

`Engine.reader` serves the event loop: short statements that find their rows by an index. A read may yield to
other greenlets. `Engine.writing` opens a write transaction, where the engine's committer wants it: SQLite's
one at a time on a native thread, PostgreSQL's several on the event loop. An engine promises:

- what `writing` leaves without an exception is committed **and synced**;
- feed numbers become visible in the order in which they were given;
- whatever the engine cannot do now is raised as `Unavailable`, with nothing written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import peewee

T = TypeVar("T")


class Reader(Protocol):
    """Where statements run: hot ones as SQL with `?`, all others as Peewee queries."""

    database: peewee.Database
    # Ends a SELECT whose rows nobody else may change until this transaction is through. Empty where there is
    # never more than one write transaction.
    for_update: str

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement through the prepared-statement cache and fetch all its rows."""

    def run(self, query: Any) -> Any:
        """Execute a Peewee query; what Peewee returns."""


def is_postgres(on: Reader) -> bool:
    """For the few statements that the engines have each in a way of its own."""
    return isinstance(on.database, peewee.PostgresqlDatabase)


class Connection(Reader, Protocol):
    """One open connection, in a transaction."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo what the block wrote if it raises, and nothing else of the transaction."""


class Engine(Protocol):
    """A database engine, opened once per worker."""

    @property
    def reader(self) -> Reader: ...

    def snapshot(self) -> AbstractContextManager[None]:
        """Make all reads of the block, in this greenlet, see one state of the database."""

    def aside(self, question: Callable[[Reader], T]) -> T:
        """Ask what may take long (milliseconds): the event loop goes on meanwhile. One such question at a time."""

    def writing(self) -> AbstractContextManager[Connection]:
        """A write transaction; call it where the engine's committer does."""

    def close(self) -> None: ...
