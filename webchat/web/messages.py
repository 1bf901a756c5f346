"""`/api/messages`: send."""

from __future__ import annotations

from typing import Annotated

import falcon
import msgspec
from msgspec import Meta

from webchat.entities.talk import CLIENT_ID_MAX, DEVICE_PATTERN, FILE_ID_PATTERN, FILES_MAX, TEXT_MAX, Message
from webchat.logic.chat import Chat
from webchat.web.answer import answer
from webchat.web.body import ID_MAX, read_body
from webchat.web.guard import Guard
from webchat.web.limits import RateLimits
from webchat.web.operation import operation


class NewMessage(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Give `to` (a friend's name) or `conversation` (an id). A retry must carry the same `client_id`.

    The sender's own poll that names the same `device` is not ended by this message. `files`: ids of files that the
    sender has uploaded (`POST /api/files`) and not sent yet; with files, `text` may be empty. `reply_to`: the id of the
    message that is answered, of this conversation.
    """

    text: Annotated[str, Meta(extra_json_schema={"maxLength": TEXT_MAX})]
    client_id: Annotated[
        str, Meta(extra_json_schema={"minLength": 1, "maxLength": CLIENT_ID_MAX, "pattern": "^[ -~]+$"})
    ]
    to: str | None = None
    conversation: Annotated[int, Meta(ge=1, le=ID_MAX)] | None = None
    device: Annotated[str, Meta(pattern=DEVICE_PATTERN)] = ""
    files: Annotated[
        list[Annotated[str, Meta(pattern=FILE_ID_PATTERN)]],
        Meta(max_length=FILES_MAX, extra_json_schema={"uniqueItems": True}),
    ] = []
    reply_to: Annotated[int, Meta(ge=1, le=ID_MAX)] | None = None


class Sent(msgspec.Struct):
    message: Message


class Messages:
    def __init__(self, guard: Guard, chat: Chat, limits: RateLimits) -> None:
        self._guard = guard
        self._chat = chat
        self._limits = limits

    @operation(
        "Send a message; answered when it is committed. 200: this client_id was sent before",
        body=NewMessage,
        answers={201: Sent, 200: Sent},
        problems=(400, 401, 403, 404, 409, 413, 415, 429, 503),
    )
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        session = self._guard.claim(req)
        self._limits.send(session.user)
        new = read_body(req, NewMessage)
        message, is_new = self._chat.send(
            *(session, new.to, new.conversation, new.text, new.client_id, new.device),
            reply_to=new.reply_to,
            files=new.files,
        )
        answer(resp, Sent(message), 201 if is_new else 200)
