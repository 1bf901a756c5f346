"""`/api/conversations/{id}/typing`: I am writing something here."""

from __future__ import annotations

import falcon

from webchat.logic.typing import Typing as TypingLogic
from webchat.web.conversations import ID_SCHEMA, conversation_id
from webchat.web.guard import Guard
from webchat.web.limits import RateLimits
from webchat.web.operation import operation


class Typing:
    def __init__(self, guard: Guard, typing: TypingLogic, limits: RateLimits) -> None:
        self._guard = guard
        self._typing = typing
        self._limits = limits

    @operation(
        "Say that one is writing; again every few seconds while it lasts. Best effort",
        answers={204: None},
        problems=(400, 401, 403, 404, 429, 503),
        path_schemas=ID_SCHEMA,
    )
    def on_post(self, req: falcon.Request, resp: falcon.Response, conversation: str) -> None:
        session = self._guard.session(req)
        self._limits.typing(session.user)
        self._typing.say(session, conversation_id(conversation))
        resp.status = 204
