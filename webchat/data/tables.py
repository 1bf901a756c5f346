"""The tables, as Peewee models bound to no database: each query names the connection it runs on.

Times are Unix milliseconds. `tests/data/test_migrations.py` holds these models against what the
migrations build.
"""

from __future__ import annotations

from peewee import (
    AutoField,
    BigAutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    CompositeKey,
    IntegerField,
    Model,
    TextField,
)


class Meta(Model):
    """Facts of the database itself: `epoch` (12 hex digits), `presence` (the last mark given), `indexed` (up to which
    message the search index has come), `needs` (the migration that a release must know to serve it) and, where there is
    a replica, `pulse` (see `replica_postgres`).
    """

    key = TextField(primary_key=True)
    value = TextField()


class User(Model):
    """`key` is the name in the form in which it is unique. A disabled user cannot log in.

    `avatar` is the id of an attachment, or empty.
    """

    id = AutoField()
    name = TextField()
    key = TextField(unique=True)
    password_hash = TextField()
    demo = BooleanField(default=False)
    disabled = BooleanField(default=False)
    created_at = BigIntegerField()
    display_name = TextField(default="")
    status = TextField(default="")
    avatar = TextField(default="")
    invisible = BooleanField(default=False)
    hide_receipts = BooleanField(default=False)
    hide_typing = BooleanField(default=False)


class Session(Model):
    """A browser's session or a program's token; only the SHA-256 of the secret is kept.

    `id` is the hash's first 63 bits, so that an id is never given twice.
    """

    id = BigIntegerField(primary_key=True)
    token_hash = BlobField(unique=True)
    user = IntegerField(index=True)
    expires_at = BigIntegerField(index=True)
    created_at = BigIntegerField(default=0)
    seen_at = BigIntegerField(default=0)
    address = TextField(default="")
    agent = TextField(default="")


class Relation(Model):
    """Two users, `low` < `high`. `asked_by` is set while the question waits; `conversation` outlives the friendship."""

    low = IntegerField()
    high = IntegerField(index=True)
    friends = BooleanField(default=False)
    asked_by = IntegerField(null=True)
    conversation = IntegerField(null=True, index=True)
    note = TextField(default="")

    class Meta:
        primary_key = CompositeKey("low", "high")


class Conversation(Model):
    """`open` while its members may send; `last_number` numbers the messages; `name` is a group's.

    `delivered` and `read`: every member who shows receipts has got, has read the messages up to this number.
    """

    id = AutoField()
    kind = TextField(default="direct")
    open = BooleanField(default=True)
    last_number = IntegerField(default=0)
    last_message = BigIntegerField(null=True)
    name = TextField(default="")
    delivered = IntegerField(default=0)
    read = IntegerField(default=0)


class Member(Model):
    """`role` is a group's (owner, admin, member); `joined_number`: the note that says how this member came.

    `read_number` and `delivered_number`: read, got up to this message (what was read was got, whatever the latter
    says); `receipt_number`: read up to this one before the mark was put back; `mention_number`: the last message that
    names this member.
    """

    conversation = IntegerField()
    user = IntegerField(index=True)
    read_number = IntegerField(default=0)
    role = TextField(default="")
    muted = BooleanField(default=False)
    delivered_number = IntegerField(default=0)
    mention_number = IntegerField(default=0)
    joined_number = IntegerField(default=0)
    receipt_number = IntegerField(default=0)

    class Meta:
        primary_key = CompositeKey("conversation", "user")


class Message(Model):
    """(`sender`, `client_id`) is unique for ever: that is what makes a retry harmless (see `Once`).

    `extra`: JSON of all that few messages have, see `entities.talk.Extra`; NULL for the many.
    """

    id = BigAutoField()
    conversation = IntegerField()
    number = IntegerField()
    sender = IntegerField()
    client_id = TextField()
    text = TextField()
    sent_at = BigIntegerField()
    extra = BlobField(null=True)

    class Meta:
        indexes = ((("sender", "client_id"), True), (("conversation", "id"), False))


class Once(Model):
    """A client id that was used, and by which message; see `webchat.data.once`."""

    sender = IntegerField()
    client_id = TextField()
    message = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("sender", "client_id")
        without_rowid = True


class Feed(Model):
    """Entries `first`..`last` are kept; `last` numbers them, and on PostgreSQL its row lock serialises that.

    `presence` is the mark of the user's last coming or going.
    """

    user = IntegerField(primary_key=True)
    first = IntegerField(default=1)
    last = IntegerField(default=0)
    presence = BigIntegerField(default=0, index=True)


class Entry(Model):
    """One feed entry: it points at what lives once, or carries any other event as JSON (`event`).

    What it points at is told as it is when the entry is read: a `message` (new, or `changed`), or the line of a
    `conversation`; but only to whom it still concerns.
    """

    user = IntegerField()
    number = IntegerField()
    message = BigIntegerField(null=True)
    event = BlobField(null=True)
    changed = BooleanField(default=False)
    conversation = IntegerField(null=True)

    class Meta:
        primary_key = CompositeKey("user", "number")
        without_rowid = True


class Worker(Model):
    """A living worker process: `beat` counts up while it lives; `deaf` while it cannot ring or hear."""

    id = TextField(primary_key=True)
    beat = IntegerField(default=0)
    deaf = BooleanField(default=False)


class Presence(Model):
    """`user` has a mailbox in `worker`: that is what being online means."""

    user = IntegerField()
    worker = TextField(index=True)

    class Meta:
        primary_key = CompositeKey("user", "worker")


class Block(Model):
    """`user` wants nothing to do with `blocked`."""

    user = IntegerField()
    blocked = IntegerField(index=True)

    class Meta:
        primary_key = CompositeKey("user", "blocked")


class Version(Model):
    """What a message said until its change number `revision`: for admins."""

    message = BigIntegerField()
    revision = IntegerField()
    text = TextField()
    changed_at = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("message", "revision")


class Attachment(Model):
    """A file that somebody uploaded: the bytes lie under their SHA-256 (`digest`, hex), once for all who have them.

    `id` is random. It belongs to its `owner` until it hangs on a `message`, and then to that `conversation`.
    """

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


class Indexed(Model):
    """Up to which `message` a conversation is in the index `search`, which is no model: each engine has its own."""

    conversation = IntegerField(primary_key=True)
    message = BigIntegerField(default=0)


class Audit(Model):
    """What an operator did, and when."""

    id = AutoField()
    at = BigIntegerField()
    actor = TextField()
    action = TextField()
    subject = TextField()
    detail = TextField(default="")


ALL = (
    *(Meta, User, Session, Relation, Conversation, Member, Message, Once, Feed, Entry, Worker, Presence),
    *(Block, Version, Attachment, Indexed, Audit),
)
