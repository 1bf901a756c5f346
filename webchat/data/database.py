"""From the settings to a database: which one, created or migrated, then opened."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import apsw
import peewee
import psycopg

from webchat.data import database_postgres
from webchat.data.committer import Committer, GroupCommitter
from webchat.data.committer_postgres import PostgresCommitter
from webchat.data.duty import Duty, SqliteDuty
from webchat.data.duty_postgres import PostgresDuty
from webchat.data.engine import Engine
from webchat.data.engine_postgres import PostgresEngine
from webchat.data.engine_sqlite import SqliteConnection, SqliteEngine, check_version, use
from webchat.data.partitions import PostgresRetention
from webchat.data.postgres_pool import Timeouts, first_line, parameters
from webchat.data.replica import NoReplica, Replica
from webchat.data.replica_postgres import PostgresReplica
from webchat.data.retention import DAY, Keep, Retention, SqliteRetention
from webchat.data.schema import apply_migrations
from webchat.entities.feed import Ring
from webchat.errors import SetupError, Unavailable
from webchat.settings import Settings

_SQLITE_URL = "sqlite:///"
_POSTGRES_URLS = ("postgresql://", "postgres://")


def is_postgres(settings: Settings) -> bool:
    return settings.database_url.startswith(_POSTGRES_URLS)


def sqlite_path(settings: Settings) -> Path | None:
    """The SQLite file that the settings name; None where they name a PostgreSQL database."""
    return None if is_postgres(settings) else path_of(settings)


def path_of(settings: Settings) -> Path:
    """The SQLite file that the settings name. Raises SetupError where they name something else."""
    if not settings.database_url:
        return settings.folder / "webchat.db"
    if is_postgres(settings):
        raise SetupError(
            "this is for SQLite alone; for PostgreSQL use its own tools (docs/decisions/009-postgresql.md: a restored "
            "database needs a new epoch)"
        )
    if settings.database_url.startswith(_SQLITE_URL):
        return Path(settings.database_url.removeprefix(_SQLITE_URL)).expanduser().resolve()
    raise SetupError(
        f"WEBCHAT_DATABASE_URL={without_password(settings.database_url)}: "
        f"only {_SQLITE_URL}PATH and {_POSTGRES_URLS[0]}… are understood"
    )


def prepare(settings: Settings) -> list[str]:
    """Create or migrate the database, once however many processes start together; the names of what was applied.

    Raises SetupError where the folder cannot be used, the file is no database or in use on another host, the server
    cannot be reached, or a newer release made it; and where `WEBCHAT_REPLICA_URL` cannot be meant (a standby need not
    answer).
    """
    _check_replica(settings)
    if is_postgres(settings):
        return database_postgres.prepare(settings.database_url, without_password(settings.database_url))
    check_version()
    path = path_of(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        user = use(path)
        try:
            with path.with_name(path.name + ".migrate").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                return migrate(path)
        finally:
            os.close(user)
    except OSError as error:
        raise SetupError(f"the database {path} cannot be used: {error.strerror}") from None


def migrate(path: Path) -> list[str]:
    """Apply what is pending to the SQLite file; see `prepare`."""
    try:
        connection = SqliteConnection(path, busy=10)
    except (peewee.DatabaseError, apsw.Error, Unavailable) as error:
        raise SetupError(f"the database {path} cannot be opened: {error}") from None
    try:
        return apply_migrations(connection.database, str(path))
    finally:
        connection.database.close()


def open_engine(settings: Settings) -> Engine:
    """The engine of the settings, for this worker. The database must have been prepared."""
    if is_postgres(settings):
        return PostgresEngine(settings.database_url, settings.database_pool, timeouts(settings))
    return SqliteEngine(path_of(settings))


def open_duty(settings: Settings, engine: Engine) -> Duty:
    """What one worker does for all that share the database of the settings."""
    if is_postgres(settings):
        return PostgresDuty(settings.database_url, timeouts(settings), engine.reader)
    return SqliteDuty(path_of(settings))


def open_replica(settings: Settings, engine: Engine, committer: Committer, duty: Duty) -> Replica:
    """Where what was said may be read as well."""
    if settings.replica_url and isinstance(engine, PostgresEngine):
        return PostgresReplica(settings.replica_url, settings.database_pool, engine, committer, duty)
    return NoReplica()


def open_retention(settings: Settings, engine: Engine, committer: Committer) -> Retention:
    """What forgets that which is older than the settings want it."""
    keep = Keep(settings.keep_feed_days * DAY, settings.keep_messages_days * DAY)
    if isinstance(engine, PostgresEngine):
        return PostgresRetention(engine, keep)
    return SqliteRetention(engine, committer, keep)


def _check_replica(settings: Settings) -> None:
    url = settings.replica_url
    if not url:
        return
    shown = f"WEBCHAT_REPLICA_URL={without_password(url)}"
    if not is_postgres(settings):
        raise SetupError(f"{shown}: there is a replica of a PostgreSQL only; see WEBCHAT_DATABASE_URL")
    if not url.startswith(_POSTGRES_URLS):
        raise SetupError(f"{shown}: only {_POSTGRES_URLS[0]}… is understood")
    try:
        parameters(url)
    except psycopg.Error as error:
        raise SetupError(f"{shown} cannot be used: {first_line(error)}") from None


def timeouts(settings: Settings) -> Timeouts:
    return Timeouts(settings.database_statement_timeout, settings.database_lock_timeout, settings.database_idle_timeout)


def open_committer(engine: Engine, on_commit: Callable[[Sequence[Ring]], None]) -> Committer:
    """The committer that fits the engine."""
    if isinstance(engine, PostgresEngine):
        return PostgresCommitter(engine, on_commit)
    return GroupCommitter(engine, on_commit)


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return url.split("://", 1)[0] + "://…"
    return url.replace(f":{password}@", ":***@") if password else url
