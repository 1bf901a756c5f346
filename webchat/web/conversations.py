"""`/api/conversations/{id}/messages`: history."""

from __future__ import annotations

import falcon
import msgspec

from webchat.entities.talk import Message
from webchat.errors import NotFound
from webchat.logic.chat import NOWHERE, Chat
from webchat.web.answer import answer
from webchat.web.body import ID_MAX, integer, path_id
from webchat.web.guard import Guard
from webchat.web.operation import Parameter, operation

PAGE = 50
PAGE_MAX = 100

ID_SCHEMA = {"conversation": {"type": "integer", "minimum": 1}}


class Page(msgspec.Struct):
    """Messages, oldest first; `more`: older ones exist."""

    messages: list[Message]
    more: bool


class History:
    def __init__(self, guard: Guard, chat: Chat) -> None:
        self._guard = guard
        self._chat = chat

    @operation(
        "A page of history: the newest, or the one that ends before a message",
        answers={200: Page},
        query=[
            Parameter("before", "the id of the oldest message that one has", {"type": "integer", "minimum": 1}),
            Parameter("limit", "messages in the page", {"type": "integer", "minimum": 1, "maximum": PAGE_MAX}),
        ],
        problems=(400, 401, 404, 503),
        path_schemas=ID_SCHEMA,
    )
    def on_get(self, req: falcon.Request, resp: falcon.Response, conversation: str) -> None:
        session = self._guard.session(req)
        before = integer(req, "before", 1, ID_MAX)
        limit = integer(req, "limit", 1, PAGE_MAX, PAGE) or PAGE
        messages, more = self._chat.history(session, conversation_id(conversation), before, limit)
        answer(resp, Page(messages, more))


def conversation_id(text: str) -> int:
    """What cannot be an id is as absent as an id that nobody has."""
    found = path_id(text)
    if found is None:
        raise NotFound(NOWHERE)
    return found
