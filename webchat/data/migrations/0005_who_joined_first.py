"""When a member came to a group: whoever stayed longest takes over from an owner who leaves."""

from typing import Any

from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: Any) -> None:
    db.execute_sql("ALTER TABLE member ADD COLUMN joined_number INTEGER NOT NULL DEFAULT 0")
