"""What becomes of a message after it was sent: it is answered, edited, deleted, reacted to, and names people.

A change holds the message's row, so that two changes never lose one another, after the conversation and the members
that it may mark as mentioned: see the order of locks in `engine_postgres`. What a message said before a change is kept
in `version`, for admins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec

from webchat.data import attachments, search
from webchat.data.store import MESSAGE, Store, as_message, extra_of
from webchat.data.transaction import Transaction
from webchat.entities.feed import encode
from webchat.entities.people import name_key
from webchat.entities.talk import Draft, Extra, Message, Posted, Quote
from webchat.errors import Conflict, NotFound

# One sentence for the absent and for what is none of the asker's business.
NO_MESSAGE = "there is no such message"
NOT_SAID = "this is a note of the group; nobody said it"
# Unread messages that are looked through for the last one that names somebody, when a mention was taken back.
LOOK_BACK = 500

_NAMED = """
    SELECT u.id, u.name FROM member b JOIN "user" u ON u.id = b."user"
    WHERE b.conversation = ? AND u.key IN ({keys}) ORDER BY u.id
"""
_MENTIONED = """
    UPDATE member SET mention_number = ? WHERE conversation = ? AND "user" IN ({users}) AND mention_number < ?
"""
_MENTION_MARK = 'SELECT read_number FROM member WHERE conversation = ? AND "user" = ? AND mention_number = ?'
_EARLIER = """
    SELECT number, extra FROM (
        SELECT number, extra FROM message WHERE conversation = ? AND id < ? ORDER BY id DESC LIMIT ?
    ) late WHERE number > ? AND extra IS NOT NULL ORDER BY number DESC
"""
_KEEP = "INSERT INTO version (message, revision, text, changed_at) VALUES (?, ?, ?, ?)"
_VERSIONS = "SELECT revision, changed_at, text FROM version WHERE message = ? ORDER BY revision"
_FIRST_TEXT = "SELECT text FROM version WHERE message = ? ORDER BY revision LIMIT 1"


class More(NamedTuple):
    """What a draft has besides its text: the message that it answers, whom it names, the files that it brings."""

    reply_to: int | None
    names: Collection[str]
    files: Sequence[str]


class Said(NamedTuple):
    """What a message said as its version number `revision`, `until` (Unix ms) it was changed."""

    revision: int
    until: int
    text: str


class HeldMessage(NamedTuple):
    """A message that nobody else changes until this transaction is through, and its sender's id."""

    message: Message
    sender: int


# --- reading ---


def message(store: Store, id: int) -> Message | None:
    rows = store.on.rows(f"{MESSAGE} WHERE m.id = ?", (id,))
    return as_message(rows[0]) if rows else None


def versions(store: Store, id: int) -> list[Said]:
    """What the message said before, the oldest first."""
    return [Said(*row) for row in store.on.rows(_VERSIONS, (id,))]


def first_text(store: Store, message: Message) -> str:
    """What the message said when it was sent."""
    rows = store.on.rows(_FIRST_TEXT, (message.id,)) if message.revision else []
    return str(rows[0][0]) if rows else message.text


def named(store: Store, conversation: int, names: Collection[str]) -> dict[int, str]:
    """Those of the conversation's members who are called so, by their ids; with the names as they spell them."""
    if not names:
        return {}
    keys = sorted({name_key(name) for name in names})
    sql = _NAMED.format(keys=", ".join("?" * len(keys)))
    return dict(store.on.rows(sql, (conversation, *keys)))


# --- writing ---


def post(tx: Transaction, draft: Draft, more: More) -> Posted | None:
    """Like `Transaction.post`, for a draft with more than a text.

    Raises NotFound where the message that is answered is not in the conversation, or a file is not there to be sent,
    and Conflict where it is a note of the group.
    """
    people = named(tx, draft.conversation, more.names)
    hold_members(tx, draft.conversation, [draft.sender, *people])
    # Asked with the conversation locked: a twin of this send may just have gone through, and taken the files.
    is_new = tx.message_of(draft.sender, draft.client_id) is None
    lives = draft.session is None or tx.living_sessions([draft.session], draft.sent_at)
    if is_new and lives and tx.membership(draft.conversation, draft.sender):
        quote = None if more.reply_to is None else _quote(tx, draft.conversation, more.reply_to)
        files = attachments.claim(tx, draft.sender, more.files) if more.files else []
        extra = Extra(reply_to=quote, mentions=list(people.values()), files=files)
        draft = draft._replace(extra=encode(extra) if extra != Extra() else None)
    (posted,) = tx.post([draft])
    if posted is not None and posted.is_new:
        _mark(tx, posted.message, [user for user in people if user != draft.sender])
        if more.files:
            attachments.attach(tx, more.files, draft.conversation, posted.message.id)
    return posted


def _quote(tx: Transaction, conversation: int, id: int) -> Quote:
    quoted = message(tx, id)
    if quoted is None or quoted.conversation != conversation:
        raise NotFound(NO_MESSAGE, code="no_such_message")
    if quoted.kind != "text":
        raise Conflict(NOT_SAID, code="not_said")
    return Quote(quoted.id, quoted.number, quoted.sender, "")


def hold_members(tx: Transaction, conversation: int, users: Iterable[int]) -> None:
    """The conversation, and then these of its members, in ascending order: the order of `engine_postgres`."""
    if tx.on.for_update:
        tx.on.rows(f"SELECT 1 FROM conversation WHERE id = ?{tx.on.for_update}", (conversation,))  # noqa: S608  ours
        some = _list(sorted(users)) or "NULL"  # an operator holds nobody but those who are named
        tx.on.rows(
            f'SELECT 1 FROM member WHERE conversation = ? AND "user" IN ({some}) '  # noqa: S608  numbers
            f'ORDER BY "user"{tx.on.for_update}',
            (conversation,),
        )


def hold(tx: Transaction, id: int) -> HeldMessage | None:
    """The message, which nobody else changes until this transaction is through."""
    only = f"{tx.on.for_update} OF m" if tx.on.for_update else ""
    rows = tx.on.rows(f"{MESSAGE} WHERE m.id = ?{only}", (id,))
    if not rows:
        return None
    return HeldMessage(as_message(rows[0]), tx.on.rows("SELECT sender FROM message WHERE id = ?", (id,))[0][0])


def edit(tx: Transaction, held: HeldMessage, text: str, people: dict[int, str], edited_at: str, now: int) -> Message:
    """The message says `text` now, and names `people`."""
    before = held.message
    after = msgspec.structs.replace(before, text=text, mentions=list(people.values()), edited_at=edited_at)
    told = _change(tx, before, after, now)
    _mark(tx, told, [user for user in people if user != held.sender])
    _unmark(tx, before, told)
    return told


def delete(tx: Transaction, held: HeldMessage, now: int) -> tuple[Message, list[str]]:
    """Nothing of what it said, and of what hung on it, is left but its place; and the digests of its files.

    Their bytes may go once this is committed (`Files.forget`).
    """
    before = held.message
    after = Message(
        *(before.id, before.conversation, before.number, before.sender, "", before.sent_at, before.client_id),
        kind=before.kind,
        deleted=True,
        revision=before.revision,
    )
    told = _change(tx, before, after, now)
    _unmark(tx, before, told)
    return told, attachments.release(tx, before.id) if before.files else []


def react(tx: Transaction, held: HeldMessage, reactions: dict[str, list[str]]) -> Message:
    """These are the reactions now."""
    before = held.message
    return _write(tx, msgspec.structs.replace(before, reactions=reactions, revision=before.revision + 1))


def _change(tx: Transaction, before: Message, after: Message, now: int) -> Message:
    tx.on.rows(_KEEP, (before.id, before.revision, before.text, now))
    search.replace(tx, after)
    return _write(tx, msgspec.structs.replace(after, revision=before.revision + 1))


def _write(tx: Transaction, after: Message) -> Message:
    kept = {field: getattr(after, field) for field in Extra.__struct_fields__}
    if after.reply_to is not None:
        kept["reply_to"] = msgspec.structs.replace(after.reply_to, text="", files=0, deleted=False)
    tx.on.rows("UPDATE message SET text = ?, extra = ? WHERE id = ?", (after.text, encode(Extra(**kept)), after.id))
    (told,) = tx.with_quotes([after])
    tx.tell_change(told)
    return told


def _mark(tx: Transaction, message: Message, users: Sequence[int]) -> None:
    """A message, new or edited, names these members."""
    if users:
        sql = _MENTIONED.format(users=_list(users))
        tx.on.rows(sql, (message.number, message.conversation, message.number))


def _unmark(tx: Transaction, before: Message, after: Message) -> None:
    """Who is named no more, and has not read that yet, goes back to the last unread message that names them."""
    names = set(before.mentions) - set(after.mentions)
    for user, name in named(tx, after.conversation, names).items():
        unread = tx.on.rows(_MENTION_MARK, (after.conversation, user, after.number))
        if unread and unread[0][0] < after.number:
            earlier = tx.on.rows(_EARLIER, (after.conversation, after.id, LOOK_BACK, unread[0][0]))
            number = next((number for number, extra in earlier if name in extra_of(extra).mentions), 0)
            sql = 'UPDATE member SET mention_number = ? WHERE conversation = ? AND "user" = ?'
            tx.on.rows(sql, (number, after.conversation, user))


def _list(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
