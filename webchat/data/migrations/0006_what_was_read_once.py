"""How far a member had read before they marked the conversation unread: to the others, that stays read."""

from typing import Any

from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: Any) -> None:
    db.execute_sql("ALTER TABLE member ADD COLUMN receipt_number INTEGER NOT NULL DEFAULT 0")
