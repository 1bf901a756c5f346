"""Presence marks in 64 bits: one counter for all users would pass 32 within a year of a busy server.

On PostgreSQL besides: names sort by code point whatever the database's locale, as they do in SQLite.
`Store.find` takes a range of them.
"""

from typing import Any

from peewee import BigIntegerField, PostgresqlDatabase
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: Any) -> None:
    migrator.migrate(migrator.alter_column_type("feed", "presence", BigIntegerField(default=0)))
    postgres = isinstance(db, PostgresqlDatabase)
    if postgres:
        db.execute_sql('ALTER TABLE "user" ALTER COLUMN "key" TYPE TEXT COLLATE "C"')
