"""The tables as the migrations build them, on either engine: Peewee's runner, with a way to say no."""

from __future__ import annotations

from pathlib import Path

import peewee
from playhouse.migrations import Runner

from webchat.errors import SetupError

MIGRATIONS = Path(__file__).parent / "migrations"


def apply_migrations(database: peewee.Database, name: str) -> list[str]:
    """Apply what is pending; the names of what was applied. Nobody else may do so at the same time.

    Raises SetupError where a newer release made the database, which people know as `name`.
    """
    runner = Runner(database, str(MIGRATIONS))
    unknown = [migration.name for migration in runner.status() if migration.path is None]
    if unknown:
        raise SetupError(
            f"the database {name} was made by a newer release (it knows {unknown[-1]}): run that release, "
            "or restore a backup made before it"
        )
    applied: list[str] = runner.up()
    return applied
