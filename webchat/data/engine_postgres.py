"""PostgreSQL through psycopg 3. Any number of hosts may share the database.

Every read takes a connection for one statement, so it yields: whoever asks the database must expect the
world to have moved on when the answer is there. Every write transaction has a connection of its own, and
several run at a time. They wait for one another's rows, which are locked in this order, everywhere:

    users (ascending) → conversations (ascending), each before its members (ascending) → message
        → its search index (a row of `indexed`) → files (ascending) → presence (one row for all) → feeds (ascending)

A feed's row is locked from the moment its next number is taken until the commit, so numbers become visible
in the order in which they were given. READ COMMITTED is all that this needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from typing import Any, TypeVar

import peewee
import psycopg
from gevent import getcurrent
from gevent.lock import BoundedSemaphore

from webchat.data.engine import Reader
from webchat.data.postgres_pool import Cursor, Lost, Pool, Session, Timeouts, Unsettled, translated
from webchat.data.transaction_postgres import SEND
from webchat.errors import Unavailable

T = TypeVar("T")

READERS = 2  # connections of the pool that write transactions leave to readers
_READ_ONLY = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_READ_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"


class _Database(peewee.PostgresqlDatabase):
    """Peewee's handle: it builds the statement, `execute` runs it on whatever connection is the right one."""

    def __init__(self, execute: Callable[[str, Sequence[Any]], Cursor]) -> None:
        super().__init__("postgresql", prefer_psycopg3=True)
        self._run = execute

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Cursor:
        return self._run(sql, params or ())


class PostgresConnection:
    """One session's statements; see `webchat.data.engine.Connection`."""

    for_update = " FOR UPDATE"

    def __init__(self, session: Session) -> None:
        self.session = session
        self.sends = False  # whether it has the function by which messages are sent
        self.database: peewee.Database = _Database(self.execute)

    @classmethod
    def of(cls, session: Session) -> PostgresConnection:
        """Kept with the session: a handle of Peewee's takes longer to make than a query."""
        if session.handle is None:
            session.handle = cls(session)
        connection: PostgresConnection = session.handle
        return connection

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Cursor:
        """`sql` with `%s`, as psycopg has it."""
        try:
            return self.session.cursor(binary=True).execute(sql, parameters)
        except psycopg.Error as error:
            raise translated(error, self.session) from error

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        cursor = self.execute(_placeholders(sql), parameters)
        return cursor.fetchall() if cursor.description else []

    def run(self, query: Any) -> Any:
        return query.execute(self.database)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self.rows("SAVEPOINT job")
        try:
            yield
        except BaseException:
            if self.session.in_transaction:
                self.rows("ROLLBACK TO job")
                self.rows("RELEASE job")
            raise
        self.rows("RELEASE job")


class PostgresReader:
    """A connection of the pool for each statement, or the one of the greenlet's snapshot."""

    for_update = ""  # nobody waits in order to read

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._snapshots: dict[Any, PostgresConnection] = {}
        self.database: peewee.Database = _Database(self._execute)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._execute(_placeholders(sql), parameters).fetchall()

    def run(self, query: Any) -> Any:
        return query.execute(self.database)

    def _execute(self, sql: str, parameters: Sequence[Any]) -> Cursor:
        connection = self._snapshots.get(getcurrent()) if self._snapshots else None
        if connection is not None:
            return connection.execute(sql, parameters)
        try:
            return self._execute_once(sql, parameters)
        except Lost:
            return self._execute_once(sql, parameters)  # on another connection; reading twice harms nobody

    def _execute_once(self, sql: str, parameters: Sequence[Any]) -> Cursor:
        with self._pool.lease() as session:
            return PostgresConnection.of(session).execute(sql, parameters)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        reader = getcurrent()
        with self._pool.lease() as session:
            connection = self._snapshots[reader] = PostgresConnection.of(session)
            try:
                connection.execute(_READ_ONLY)
                yield
            finally:
                del self._snapshots[reader]
                _roll_back(connection)


class PostgresEngine:
    """See `webchat.data.engine.Engine`. `connections`: the most that this worker opens, at least 3.

    `writers`: how many write transactions may run at a time.
    """

    def __init__(self, url: str, connections: int, timeouts: Timeouts = Timeouts()) -> None:  # noqa: B008  immutable
        self._pool = Pool(url, connections, timeouts)
        self.writers = connections - READERS
        self.reader = PostgresReader(self._pool)
        self._asking = BoundedSemaphore()

    @property
    def connected_at(self) -> float:
        """When the youngest connection was opened (monotonic)."""
        return self._pool.connected_at

    def snapshot(self) -> AbstractContextManager[None]:
        return self.reader.snapshot()

    def aside(self, question: Callable[[Reader], T]) -> T:
        """Every read here lets the event loop go on; but it keeps a connection, and there are few."""
        with self._asking:
            return question(self.reader)

    def writing(self) -> AbstractContextManager[PostgresConnection]:
        """One of many write transactions, on the event loop. Raises also what `postgres_pool` tells apart."""
        return _writing(self._pool)

    def writing_at_once(self) -> AbstractContextManager[PostgresConnection]:
        """`writing`, for one statement: it is a transaction by itself, and costs one round trip instead of three."""
        return _writing_at_once(self._pool)

    def close(self) -> None:
        self._pool.close()


def _writer(session: Session) -> PostgresConnection:
    connection = PostgresConnection.of(session)
    if not connection.sends:
        connection.execute(SEND)
        connection.sends = True
    return connection


@contextmanager
def _writing_at_once(pool: Pool) -> Iterator[PostgresConnection]:
    with pool.lease() as session:
        connection = _writer(session)
        try:
            yield connection
        except Unavailable as error:
            if session.usable:
                raise  # the server said that it did not
            raise _unsettled(error) from error


@contextmanager
def _writing(pool: Pool) -> Iterator[PostgresConnection]:
    with pool.lease() as session:
        connection = _writer(session)
        connection.execute(_READ_WRITE)
        try:
            yield connection
        except BaseException:
            _roll_back(connection)
            raise
        _commit(connection)


def _roll_back(connection: PostgresConnection) -> None:
    """Where that is not possible any more, the lease closes the connection, and the server rolls back."""
    if connection.session.in_transaction:
        with suppress(Unavailable):
            connection.execute("ROLLBACK")


def _commit(connection: PostgresConnection) -> None:
    try:
        done = connection.execute("COMMIT")
    except Unavailable as error:
        if connection.session.usable:
            raise  # the server said that it did not
        raise _unsettled(error) from error
    if done.statusmessage != "COMMIT":
        raise RuntimeError("a statement had failed, and whoever asked for it went on regardless")


def _unsettled(error: Unavailable) -> Unsettled:
    return Unsettled(error.detail, code=error.code, retry_after=error.retry_after)


@lru_cache(maxsize=256)
def _placeholders(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")
