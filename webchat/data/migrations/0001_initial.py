"""The first schema. A frozen copy of the models of its day: later ones change tables.py and add a migration."""

import secrets

from peewee import (
    AutoField,
    BigAutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    CompositeKey,
    Database,
    IntegerField,
    Model,
    SqliteDatabase,
    TextField,
)
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: Database) -> None:
    class Meta(Model):
        key = TextField(primary_key=True)
        value = TextField()

    class User(Model):
        id = AutoField()
        name = TextField()
        key = TextField(unique=True)
        password_hash = TextField()
        demo = BooleanField(default=False)
        disabled = BooleanField(default=False)
        created_at = BigIntegerField()

    class Session(Model):
        id = BigIntegerField(primary_key=True)
        token_hash = BlobField(unique=True)
        user = IntegerField(index=True)
        expires_at = BigIntegerField(index=True)

    class Relation(Model):
        low = IntegerField()
        high = IntegerField(index=True)
        friends = BooleanField(default=False)
        asked_by = IntegerField(null=True)
        conversation = IntegerField(null=True, index=True)

        class Meta:
            primary_key = CompositeKey("low", "high")

    class Conversation(Model):
        id = AutoField()
        kind = TextField(default="direct")
        open = BooleanField(default=True)
        last_number = IntegerField(default=0)
        last_message = BigIntegerField(null=True)

    class Member(Model):
        conversation = IntegerField()
        user = IntegerField(index=True)
        read_number = IntegerField(default=0)

        class Meta:
            primary_key = CompositeKey("conversation", "user")

    class Message(Model):
        id = BigAutoField()
        conversation = IntegerField()
        number = IntegerField()
        sender = IntegerField()
        client_id = TextField()
        text = TextField()
        sent_at = BigIntegerField()

        class Meta:
            indexes = ((("sender", "client_id"), True), (("conversation", "id"), False))

    class Feed(Model):
        user = IntegerField(primary_key=True)
        first = IntegerField(default=1)
        last = IntegerField(default=0)
        presence = IntegerField(default=0, index=True)

    class Entry(Model):
        user = IntegerField()
        number = IntegerField()
        message = BigIntegerField(null=True)
        event = BlobField(null=True)

        class Meta:
            primary_key = CompositeKey("user", "number")
            without_rowid = isinstance(db, SqliteDatabase)

    class Worker(Model):
        id = TextField(primary_key=True)
        beat = IntegerField(default=0)
        deaf = BooleanField(default=False)

    class Presence(Model):
        user = IntegerField()
        worker = TextField(index=True)

        class Meta:
            primary_key = CompositeKey("user", "worker")

    models = (Meta, User, Session, Relation, Conversation, Member, Message, Feed, Entry, Worker, Presence)
    with db.bind_ctx(models):
        db.create_tables(models)
        Meta.insert_many([("epoch", secrets.token_hex(6)), ("presence", "0")], [Meta.key, Meta.value]).execute()
