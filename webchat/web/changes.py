"""`/api/messages/{id}` and what hangs on it: edit, delete, react."""

from __future__ import annotations

from typing import Annotated

import falcon
import msgspec
from msgspec import Meta

from webchat.data.changes import NO_MESSAGE
from webchat.entities.talk import TEXT_MAX, Message
from webchat.errors import NotFound
from webchat.logic.changes import Changes
from webchat.web.answer import answer
from webchat.web.body import path_id, read_body
from webchat.web.guard import Guard
from webchat.web.limits import RateLimits
from webchat.web.operation import operation

PATHS = {"message": {"type": "integer", "minimum": 1}}


class Correction(msgspec.Struct, forbid_unknown_fields=True):
    text: Annotated[str, Meta(extra_json_schema={"maxLength": TEXT_MAX})]


class Changed(msgspec.Struct):
    """The whole message as it is now."""

    message: Message


class OneMessage:
    def __init__(self, guard: Guard, changes: Changes, limits: RateLimits) -> None:
        self._guard = guard
        self._changes = changes
        self._limits = limits

    @operation(
        "Edit what one has said",
        body=Correction,
        answers={200: Changed},
        problems=(400, 401, 403, 404, 409, 413, 415, 429, 503),
        path_schemas=PATHS,
    )
    def on_patch(self, req: falcon.Request, resp: falcon.Response, message: str) -> None:
        session = self._guard.session(req)
        self._limits.send(session.user)
        text = read_body(req, Correction).text
        answer(resp, Changed(self._changes.edit(session, message_id(message), text)))

    @operation(
        "Delete what one has said, for everybody",
        answers={200: Changed},
        problems=(400, 401, 403, 404, 429, 503),
        path_schemas=PATHS,
    )
    def on_delete(self, req: falcon.Request, resp: falcon.Response, message: str) -> None:
        session = self._guard.session(req)
        self._limits.send(session.user)
        answer(resp, Changed(self._changes.delete(session, message_id(message))))


class Reactions:
    def __init__(self, guard: Guard, changes: Changes, limits: RateLimits) -> None:
        self._guard = guard
        self._changes = changes
        self._limits = limits

    @operation(
        "React with an emoji",
        answers={200: Changed},
        problems=(400, 401, 403, 404, 409, 429, 503),
        path_schemas=PATHS,
    )
    def on_put(self, req: falcon.Request, resp: falcon.Response, message: str, emoji: str) -> None:
        self._react(req, resp, message, emoji, True)

    @operation(
        "Take one's reaction back",
        answers={200: Changed},
        problems=(400, 401, 403, 404, 409, 429, 503),
        path_schemas=PATHS,
    )
    def on_delete(self, req: falcon.Request, resp: falcon.Response, message: str, emoji: str) -> None:
        self._react(req, resp, message, emoji, False)

    def _react(self, req: falcon.Request, resp: falcon.Response, message: str, emoji: str, on: bool) -> None:
        session = self._guard.session(req)
        self._limits.send(session.user)
        answer(resp, Changed(self._changes.react(session, message_id(message), emoji, on)))


def message_id(text: str) -> int:
    """What cannot be an id is as absent as an id that nobody has."""
    found = path_id(text)
    if found is None:
        raise NotFound(NO_MESSAGE, code="no_such_message")
    return found
