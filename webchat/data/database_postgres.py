"""A PostgreSQL database, checked and migrated before any worker opens it."""

from __future__ import annotations

import time
from typing import Any

import peewee
import psycopg

from webchat.data.postgres_pool import first_line, parameters
from webchat.data.schema import apply_migrations
from webchat.errors import SetupError

OLDEST = 14  # the oldest release that its makers still mend
PATIENCE = 5.0  # seconds: containers started together come up in any order
LOCK_WAIT = 60.0  # seconds that a node waits for another one's migration
_LOCK = 0x77656263686174  # any number that no other program takes: "webchat"
_WRITABLE = ("read-write", "primary")  # libpq's words for hosts that take writes


def prepare(url: str, shown: str) -> list[str]:
    """See `database.prepare`; `shown` is the URL without its password."""
    database = reach(url, shown)
    try:
        _check(database, shown)
        # DDL is transactional here, but two nodes that start together would both find the work undone.
        database.execute_sql(f"SET lock_timeout = {int(1000 * LOCK_WAIT)}")
        database.execute_sql("SELECT pg_advisory_lock(%s)", (_LOCK,))
        return apply_migrations(database, shown)
    except peewee.DatabaseError as error:
        raise SetupError(f"the database {shown} cannot be prepared: {first_line(error)}") from None
    finally:
        database.close()


def reach(url: str, shown: str) -> Any:
    try:
        given: dict[str, Any] = {**parameters(url)}
    except psycopg.Error as error:
        raise SetupError(f"WEBCHAT_DATABASE_URL={shown} cannot be used: {first_line(error)}") from None
    if given.get("target_session_attrs", "read-write") not in _WRITABLE:
        raise SetupError(
            f"WEBCHAT_DATABASE_URL={shown} may lead to a standby, where what was just written is not found: "
            "write target_session_attrs=read-write, or leave it out; a standby is for WEBCHAT_REPLICA_URL"
        )
    name = str(given.pop("dbname", ""))
    deadline = time.monotonic() + PATIENCE
    while True:
        database = peewee.PostgresqlDatabase(name, prefer_psycopg3=True, **given)
        try:
            database.connect()
            return database
        except peewee.OperationalError as error:
            if time.monotonic() > deadline:
                raise SetupError(f"the database {shown} cannot be reached: {first_line(error)}") from None
        time.sleep(0.2)


def _check(database: Any, shown: str) -> None:
    version = int(database.execute_sql("SHOW server_version_num").fetchone()[0]) // 10_000
    if version < OLDEST:
        raise SetupError(f"the database {shown} is PostgreSQL {version}: {OLDEST} or newer is needed")
    encoding = database.execute_sql("SHOW server_encoding").fetchone()[0]
    if encoding != "UTF8":
        raise SetupError(f"the database {shown} is in {encoding}: create it with ENCODING 'UTF8'")
    if not database.execute_sql("SELECT has_database_privilege(current_database(), 'TEMPORARY')").fetchone()[0]:
        raise SetupError(
            f"the database {shown} does not let us make the temporary function by which messages are sent: "
            "GRANT TEMPORARY ON DATABASE … TO …"
        )
