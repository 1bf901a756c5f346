"""What can be told of a database without changing it: for `webchat doctor`."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import peewee
import psycopg

from webchat.data import database_postgres
from webchat.data.database import is_postgres, path_of, without_password
from webchat.data.engine_sqlite import SqliteConnection
from webchat.data.postgres_pool import ANY, conninfo, first_line
from webchat.data.schema import Standing, standing
from webchat.errors import SetupError, Unavailable
from webchat.settings import Settings

STANDBY_PATIENCE = 3.0  # seconds
ROUNDS = 11  # questions of which the median counts
# What PostgreSQL is asked about itself: each may lose what was acknowledged, or refuse what should be.
POSTGRES_SETTINGS = ("fsync", "full_page_writes", "synchronous_commit", "transaction_read_only", "server_encoding")


class Inspected(NamedTuple):
    """`ahead`: seconds by which the database's clock is ahead of ours; None where it has none of its own.

    `settings` are PostgreSQL's own, `connections` those that are open, and that may be.
    """

    engine: str
    round_trip: float
    ahead: float | None
    schema: Standing
    demo: list[str]
    settings: dict[str, str]
    connections: tuple[int, int] | None


def inspect(settings: Settings) -> Inspected | None:
    """None where there is no database yet. Raises SetupError where it cannot be asked."""
    if is_postgres(settings):
        shown = without_password(settings.database_url)
        return _asked(shown, lambda: database_postgres.reach(settings.database_url, shown), _postgres)
    path = path_of(settings)
    return _asked(str(path), lambda: _opened(path), _sqlite) if path.exists() else None


class Standby(NamedTuple):
    """`follows`: it is in recovery; `same`: its database is the primary's; `late`: seconds until it had all that the
    primary had when it was asked, None where it had not within `STANDBY_PATIENCE`."""

    follows: bool
    same: bool
    late: float | None
    connections: tuple[int, int]


def inspect_standby(settings: Settings) -> Standby:
    """What `WEBCHAT_REPLICA_URL` leads to. Raises SetupError where it, or the primary, cannot be asked."""
    shown = without_password(settings.replica_url)
    with contextlib.ExitStack() as opened:
        try:
            primary = opened.enter_context(psycopg.connect(conninfo(settings.database_url), autocommit=True))
            replica = opened.enter_context(psycopg.connect(conninfo(settings.replica_url, ANY), autocommit=True))
            return _compared(primary, replica)
        except psycopg.Error as error:
            raise SetupError(f"the replica {shown} cannot be asked: {first_line(error)}") from None


def _compared(primary: Any, replica: Any) -> Standby:
    def ask(database: Any, question: str, *values: object) -> Any:
        return database.execute(question, values).fetchone()[0]

    epoch = "SELECT value FROM meta WHERE key = 'epoch'"
    same = ask(primary, epoch) == ask(replica, epoch)
    connections = int(ask(replica, "SELECT count(*) FROM pg_stat_activity")), int(ask(replica, "SHOW max_connections"))
    if not ask(replica, "SELECT pg_is_in_recovery()"):
        return Standby(False, same, None, connections)
    mark, started = ask(primary, "SELECT pg_current_wal_lsn()::text"), time.monotonic()
    while not ask(replica, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", mark):
        if time.monotonic() > started + STANDBY_PATIENCE:
            return Standby(True, same, None, connections)
        time.sleep(0.02)
    return Standby(True, same, time.monotonic() - started, connections)


def _opened(path: Path) -> Any:
    return SqliteConnection(path, busy=2).database


def _asked(shown: str, connect: Callable[[], Any], of_its_kind: Callable[[Any], dict[str, Any]]) -> Inspected:
    try:
        database = connect()
        try:
            schema = standing(database)
            return Inspected(
                schema=schema,
                demo=_demo(database) if schema.applied else [],
                round_trip=statistics.median(_round_trip(database) for _ in range(ROUNDS)),
                **of_its_kind(database),
            )
        finally:
            database.close()
    except (peewee.DatabaseError, apsw.Error, Unavailable) as error:
        raise SetupError(f"the database {shown} cannot be asked: {first_line(error)}") from None


def _demo(database: Any) -> list[str]:
    rows = database.execute_sql('SELECT name FROM "user" WHERE demo ORDER BY id')
    return [name for (name,) in rows.fetchall()]


def _round_trip(database: Any) -> float:
    started = time.perf_counter()
    database.execute_sql("SELECT 1").fetchone()
    return time.perf_counter() - started


def _sqlite(_: Any) -> dict[str, Any]:
    return {"engine": f"SQLite {apsw.sqlite_lib_version()}", "ahead": None, "settings": {}, "connections": None}


def _postgres(database: Any) -> dict[str, Any]:
    def ask(question: str) -> Any:
        return database.execute_sql(question).fetchone()[0]

    before = time.time()
    theirs = float(ask("SELECT extract(epoch FROM clock_timestamp())"))
    return {
        "engine": f"PostgreSQL {ask('SHOW server_version')}",
        "ahead": theirs - (before + time.time()) / 2,
        "settings": {name: str(ask(f"SHOW {name}")) for name in POSTGRES_SETTINGS},
        "connections": (int(ask("SELECT count(*) FROM pg_stat_activity")), int(ask("SHOW max_connections"))),
    }
