"""All that is somebody's, page by page: what a download of one's data is made of.

Each page is a question of its own, found by an index; it asks anew whether the user may read there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from webchat.data.store import Store, as_message
from webchat.data.tables import Attachment
from webchat.entities.talk import File, Message

PAGE = 200  # rows read at once: some 2 ms of the event loop

_COLUMNS = "SELECT m.id, m.conversation, m.number, u.name, m.text, m.sent_at, m.client_id, m.extra"
_SAID = f"""
    {_COLUMNS} FROM message m JOIN "user" u ON u.id = m.sender
        JOIN member b ON b.conversation = m.conversation AND b."user" = ?
    WHERE m.conversation = ? AND m.id > ? ORDER BY m.id LIMIT ?
"""
# By client id, for which there is an index.
_SAID_ELSEWHERE = f"""
    {_COLUMNS} FROM message m JOIN "user" u ON u.id = m.sender
    WHERE m.sender = ? AND m.client_id > ? AND NOT EXISTS
        (SELECT 1 FROM member b WHERE b.conversation = m.conversation AND b."user" = m.sender)
    ORDER BY m.client_id LIMIT ?
"""  # noqa: S608  ours


def created_at(store: Store, user: int) -> int:
    return int(store.on.rows('SELECT created_at FROM "user" WHERE id = ?', (user,))[0][0])


def said_in(store: Store, user: int, conversation: int) -> Iterator[list[Message]]:
    """The messages of a conversation, oldest first; none for who is no member any more."""
    pages = _pages(0, lambda after: store.on.rows(_SAID, (user, conversation, after, PAGE)), lambda last: last.id)
    return map(store.with_quotes, pages)


def said_elsewhere(store: Store, user: int) -> Iterator[list[Message]]:
    """What the user has said in conversations that they have left; not what they answered there, which is others'."""
    return _pages("", lambda after: store.on.rows(_SAID_ELSEWHERE, (user, after, PAGE)), lambda last: last.client_id)


def _pages(
    start: int | str, read: Callable[[int | str], list[tuple[object, ...]]], key: Callable[[Message], int | str]
) -> Iterator[list[Message]]:
    after = start
    while rows := read(after):
        messages = [as_message(row) for row in rows]
        yield messages
        if len(rows) < PAGE:
            return
        after = key(messages[-1])


def files(store: Store, user: int) -> Iterator[list[File]]:
    """What the user has uploaded."""
    columns = (Attachment.id, Attachment.name, Attachment.type, Attachment.size, Attachment.width, Attachment.height)
    after = ""
    while True:
        query = Attachment.select(*columns).where(Attachment.owner == user, Attachment.id > after)
        rows = list(store.on.run(query.order_by(Attachment.id).limit(PAGE).tuples()))
        yield [File(*row) for row in rows]
        if len(rows) < PAGE:
            return
        after = rows[-1][0]
