"""SQLite through apsw, whose bundled library is newer than most systems' and releases the GIL in each step.

WAL with `synchronous=FULL`: a commit has reached the disk when it returns. The workers of one machine
queue for the write lock in `flock` (fair, woken at once) because SQLite's own busy handler sleeps in
steps and starves the unlucky.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import apsw
import gevent
import peewee
from gevent.lock import BoundedSemaphore
from playhouse.apsw_ext import APSWDatabase

from webchat.data.engine import Reader
from webchat.data.host import boot_id
from webchat.data.transaction_sqlite import SCHEMA
from webchat.errors import SetupError, Unavailable

T = TypeVar("T")

# The release that fixed a race in which a WAL reset could corrupt the database.
SQLITE_MIN = (3, 51, 3)

_PRAGMAS = {
    # Bytes; of a new file, for ever. A send changes a few bytes in each of some six pages, and each of them is read,
    # summed up and written whole: with SQLite's 4096 a commit of one message took a third more CPU.
    "page_size": 1024,
    "journal_mode": "wal",
    "synchronous": "full",
    # Pages in the log until they are written back. Busy pages (a feed's end, a counter) are then written back once for
    # many commits; the price is a log of some 16 MB.
    "wal_autocheckpoint": 16_000,
    "foreign_keys": 1,
    "cache_size": -4_000,  # KiB; what another process commits empties it, and then the kernel's cache serves
    "temp_store": "memory",
}
# What may pass by itself; every other error of SQLite's is a mistake of ours.
TRANSIENT = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.FullError,
    apsw.IOError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.ProtocolError,
    apsw.NoMemError,
)
_flock = ctypes.PyDLL(None).flock
READ_BUSY = 0.05  # seconds; a reader in WAL mode waits only for a recovery, and the event loop waits with it
USE_PATIENCE = 1.0  # seconds that one waits for those who come or go at the same moment
WRITE_BUSY = 5.0  # seconds that a writer waits for a foreign process's lock, on its own thread


class _Database(APSWDatabase):  # type: ignore[misc]
    """Peewee's handle on one apsw connection, shared by all greenlets of a thread."""

    def __init__(self, path: Path, busy: float) -> None:
        # thread_safe=False: one connection, not one per greenlet. Safe because no statement yields.
        super().__init__(str(path), pragmas=_PRAGMAS, timeout=busy, thread_safe=False)

    def _add_conn_hooks(self, conn: apsw.Connection) -> None:
        conn.convert_binding = lambda _connection, _number, value: str(value)  # dates of the migration history
        super()._add_conn_hooks(conn)


class SqliteConnection:
    """See `webchat.data.engine.Connection`."""

    for_update = ""

    def __init__(self, path: Path, busy: float) -> None:
        self.database: peewee.Database = _Database(path, busy)
        self.database.connect()
        self._apsw: apsw.Connection = self.database.connection()
        self._execute = self._apsw.execute

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._execute(sql, parameters).fetchall()  # type: ignore[no-any-return]
        except TRANSIENT as error:
            raise _unavailable(error) from error

    def run(self, query: Any) -> Any:
        try:
            return query.execute(self.database)
        except peewee.DatabaseError as error:
            if isinstance(error.__context__, TRANSIENT):
                raise _unavailable(error) from error
            raise

    @property
    def in_transaction(self) -> bool:
        return self._apsw.in_transaction

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self.rows("SAVEPOINT job")
        try:
            yield
        except BaseException:
            # SQLite may have ended the whole transaction by itself (disk full): then there is none to undo.
            if self.in_transaction:
                self.rows("ROLLBACK TO job")
                self.rows("RELEASE job")
            raise
        self.rows("RELEASE job")


class SqliteEngine:
    """See `webchat.data.engine.Engine`. `path`: the database file, already migrated."""

    def __init__(self, path: Path) -> None:
        check_version()
        self._path = path
        self._lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._user = use(path)
        self._writer: SqliteConnection | None = None
        self._aside: SqliteConnection | None = None
        self._asking = BoundedSemaphore()
        self.reader = SqliteConnection(path, READ_BUSY)
        self.reader.rows("PRAGMA query_only = 1")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.reader.rows("BEGIN")
        try:
            yield
        finally:
            self.reader.rows("COMMIT")

    def aside(self, question: Callable[[Reader], T]) -> T:
        """On a native thread, and on a connection of its own."""
        with self._asking:
            answer: T = gevent.get_hub().threadpool.apply(self._ask, (question,))
            return answer

    def _ask(self, question: Callable[[Reader], T]) -> T:
        if self._aside is None:
            self._aside = SqliteConnection(self._path, READ_BUSY)
            self._aside.rows("PRAGMA query_only = 1")
        return question(self._aside)

    @contextmanager
    def writing(self) -> Iterator[SqliteConnection]:
        if self._writer is None:
            writer = SqliteConnection(self._path, WRITE_BUSY)
            for statement in SCHEMA:
                writer.rows(statement)
            self._writer = writer
        writer = self._writer
        # Asked without letting go of the interpreter, which costs more than the answer; waited for only if need be.
        if _flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB) != 0:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            writer.rows("BEGIN IMMEDIATE")
            try:
                yield writer
                writer.rows("COMMIT")
            except BaseException:
                if writer.in_transaction:
                    writer.rows("ROLLBACK")
                raise
        finally:
            _flock(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        for connection in (self.reader, self._writer, self._aside):
            if connection is not None:
                connection.database.close()
        os.close(self._lock)
        os.close(self._user)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """While nobody has an engine on this database. Raises SetupError where somebody has."""
    user = _user_of(path)
    try:
        if not _locked(user, fcntl.LOCK_EX):
            raise SetupError(f"the database {path} is in use by a server; stop it first")
        _sign(user)
        yield
    finally:
        os.close(user)


def use(path: Path) -> int:
    """A descriptor that stands for the use of the database on this host, until it is closed.

    Raises SetupError where it is being restored, or is in use on another host: SQLite's log is memory that the
    processes of one kernel share. Over a network file system the lock is everybody's, and the file says whose host
    holds it. What nobody holds is ours, whatever it says.
    """
    user, ours = _user_of(path), boot_id().encode()
    deadline = time.monotonic() + USE_PATIENCE
    while True:
        is_free = _locked(user, fcntl.LOCK_SH)
        theirs = _signed(user)
        if is_free and (theirs == ours or not ours):
            return user
        if is_free and _locked(user, fcntl.LOCK_EX):
            _sign(user)
        elif time.monotonic() > deadline:  # before, it may just be somebody of this host who signs
            break
        else:
            time.sleep(0.01)
    if not theirs and _locked(user, fcntl.LOCK_SH):
        return user  # by a release that did not sign, which is about to be replaced
    os.close(user)
    if theirs in (ours, b""):
        raise SetupError(f"the database {path} is just being restored")
    raise SetupError(
        f"the database {path} is in use on another host: SQLite serves one; for several, share a PostgreSQL "
        "(WEBCHAT_DATABASE_URL)"
    )


def _locked(user: int, how: int) -> bool:
    """Whether the lock could be had, in place of the one that was held."""
    try:
        fcntl.flock(user, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _user_of(path: Path) -> int:
    return os.open(path.with_name(path.name + ".used"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _signed(user: int) -> bytes:
    return os.pread(user, 100, 0)


def _sign(user: int) -> None:
    os.ftruncate(user, 0)
    os.pwrite(user, boot_id().encode(), 0)


def check_version() -> None:
    """Raises SetupError where the linked SQLite still has the WAL-reset race."""
    if tuple(int(part) for part in apsw.sqlite_lib_version().split(".")) < SQLITE_MIN:
        wanted = ".".join(map(str, SQLITE_MIN))
        raise SetupError(f"SQLite {apsw.sqlite_lib_version()} is too old: {wanted} or newer is needed")


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(f"the database cannot take this now ({error})", code="database_unavailable", retry_after=1)
