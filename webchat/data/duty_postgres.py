"""PostgreSQL's duty (see `webchat.data.duty`): an advisory lock of a connection that is kept for nothing else.

The server lets go of it with the connection: at once when the worker dies, and within `IDLE` when it stands still, or
its host is gone without a word. Whoever does not have the duty keeps no connection for it.
"""

from __future__ import annotations

import contextlib
import time

from gevent.lock import BoundedSemaphore

from webchat.data.engine import Reader
from webchat.data.engine_postgres import PostgresConnection
from webchat.data.postgres_pool import Pool, Timeouts
from webchat.errors import Unavailable

KEY = (0x77656263, 0x64757479)  # any two numbers that no other program takes: "webc", "duty"
IDLE = 15.0  # seconds without a question after which the server ends the connection; the janitor asks every 5
ASK_EVERY = 1.0  # seconds for which an answer is believed

_HELD = """
    SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = ? AND objid = ? AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class PostgresDuty:
    """`reader` looks whether somebody has the duty, before a connection is opened for it."""

    def __init__(self, url: str, timeouts: Timeouts, reader: Reader) -> None:
        self._pool = Pool(url, 1, timeouts)
        self._reader = reader
        self._lease = contextlib.ExitStack()
        self._held: PostgresConnection | None = None
        self._asked_at = 0.0
        self._asking = BoundedSemaphore()

    @property
    def held(self) -> bool:
        return self._held is not None

    def mine(self) -> bool:
        """Raises Unavailable where the database cannot be asked."""
        with self._asking:
            if self._held is not None and not self._is_still_held(self._held):
                self._let_go()
            return self.held or self._take()

    def close(self) -> None:
        self._let_go()
        self._pool.close()

    def _is_still_held(self, connection: PostgresConnection) -> bool:
        if time.monotonic() < self._asked_at + ASK_EVERY:
            return True
        try:
            connection.rows("SELECT 1")
        except Unavailable:
            return False
        self._asked_at = time.monotonic()
        return True

    def _take(self) -> bool:
        if self._reader.rows(_HELD, KEY):
            return False
        connection = PostgresConnection.of(self._lease.enter_context(self._pool.lease()))
        try:
            connection.rows(f"SET idle_session_timeout = {int(1000 * IDLE)}")
            if connection.rows("SELECT pg_try_advisory_lock(CAST(? AS int), CAST(? AS int))", KEY)[0][0]:
                self._held = connection
                self._asked_at = time.monotonic()
        finally:
            if not self.held:
                self._let_go(connection)
        return self.held

    def _let_go(self, connection: PostgresConnection | None = None) -> None:
        """The connection is closed, and with that the lock is gone."""
        connection = connection or self._held
        self._held = None
        if connection is not None:
            connection.session.close()
        self._lease.close()
