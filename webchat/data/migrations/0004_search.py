"""The index of what was said. It is filled later, bit by bit, by the workers: see `webchat.data.search`."""

from typing import Any

from peewee import BigIntegerField, IntegerField, Model, PostgresqlDatabase
from playhouse.migrate import SchemaMigrator

# No text is kept in it (`content=''`), and a text that is gone leaves it (`contentless_delete`). The words come ready
# from us; `#` begins the one that names the conversation.
ON_SQLITE = """
    CREATE VIRTUAL TABLE search USING fts5(
        words, content='', contentless_delete=1, tokenize="ascii tokenchars '#'", prefix='1 2 3'
    )
"""
ON_POSTGRES = (
    "CREATE TABLE search (message BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)",
    "CREATE INDEX search_words ON search USING GIN (words)",
)


def up(migrator: SchemaMigrator, db: Any) -> None:
    class Indexed(Model):
        conversation = IntegerField(primary_key=True)
        message = BigIntegerField(default=0)

    for statement in ON_POSTGRES if isinstance(db, PostgresqlDatabase) else [ON_SQLITE]:
        db.execute_sql(statement)
    with db.bind_ctx([Indexed]):
        db.create_tables([Indexed])
    db.execute_sql("INSERT INTO meta (key, value) VALUES ('indexed', '0')")
