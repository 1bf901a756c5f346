"""Client ids have a table of their own: the message may go one day, that its id was used does not.

On PostgreSQL besides, what the next migration needs to be in place before it, so that it finds all that is sent
meanwhile, by this release's nodes or by earlier ones: the trigger that notes each client id, and the bounds of what
will be the first partitions. They hold for new rows from now on, and are not yet proved for those that are there.

SQLite notes client ids only when it forgets their messages: until then its index of the messages has them.
"""

from typing import Any

from peewee import BigIntegerField, CompositeKey, IntegerField, Model, PostgresqlDatabase, SqliteDatabase, TextField
from playhouse.migrate import SchemaMigrator

from webchat.data import brief_lock

BLOCK = 100_000_000  # ids in one partition of messages

ON_POSTGRES = (
    """
    CREATE FUNCTION message_once() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO once (sender, client_id, message) VALUES (NEW.sender, NEW.client_id, NEW.id);
        RETURN NEW;
    END
    $$
    """,
    "CREATE TRIGGER message_once BEFORE INSERT ON message FOR EACH ROW EXECUTE FUNCTION message_once()",
    "ALTER TABLE message ADD CONSTRAINT message_below_{bound} CHECK (id < {bound}) NOT VALID",
    "ALTER TABLE entry ADD COLUMN era INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE entry ADD CONSTRAINT entry_of_era_0 CHECK (era = 0) NOT VALID",
)


def up(migrator: SchemaMigrator, db: Any) -> None:
    class Once(Model):
        sender = IntegerField()
        client_id = TextField()
        message = BigIntegerField()

        class Meta:
            primary_key = CompositeKey("sender", "client_id")
            without_rowid = isinstance(db, SqliteDatabase)

    with db.bind_ctx([Once]):
        db.create_tables([Once])
    # What a release must know to serve this database, see `webchat.data.schema`.
    db.execute_sql("INSERT INTO meta (key, value) VALUES ('needs', '0001_initial')")
    postgres = isinstance(db, PostgresqlDatabase)
    if postgres:
        brief_lock.take(db, "message", "entry")
        (last,) = db.execute_sql("SELECT last_value FROM message_id_seq").fetchone()
        for statement in ON_POSTGRES:
            db.execute_sql(statement.format(bound=(last // BLOCK + 2) * BLOCK))
