"""Messages and feeds in partitions, on PostgreSQL: what is there becomes the first one of each, as it lies.

All that takes long comes before the lock, beside those who go on reading and writing: the client ids of the messages
that are there, and the proof that all rows are within the bounds of their partition. Under the lock tables change their
names, which takes milliseconds however large they are. Statements find the new tables by the old names.
"""

from typing import Any

from peewee import PostgresqlDatabase
from playhouse.migrate import SchemaMigrator

from webchat.data import brief_lock

BLOCK = 100_000_000  # as in the migration before this one

BEFORE = (
    "INSERT INTO once (sender, client_id, message) SELECT sender, client_id, id FROM message ON CONFLICT DO NOTHING",
    "ALTER TABLE message VALIDATE CONSTRAINT message_below_{bound}",
    "ALTER TABLE entry VALIDATE CONSTRAINT entry_of_era_0",
)
ALONE = (
    "DROP TRIGGER message_once ON message",
    "ALTER TABLE message RENAME TO message_0",
    "ALTER INDEX message_pkey RENAME TO message_0_pkey",
    "ALTER INDEX message_sender_client_id RENAME TO message_0_sender_client_id",
    "ALTER INDEX message_conversation_id RENAME TO message_0_conversation_id",
    "CREATE TABLE message (LIKE message_0 INCLUDING DEFAULTS) PARTITION BY RANGE (id)",
    "ALTER TABLE message ADD CONSTRAINT message_pkey PRIMARY KEY (id)",
    "CREATE INDEX message_conversation_id ON message (conversation, id)",
    "ALTER SEQUENCE message_id_seq OWNED BY message.id",
    "ALTER TABLE message ATTACH PARTITION message_0 FOR VALUES FROM (MINVALUE) TO ({bound})",
    "ALTER TABLE message_0 DROP CONSTRAINT message_below_{bound}",
    "CREATE TABLE message_{next} PARTITION OF message FOR VALUES FROM ({bound}) TO ({bound} + {block})",
    "CREATE TRIGGER message_once BEFORE INSERT ON message FOR EACH ROW EXECUTE FUNCTION message_once()",
    # No key and no index of the whole: those would have the era in them, and be made anew for what is there. Each
    # partition has its own, and a feed's numbers are given under its lock.
    "ALTER TABLE entry RENAME TO entry_0",
    "ALTER INDEX entry_pkey RENAME TO entry_0_pkey",
    "CREATE TABLE entry (LIKE entry_0 INCLUDING DEFAULTS) PARTITION BY LIST (era)",
    "ALTER TABLE entry ATTACH PARTITION entry_0 FOR VALUES IN (0)",
    "ALTER TABLE entry_0 DROP CONSTRAINT entry_of_era_0",
)
BOUND = "SELECT replace(conname, 'message_below_', '')::bigint FROM pg_constraint WHERE conname LIKE 'message_below_%%'"


def up(migrator: SchemaMigrator, db: Any) -> None:
    postgres = isinstance(db, PostgresqlDatabase)
    if not postgres:
        return
    (bound,) = db.execute_sql(BOUND).fetchone()
    names = {"bound": bound, "block": BLOCK, "next": bound // BLOCK}
    for statement in BEFORE:
        db.execute_sql(statement.format(**names))
    brief_lock.take(db, "message", "entry")
    for statement in ALONE:
        db.execute_sql(statement.format(**names))
