"""`/api/conversations/{id}/messages`: history."""

from __future__ import annotations

import falcon
import msgspec

from webchat.entities.talk import Message
from webchat.errors import Invalid, NotFound
from webchat.logic.chat import NOWHERE, Chat
from webchat.web.answer import answer
from webchat.web.body import ID_MAX, integer, path_id
from webchat.web.guard import Guard
from webchat.web.operation import Parameter, operation

PAGE = 50
PAGE_MAX = 100

MESSAGE_SCHEMA = {"type": "integer", "minimum": 1}
ID_SCHEMA = {"conversation": {"type": "integer", "minimum": 1}}


class Page(msgspec.Struct, omit_defaults=True):
    """Messages, oldest first; `more`: older ones exist; `newer`: newer ones exist."""

    messages: list[Message]
    more: bool
    newer: bool = False


class History:
    def __init__(self, guard: Guard, chat: Chat) -> None:
        self._guard = guard
        self._chat = chat

    @operation(
        "A page of history: the newest, or the one that ends before, begins after, or lies around a message",
        answers={200: Page},
        query=[
            Parameter("before", "the id of the oldest message that one has", MESSAGE_SCHEMA),
            Parameter("after", "the id of the newest message that one has", MESSAGE_SCHEMA),
            Parameter("around", "the id of a message that one wants to see among its neighbours", MESSAGE_SCHEMA),
            Parameter("limit", "messages in the page", {"type": "integer", "minimum": 1, "maximum": PAGE_MAX}),
        ],
        problems=(400, 401, 404, 503),
        path_schemas=ID_SCHEMA,
    )
    def on_get(self, req: falcon.Request, resp: falcon.Response, conversation: str) -> None:
        session = self._guard.session(req)
        where = {name: integer(req, name, 1, ID_MAX) for name in ("before", "after", "around")}
        if sum(id is not None for id in where.values()) > 1:
            raise Invalid("give one of `before`, `after` and `around`", code="bad_page")
        limit = integer(req, "limit", 1, PAGE_MAX, PAGE) or PAGE
        answer(resp, Page(*self._chat.history(session, conversation_id(conversation), limit, **where)))


def conversation_id(text: str) -> int:
    """What cannot be an id is as absent as an id that nobody has."""
    found = path_id(text)
    if found is None:
        raise NotFound(NOWHERE)
    return found
