"""Groups, what hangs on a message, receipts, profiles, blocks, files and the record of what admins did.

Columns come as `ADD COLUMN … NOT NULL DEFAULT`, which both engines do without touching a row.
"""

from typing import Any

from peewee import (
    AutoField,
    BigIntegerField,
    BooleanField,
    CompositeKey,
    IntegerField,
    Model,
    PostgresqlDatabase,
    TextField,
)
from playhouse.migrate import SchemaMigrator

# table, column, type on SQLite, type on PostgreSQL and default
COLUMNS = (
    ("user", "display_name", "TEXT", "TEXT NOT NULL DEFAULT ''"),
    ("user", "status", "TEXT", "TEXT NOT NULL DEFAULT ''"),
    ("user", "avatar", "TEXT", "TEXT NOT NULL DEFAULT ''"),
    ("user", "invisible", "INTEGER", "BOOLEAN NOT NULL DEFAULT FALSE"),
    ("user", "hide_receipts", "INTEGER", "BOOLEAN NOT NULL DEFAULT FALSE"),
    ("user", "hide_typing", "INTEGER", "BOOLEAN NOT NULL DEFAULT FALSE"),
    ("session", "created_at", "INTEGER", "BIGINT NOT NULL DEFAULT 0"),
    ("session", "seen_at", "INTEGER", "BIGINT NOT NULL DEFAULT 0"),
    ("session", "address", "TEXT", "TEXT NOT NULL DEFAULT ''"),
    ("session", "agent", "TEXT", "TEXT NOT NULL DEFAULT ''"),
    ("relation", "note", "TEXT", "TEXT NOT NULL DEFAULT ''"),
    ("conversation", "name", "TEXT", "TEXT NOT NULL DEFAULT ''"),
    ("conversation", "delivered", "INTEGER", "INTEGER NOT NULL DEFAULT 0"),
    ("conversation", "read", "INTEGER", "INTEGER NOT NULL DEFAULT 0"),
    ("member", "role", "TEXT", "TEXT NOT NULL DEFAULT ''"),
    ("member", "muted", "INTEGER", "BOOLEAN NOT NULL DEFAULT FALSE"),
    ("member", "delivered_number", "INTEGER", "INTEGER NOT NULL DEFAULT 0"),
    ("member", "mention_number", "INTEGER", "INTEGER NOT NULL DEFAULT 0"),
    ("message", "extra", "BLOB", "BYTEA"),
    ("entry", "changed", "INTEGER", "BOOLEAN NOT NULL DEFAULT FALSE"),
    ("entry", "conversation", "INTEGER", "INTEGER"),
)


def up(migrator: SchemaMigrator, db: Any) -> None:
    class Block(Model):
        user = IntegerField()
        blocked = IntegerField(index=True)

        class Meta:
            primary_key = CompositeKey("user", "blocked")

    class Version(Model):
        message = BigIntegerField()
        revision = IntegerField()
        text = TextField()
        changed_at = BigIntegerField()

        class Meta:
            primary_key = CompositeKey("message", "revision")

    class Attachment(Model):
        id = TextField(primary_key=True)
        digest = TextField(index=True)
        name = TextField()
        type = TextField()
        size = BigIntegerField()
        width = IntegerField(null=True)
        height = IntegerField(null=True)
        thumbnail = BooleanField(default=False)
        owner = IntegerField(index=True)
        conversation = IntegerField(null=True)
        message = BigIntegerField(null=True, index=True)
        created_at = BigIntegerField(index=True)

    class Audit(Model):
        id = AutoField()
        at = BigIntegerField()
        actor = TextField()
        action = TextField()
        subject = TextField()
        detail = TextField(default="")

    postgres = isinstance(db, PostgresqlDatabase)
    for table, column, on_sqlite, on_postgres in COLUMNS:
        default = on_postgres.partition(" ")[2]
        kind = on_postgres if postgres else f"{on_sqlite} {default}"
        db.execute_sql(f'ALTER TABLE "{table}" ADD COLUMN "{column}" {kind}')
    models = (Block, Version, Attachment, Audit)
    with db.bind_ctx(models):
        db.create_tables(models)
