"""Rows of files: who uploaded what, and on which message it hangs.

A row belongs to its owner until it is claimed for a message, once; from then on to the members of the conversation.
Unsent rows expire, except the one that is its owner's avatar. On PostgreSQL, rows of this table are locked after the
conversation and before the feeds (`engine_postgres`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from webchat.data.store import NUL, Store
from webchat.data.tables import Attachment
from webchat.data.transaction import Transaction
from webchat.entities.people import name_key
from webchat.entities.talk import File
from webchat.errors import NotFound

NO_FILE = "there is no such file"  # one sentence for the absent, the foreign and the used

_FILE = "a.id, a.name, a.type, a.size, a.width, a.height, a.thumbnail"
_AVATAR = 'EXISTS (SELECT 1 FROM "user" u WHERE u.id = a.owner AND u.avatar = a.id)'
# `+`: the few that are unsent are found by their index, not the many that somebody has sent.
_UNSENT = "SELECT COALESCE(SUM(size), 0) FROM attachment WHERE message IS NULL AND +owner = ?"
_SEEN = f"""
    SELECT {_FILE}, a.digest FROM attachment a WHERE a.id = ? AND CASE WHEN a.message IS NULL THEN a.owner = ? ELSE
        EXISTS (SELECT 1 FROM member m WHERE m.conversation = a.conversation AND m."user" = ?) END
"""  # noqa: S608  ours
_AVATAR_OF = f"""
    SELECT {_FILE}, a.digest FROM "user" u JOIN attachment a ON a.id = u.avatar
    WHERE u.key = ? AND NOT u.disabled AND a.width IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM block b WHERE b."user" = u.id AND b.blocked = ?)
"""  # noqa: S608  ours
_EXPIRED = f"""
    DELETE FROM attachment WHERE id IN
        (SELECT a.id FROM attachment a WHERE a.message IS NULL AND a.created_at < ? AND NOT {_AVATAR} LIMIT ?)
    AND message IS NULL AND created_at < ? RETURNING digest
"""  # noqa: S608  ours


class Attached(NamedTuple):
    """What is told of a file, and where its bytes are."""

    file: File
    digest: str


def unsent_bytes(store: Store, owner: int) -> int:
    return int(store.on.rows(_UNSENT, (owner,))[0][0])


def hold_quota(tx: Transaction, owner: int) -> None:
    """Nobody else adds a file of this owner's until this transaction is through."""
    tx.on.rows(f'SELECT id FROM "user" WHERE id = ?{tx.on.for_update}', (owner,))  # noqa: S608  ours


def add(tx: Transaction, owner: int, file: File, digest: str, now: int) -> None:
    tx.on.run(
        Attachment.insert(
            id=file.id,
            digest=digest,
            name=file.name,
            type=file.type,
            size=file.size,
            width=file.width,
            height=file.height,
            thumbnail=file.thumbnail,
            owner=owner,
            created_at=now,
        )
    )


def seen_by(store: Store, user: int, id: str) -> Attached | None:
    """The file, for whom it concerns: its owner while it is unsent, then the members of the conversation."""
    return _attached(store.on.rows(_SEEN, (id, user, user))) if NUL not in id else None


def avatar_of(store: Store, name: str, asker: int) -> Attached | None:
    """The image that `name` shows to `asker`; None where that is blocked by `name`, or there is none."""
    return _attached(store.on.rows(_AVATAR_OF, (name_key(name), asker))) if NUL not in name else None


def claim(tx: Transaction, owner: int, ids: Sequence[str]) -> list[File]:
    """The owner's unsent files, in this order, which nobody else can claim until this transaction is through.

    `attach` them in the same transaction. Raises NotFound where one is absent, another's, sent, or an avatar.
    """
    marks = ", ".join("?" * len(ids))
    rows = tx.on.rows(
        f"SELECT {_FILE} FROM attachment a WHERE a.id IN ({marks}) AND a.owner = ? AND a.message IS NULL "  # noqa: S608
        f"AND NOT {_AVATAR} ORDER BY a.id{tx.on.for_update}",
        (*ids, owner),
    )
    found = {row[0]: _file(row) for row in rows}
    if len(found) != len(ids):
        raise NotFound(f"{NO_FILE} of yours that was not sent yet; upload it again", code="no_such_file")
    return [found[id] for id in ids]


def attach(tx: Transaction, ids: Sequence[str], conversation: int, message: int) -> None:
    """They hang on this message now."""
    tx.on.run(Attachment.update(conversation=conversation, message=message).where(Attachment.id.in_(ids)))


def release(tx: Transaction, message: int) -> list[str]:
    """The message is deleted, and its files with it: their digests, for `Files.forget` after the commit."""
    return [row[0] for row in tx.on.rows("DELETE FROM attachment WHERE message = ? RETURNING digest", (message,))]


def take_as_avatar(tx: Transaction, owner: int, id: str, now: int) -> bool:
    """Whether this is an unsent image of the owner's, who may then make it the avatar in this transaction.

    It counts as uploaded now: else it might be just about to expire.
    """
    taken = tx.on.rows(
        "UPDATE attachment SET created_at = ? WHERE id = ? AND owner = ? AND message IS NULL AND width IS NOT NULL "
        "RETURNING id",
        (now, id, owner),
    )
    return bool(taken)


def expire(tx: Transaction, before: int, limit: int) -> list[str]:
    """Forget up to `limit` files that were uploaded before then (ms) and not sent; their digests."""
    return [row[0] for row in tx.on.rows(_EXPIRED, (before, limit, before))]


def needed(store: Store, digests: Iterable[str]) -> set[str]:
    """Those that a row names."""
    every = list(digests)
    marks = ", ".join("?" * len(every))
    rows = store.on.rows(f"SELECT DISTINCT digest FROM attachment WHERE digest IN ({marks})", every)  # noqa: S608
    return {row[0] for row in rows}


def _attached(rows: Sequence[Sequence[Any]]) -> Attached | None:
    return Attached(_file(rows[0]), rows[0][-1]) if rows else None


def _file(row: Sequence[Any]) -> File:
    """A row of `_FILE`, whatever follows."""
    id, name, media_type, size, width, height, thumbnail = row[:7]
    return File(id, name, media_type, size, width, height, bool(thumbnail))
