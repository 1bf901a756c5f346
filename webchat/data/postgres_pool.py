"""Connections to PostgreSQL that park the greenlet which waits for an answer, and a pool of them.

psycopg leaves all waiting to one method, `wait`. Ours waits on gevent's event loop, in a patched process and
in any other, and not for ever: a server that is frozen, or behind a broken network, is given up after
`Timeouts.silence`, which no timeout of the server's own would notice.

After a failover, whoever needs a connection finds the new primary: old connections have ended, or are closed when the
server says that it is read-only, and a URL with several hosts leads only to one that takes writes (`conninfo`).

What went wrong is told apart by what may be done about it:

    Lost        the connection broke before the commit: nothing was written, the same work may run anew
    Conflicted  another transaction was faster: nothing was written, the same work may run anew
    Unsettled   the connection broke during the commit: nobody knows
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

import gevent
import psycopg
from gevent.lock import BoundedSemaphore
from gevent.monkey import get_original
from gevent.socket import wait as wait_for
from psycopg.abc import ConnDict, PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8BinaryDumper

from webchat.errors import Unavailable

T = TypeVar("T")
Cursor = psycopg.Cursor[tuple[Any, ...]]

CONNECT_TIMEOUT = 3  # seconds for each host; whole ones, for libpq
REFUSED_FOR = 0.2  # seconds after a failed attempt to connect in which nobody else tries

# Which of several hosts will do, in libpq's words (`target_session_attrs`).
WRITABLE, ANY = "read-write", "prefer-standby"

_CODE = "database_unavailable"
_READ, _WRITE = 1, 2  # gevent's and psycopg's numbers for them are the same
_poll = get_original("select", "poll")
_NO_LINGER = struct.pack("ii", 1, 0)

# SQLSTATEs outside of OperationalError that pass by themselves.
_READ_ONLY = "25006"  # we are connected to a standby: the next connection may find the primary
# OperationalErrors that do not pass: the statement is a mistake of ours.
_MISTAKES = ("54", "55000")
_CONFLICTS = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)


class Timeouts(NamedTuple):
    """Seconds, by the server's clock, that a statement may take, and that it waits for a row which another transaction
    holds; and after which the server ends a transaction that asks for nothing: its worker was stopped or cut off from
    the net in the middle, and others wait for its rows. `patience`: that a caller waits for a connection which others
    use.
    """

    statement: float = 5.0
    lock: float = 3.0
    idle: float = 5.0
    patience: float = 3.0

    @property
    def silence(self) -> float:
        """Seconds without an answer until a connection is given up: above what the server itself gives a statement."""
        return self.statement + 1


class Lost(Unavailable):
    """See the module."""


class Conflicted(Unavailable):
    """See the module."""


class Taken(Conflicted):
    """A unique key is: perhaps its owner came a moment earlier. Still so when the work runs anew: our mistake."""


class Unsettled(Unavailable):
    """See the module."""


class Silent(psycopg.OperationalError):
    """No answer for `Timeouts.silence` seconds."""


class Session(psycopg.Connection[tuple[Any, ...]]):
    """One connection; `Pool` makes and keeps them. `handle` is for whoever leases it to keep something by it."""

    handle: Any = None
    silence = Timeouts().silence
    fell_silent = False
    _watcher: Any = None
    _poller: Any = None

    def wait(self, gen: PQGen[T], interval: float = 0.0, timeout: float | None = None) -> T:  # noqa: ARG002
        """Drive psycopg's generator; see the module. The other parameters are for other ways to wait."""
        try:
            wanted = next(gen)
            while True:
                wanted = gen.send(self._ready(wanted))
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]

    def _ready(self, wanted: int) -> int:
        if wanted != _READ:
            return self._ready_to_write(wanted)
        if self._watcher is None:
            self._watcher = gevent.get_hub().loop.io(self.pgconn.socket, _READ)
        wait_for(self._watcher, self.silence, Silent("the server does not answer"))
        return _READ

    def _ready_to_write(self, wanted: int) -> int:
        """Rare: more is to be sent than the socket takes at once."""
        watcher = gevent.get_hub().loop.io(self.pgconn.socket, wanted)
        try:
            wait_for(watcher, self.silence, Silent("the server does not answer"))
        finally:
            watcher.close()
        return _WRITE | (_READ if self.has_news else 0)

    @property
    def has_news(self) -> bool:
        """Whether something arrived. On a connection that nobody uses that is its end, as a rule."""
        if self._poller is None:
            self._poller = _poll()
            self._poller.register(self.pgconn.socket, 1)  # POLLIN
        return bool(self._poller.poll(0))

    @property
    def usable(self) -> bool:
        return not self.closed and self.pgconn.transaction_status == TransactionStatus.IDLE

    @property
    def in_transaction(self) -> bool:
        return not self.closed and self.pgconn.transaction_status in (
            TransactionStatus.INTRANS,
            TransactionStatus.INERROR,
        )

    def abandon(self) -> None:
        """Close without a trace: a COMMIT that is still under way in the network must not arrive minutes later."""
        if not self.closed:
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self.pgconn.socket)) as line:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.close()

    def close(self) -> None:
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
        super().close()


class Pool:
    """Up to `size` connections, opened when they are needed; the one used last is used next.

    `hosts`: to which one of several. `connected_at`: when the youngest connection was
    opened (monotonic).
    """

    def __init__(self, url: str, size: int, timeouts: Timeouts, hosts: str = WRITABLE) -> None:
        self._conninfo = conninfo(url, hosts)
        self._timeouts = timeouts
        self.connected_at = 0.0
        self._free = BoundedSemaphore(size)
        self._idle: list[Session] = []
        self._refused_until = 0.0
        self._closed = False

    @contextlib.contextmanager
    def lease(self) -> Iterator[Session]:
        """A connection outside of any transaction; one that comes back in another state is closed.

        Raises Unavailable where none can be had.
        """
        if self._closed:
            raise _unavailable("this worker has let go of the database")
        if not self._free.acquire(timeout=self._timeouts.patience):
            raise _unavailable("all database connections are in use")
        try:
            session = self._take() or self._connect()
            try:
                yield session
            finally:
                if session.usable and not self._closed:
                    self._idle.append(session)
                else:
                    session.abandon()
                if session.fell_silent:  # as will the others: a host that is gone without a word ends no connection
                    self._close_idle()
        finally:
            self._free.release()

    def close(self) -> None:
        """Close what nobody uses; the others are closed when they come back."""
        self._closed = True
        self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> Session | None:
        while self._idle:
            session = self._idle.pop()
            if not session.has_news:
                return session
            session.close()  # the server has ended it
        return None

    def _connect(self) -> Session:
        if time.monotonic() < self._refused_until:
            raise _unavailable("the database cannot be reached")
        try:
            session = Session.connect(self._conninfo, autocommit=True)
            session.silence = self._timeouts.silence
            try:
                session.execute(session_settings(self._timeouts))
            except BaseException:
                session.abandon()
                raise
        except psycopg.Error as error:
            self._refused_until = time.monotonic() + REFUSED_FOR
            raise _unavailable(f"the database cannot be reached: {first_line(error)}") from error
        # One type for all integers: else every width makes another prepared statement.
        session.adapters.register_dumper(int, Int8BinaryDumper)
        self.connected_at = time.monotonic()
        return session


def conninfo(url: str, hosts: str = WRITABLE) -> str:
    return make_conninfo("", **(parameters(url, hosts) | {"client_encoding": "UTF8"}))


def parameters(url: str, hosts: str = WRITABLE) -> ConnDict:
    """The operator's URL, with defaults for what it leaves open. Raises psycopg.Error where it cannot be read.

    Of several hosts the one that takes writes: who reads at a standby would not find what was just written.
    """
    given = conninfo_to_dict(url)
    defaults: ConnDict = {"connect_timeout": CONNECT_TIMEOUT, "application_name": "webchat"}
    if "," in f"{given.get('host', '')}{given.get('hostaddr', '')}":
        defaults["target_session_attrs"] = hosts
    return defaults | given


def session_settings(timeouts: Timeouts) -> bytes:
    """What our guarantees rest on, whatever is set in the URL, for the role or for the database."""
    milliseconds = {
        "statement_timeout": timeouts.statement,
        "lock_timeout": timeouts.lock,
        "idle_in_transaction_session_timeout": timeouts.idle,
    }
    settings = {"synchronous_commit": "on", "default_transaction_isolation": "'read committed'"} | {
        name: int(1000 * value) for name, value in milliseconds.items()
    }
    return "; ".join(f"SET {name} = {value}" for name, value in settings.items()).encode()


def translated(error: psycopg.Error, session: Session) -> Exception:
    """What to raise for the error of a statement: one of ours where it may pass, else the error itself."""
    if isinstance(error, psycopg.errors.UniqueViolation):
        return Taken(first_line(error), code=_CODE, retry_after=1)
    if isinstance(error, _CONFLICTS):
        return Conflicted(first_line(error), code=_CODE, retry_after=1)
    state = error.sqlstate or ""
    if state == _READ_ONLY:
        session.close()
        return _unavailable(first_line(error))
    if isinstance(error, psycopg.errors.FeatureNotSupported) and "cached plan" in str(error):
        session.close()  # a newer node has changed a table under a statement that this session had prepared
        return Lost(first_line(error), code=_CODE, retry_after=1)
    if not isinstance(error, psycopg.OperationalError) or state.startswith(_MISTAKES):
        return error
    if isinstance(error, Silent):
        session.fell_silent = True
    elif session.closed or error.diag.severity_nonlocalized in ("FATAL", "PANIC"):
        return Lost(f"the connection to the database broke: {first_line(error)}", code=_CODE, retry_after=1)
    return _unavailable(first_line(error))


def _unavailable(why: str) -> Unavailable:
    return Unavailable(f"the database is not available: {why}", code=_CODE, retry_after=1)


def first_line(error: Exception) -> str:
    """libpq explains itself over several lines; the first says it."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
