"""The index of what was said: what is in it, how it comes there, and what it finds.

It is SQLite's FTS5 or PostgreSQL's `tsvector` with GIN; which words a text has is our own rule (`words`), the same
for both. A message's words carry one more, which names its conversation: a search in one's own few conversations then
costs what is found there, whatever else the database holds.

A send does not write it. Messages are indexed later, in batches; `indexed` says up to which message that is done, in
each conversation. There messages are committed in the order of their ids, because a send holds the conversation: so
nothing is overtaken, though ids of different conversations may be. Who changes a message holds the conversation's row
of `indexed`, as the indexer does: what was said before is then in the index no more when the change is committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from webchat.data.engine import is_postgres
from webchat.data.store import MESSAGE, Store, as_message, extra_of
from webchat.data.transaction import Transaction
from webchat.data.words import Term, words
from webchat.entities.talk import File, Message

RECENT = 2_000  # messages that PostgreSQL looks through one by one

_BEHIND = """
    SELECT c.id FROM member b JOIN conversation c ON c.id = b.conversation
        LEFT JOIN indexed i ON i.conversation = c.id
    WHERE b."user" = ? AND c.last_message > COALESCE(i.message, 0)
"""
_PENDING = """
    SELECT m.id, m.conversation, m.text, m.extra FROM conversation c
        LEFT JOIN indexed i ON i.conversation = c.id
        JOIN message m ON m.conversation = c.id AND m.id > COALESCE(i.message, 0)
    WHERE c.id IN ({places}) AND m.id <= ? ORDER BY m.id LIMIT ?
"""
_HOLD = "INSERT INTO indexed (conversation, message) VALUES {rows} ON CONFLICT DO NOTHING"
_HELD = "SELECT message FROM indexed WHERE conversation IN ({places}) ORDER BY conversation{for_update}"
_DONE = """
    INSERT INTO indexed (conversation, message) VALUES {rows}
    ON CONFLICT (conversation) DO UPDATE SET message = excluded.message
"""
_ADD_SQLITE = "INSERT INTO search (rowid, words) SELECT value ->> 0, value ->> 1 FROM json_each(?)"
_ADD_POSTGRES = """
    INSERT INTO search (message, words)
    SELECT (said ->> 0)::bigint, (said ->> 1)::tsvector FROM json_array_elements(?::json) AS every(said)
"""
# FTS5 gives the hits out newest first, and stops when there are enough. GIN gives out all of them, which is dear for a
# word that is everywhere; but such a word shows among the newest messages, so those are looked through first. In steps,
# because the planner would otherwise go through all messages, newest first, whenever it takes the words for common.
_FIND_SQLITE = """
    WITH hit AS MATERIALIZED (
        SELECT rowid AS message FROM search WHERE words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?
    )
"""
_FIND_POSTGRES = """
    WITH late AS MATERIALIZED (SELECT message, words FROM search WHERE message < ? ORDER BY message DESC LIMIT ?),
        recent AS MATERIALIZED (SELECT message FROM late WHERE words @@ ?::tsquery),
        every AS MATERIALIZED (
            SELECT message FROM search
            WHERE (SELECT count(*) FROM recent) < ? AND words @@ ?::tsquery AND message < ?
        ),
        hit AS MATERIALIZED (
            SELECT message FROM recent UNION SELECT message FROM every ORDER BY message DESC LIMIT ?
        )
"""
_FOUND = """
    WHERE m.id IN (SELECT message FROM hit)
        AND EXISTS (SELECT 1 FROM member b WHERE b.conversation = m.conversation AND b."user" = ?)
    ORDER BY m.id DESC
"""
LAST = 2**63 - 1  # no message has it


# --- reading ---


def find(
    store: Store, user: int, places: Sequence[int], asked: Sequence[Term], before: int, limit: int
) -> list[Message]:
    """The newest messages, older than the message `before`, that have all that is asked for; the newest first.

    `places` are the conversations to look in; of any that is not the user's, nothing is found.
    """
    if is_postgres(store.on):
        how, query = _FIND_POSTGRES, _postgres_query(places, asked)
        values: tuple[Any, ...] = (before, RECENT, query, limit, query, before, limit)
    else:
        how, values = _FIND_SQLITE, (_sqlite_query(places, asked), before, limit)
    rows = store.on.rows(how + MESSAGE + _FOUND, (*values, user))
    return store.with_quotes([as_message(row) for row in rows])


def places(store: Store, user: int) -> list[int]:
    """The conversations of a user."""
    return [row[0] for row in store.on.rows('SELECT conversation FROM member WHERE "user" = ?', (user,))]


def behind(store: Store, user: int, conversation: int | None, limit: int) -> list[int]:
    """Those of the user's conversations (or just the one) that have messages which are not indexed yet."""
    if conversation is None:
        rows = store.on.rows(f"{_BEHIND} ORDER BY c.last_message DESC LIMIT ?", (user, limit))
    else:
        rows = store.on.rows(f"{_BEHIND} AND c.id = ?", (user, conversation))
    return [row[0] for row in rows]


def is_complete(store: Store) -> bool:
    """Whether all that was said is in the index, as far as one sees without looking into each conversation."""
    rows = store.on.rows("SELECT value FROM meta WHERE key = 'indexed'")
    top = store.on.rows("SELECT max(id) FROM message")[0][0]
    return top is None or int(rows[0][0]) >= top


# --- writing ---


def index_next(tx: Transaction, limit: int) -> int:
    """Index what was said next, wherever it was, up to `limit` messages or little more; how many were looked at.

    One at a time does that: on PostgreSQL, who finds another one at it leaves it to that.
    """
    alone = f"{tx.on.for_update} SKIP LOCKED" if tx.on.for_update else ""
    mark = tx.on.rows(f"SELECT value FROM meta WHERE key = 'indexed'{alone}")  # noqa: S608  ours
    if not mark:
        return 0
    sql = "SELECT id, conversation FROM message WHERE id > ? ORDER BY id LIMIT ?"
    rows = tx.on.rows(sql, (int(mark[0][0]), limit))
    if rows:
        top = rows[-1][0]
        index(tx, {place for _, place in rows}, LAST, top)
        tx.on.rows("UPDATE meta SET value = ? WHERE key = 'indexed'", (str(top),))
    return len(rows)


def index(tx: Transaction, conversations: Iterable[int], limit: int, top: int = LAST) -> None:
    """Index what is not yet, up to the message `top` and at most `limit` messages: the oldest first."""
    every = sorted(conversations)
    _hold(tx, every)
    rows = tx.on.rows(_PENDING.format(places=_list(every)), (top, limit))
    _add(tx, [(id, place, _searchable(text, extra)) for id, place, text, extra in rows])
    done = {place: id for id, place, _, _ in rows}
    if done:
        tx.on.rows(_DONE.format(rows=", ".join(f"({place}, {done[place]})" for place in sorted(done))))


def replace(tx: Transaction, message: Message) -> None:
    """The message says something else now, or nothing: what it said before is found no more."""
    if message.id > _hold(tx, [message.conversation])[0]:
        return  # the indexer has not been there yet
    key = "message" if is_postgres(tx.on) else "rowid"
    tx.on.rows(f"DELETE FROM search WHERE {key} = ?", (message.id,))  # noqa: S608  ours
    _add(tx, [(message.id, message.conversation, _text_of(message.text, message.files))])


def _hold(tx: Transaction, conversations: Sequence[int]) -> list[int]:
    """Up to where these conversations, in ascending order, are indexed; nobody else changes that, or the index of
    them, until this transaction is through."""
    if not conversations:
        return []
    tx.on.rows(_HOLD.format(rows=", ".join(f"({place}, 0)" for place in conversations)))
    held = _HELD.format(places=_list(conversations), for_update=tx.on.for_update)
    return [row[0] for row in tx.on.rows(held)]


def _add(tx: Transaction, said: Iterable[tuple[int, int, str]]) -> None:
    """(message, conversation, text); what has no words is never asked for."""
    found = [(id, [f"#{place}", *has]) for id, place, text in said if (has := words(text))]
    if not found:
        return
    postgres = is_postgres(tx.on)
    rows = [(id, _vector(has) if postgres else " ".join(has)) for id, has in found]
    tx.on.rows(_ADD_POSTGRES if postgres else _ADD_SQLITE, (msgspec.json.encode(rows).decode(),))


def _searchable(text: str, extra: bytes | None) -> str:
    if extra is None:
        return text
    more = extra_of(extra)
    return _text_of(text, more.files) if more.kind == "text" else ""  # what a group says of itself nobody said


def _text_of(text: str, files: Sequence[File]) -> str:
    return " ".join([text, *(file.name for file in files)])


# --- the engines' own ways to write words ---


def _vector(has: Iterable[str]) -> str:
    """As `tsvector` is written; words have no quotes and no backslashes."""
    return " ".join(f"'{word}':{n}" for n, word in enumerate(has, 1))


def _postgres_query(places: Sequence[int], asked: Sequence[Term]) -> str:
    every = [" <-> ".join(f"'{word}'" for word in term.words) + ":*" * term.open_end for term in asked]
    every.append(" | ".join(f"'#{place}'" for place in places))
    return " & ".join(f"({one})" for one in every)


def _sqlite_query(places: Sequence[int], asked: Sequence[Term]) -> str:
    every = [f'"{" ".join(term.words)}"' + " *" * term.open_end for term in asked]
    every.append(" OR ".join(f'"#{place}"' for place in places))
    return " AND ".join(f"({one})" for one in every)


def _list(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
