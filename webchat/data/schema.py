"""The tables as the migrations build them, on either engine: Peewee's runner, with a way to say no.

Releases run side by side while nodes are upgraded one after another, and a release may be gone back to. So a migration
keeps what earlier releases need of the tables (docs/operations.md, "Upgrade"). One that cannot writes its own name to
`meta.needs` in its transaction: whoever does not know it may not serve this database. All others may, however far the
database is ahead of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import peewee
from playhouse.migrations import Runner

from webchat.errors import SetupError

MIGRATIONS = Path(__file__).parent / "migrations"
_NEEDS = "SELECT value FROM meta WHERE key = 'needs'"


class Standing(NamedTuple):
    """Migrations of a database, by name: `applied` are ours, `pending` still to be, `unknown` a newer release's.

    `needed`: the one for which this release is too old; None where it is not.
    """

    applied: list[str]
    pending: list[str]
    unknown: list[str]
    needed: str | None


def standing(database: peewee.Database) -> Standing:
    """How far the database is."""
    status = Runner(database, str(MIGRATIONS)).status()
    unknown = [migration.name for migration in status if migration.path is None]
    return Standing(
        applied=[migration.name for migration in status if migration.applied and migration.path is not None],
        pending=[migration.name for migration in status if not migration.applied],
        unknown=unknown,
        needed=_needed(database, unknown),
    )


def apply_migrations(database: peewee.Database, name: str) -> list[str]:
    """Apply what is pending; the names of what was applied. Nobody else may do so at the same time.

    Raises SetupError where a newer release made the database, which people know as `name`, into something that this
    one cannot serve.
    """
    needed = standing(database).needed
    if needed is not None:
        raise SetupError(
            f"the database {name} was made by a newer release (it needs {needed}): run that release, "
            "or restore a backup made before it"
        )
    applied: list[str] = Runner(database, str(MIGRATIONS)).up()
    return applied


def _needed(database: Any, unknown: Sequence[str]) -> str | None:
    if not unknown:
        return None
    rows = database.execute_sql(_NEEDS).fetchall()
    needed = str(rows[0][0]) if rows else unknown[-1]
    return needed if needed in unknown else None
