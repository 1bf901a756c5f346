"""All that is somebody's, page by page: what a download of one's data is made of.

Each page is a question of its own, found by an index; it asks anew whether the user may read there.
"""

from __future__ import annotations

from collections.abc import Iterator

from webchat.data.engine import is_postgres
from webchat.data.store import MESSAGE, Store, as_message, in_lists
from webchat.entities.talk import File, Message

PAGE = 200  # rows read at once: some 2 ms of the event loop

_SAID = f"""
    {MESSAGE} JOIN member b ON b.conversation = m.conversation AND b."user" = ?
    WHERE m.conversation = ? AND m.id > ? ORDER BY m.id LIMIT ?
"""
# By client id, for which there is an index: the messages' own, or that of `once`.
_ELSEWHERE = """
    SELECT {sent}.client_id, m.id FROM {tables}
    WHERE {sent}.sender = ? AND {sent}.client_id > ? AND NOT EXISTS
        (SELECT 1 FROM member b WHERE b.conversation = m.conversation AND b."user" = m.sender)
    ORDER BY {sent}.client_id LIMIT ?
"""
_ELSEWHERE_SQLITE = _ELSEWHERE.format(sent="m", tables="message m")
_ELSEWHERE_POSTGRES = _ELSEWHERE.format(sent="o", tables="once o JOIN message m ON m.id = o.message")
_FILES = """
    SELECT id, name, type, size, width, height, created_at FROM attachment
    WHERE owner = ? AND (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?
"""


def created_at(store: Store, user: int) -> int:
    return int(store.on.rows('SELECT created_at FROM "user" WHERE id = ?', (user,))[0][0])


def said_in(store: Store, user: int, conversation: int) -> Iterator[list[Message]]:
    """The messages of a conversation, oldest first; none for who is no member any more."""
    after = 0
    while rows := store.on.rows(_SAID, (user, conversation, after, PAGE)):
        yield store.with_quotes([as_message(row) for row in rows])
        after = rows[-1][0]


def said_elsewhere(store: Store, user: int) -> Iterator[list[Message]]:
    """What the user has said in conversations that they have left; not what they answered there, which is others'.

    Oldest first, for which there is no index: the ids are gathered and sorted, and meanwhile the pages are empty.
    """
    ids: list[int] = []
    after = ""
    sql = _ELSEWHERE_POSTGRES if is_postgres(store.on) else _ELSEWHERE_SQLITE
    while rows := store.on.rows(sql, (user, after, PAGE)):
        ids += [id for _, id in rows]
        after = rows[-1][0]
        yield []
    ids.sort()
    for start in range(0, len(ids), PAGE):
        (some,) = in_lists(ids[start : start + PAGE])
        yield [as_message(row) for row in store.on.rows(f"{MESSAGE} WHERE m.id IN ({some}) ORDER BY m.id")]


def files(store: Store, user: int) -> Iterator[list[File]]:
    """What the user has uploaded, oldest first."""
    last = (0, "")
    while rows := store.on.rows(_FILES, (user, *last, PAGE)):
        yield [File(*row[:6]) for row in rows]
        last = rows[-1][6], rows[-1][0]
