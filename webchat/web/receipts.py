"""Read marks and receipts: how far one has read a conversation, and how far one's browser has got each of them."""

from __future__ import annotations

from typing import Annotated

import falcon
import msgspec
from msgspec import Meta

from webchat.entities.talk import ReadMark
from webchat.errors import Invalid
from webchat.logic.receipts import Receipts as ReceiptsLogic
from webchat.web.answer import answer
from webchat.web.body import path_id, read_body
from webchat.web.conversations import ID_SCHEMA, conversation_id
from webchat.web.guard import Guard
from webchat.web.limits import RateLimits
from webchat.web.operation import operation

Number = Annotated[int, Meta(ge=0)]


class Reading(msgspec.Struct, forbid_unknown_fields=True):
    """`back`: what follows after `number` is unread, whatever was read before."""

    number: Number
    back: bool = False


class ReadMarks:
    def __init__(self, guard: Guard, receipts: ReceiptsLogic, limits: RateLimits) -> None:
        self._guard = guard
        self._receipts = receipts
        self._limits = limits

    @operation(
        "Say that one has read up to a message's number; moves back only with `back`",
        body=Reading,
        answers={200: ReadMark},
        problems=(400, 401, 403, 404, 413, 415, 429, 503),
        path_schemas=ID_SCHEMA,
    )
    def on_put(self, req: falcon.Request, resp: falcon.Response, conversation: str) -> None:
        session = self._guard.session(req)
        self._limits.send(session.user)  # a write like any other
        reading = read_body(req, Reading)
        answer(resp, self._receipts.read(session, conversation_id(conversation), reading.number, reading.back))


class Delivered(msgspec.Struct, forbid_unknown_fields=True):
    """`delivered`: a conversation's id → the number up to which its messages have arrived."""

    delivered: dict[str, Number]


class Receipts:
    def __init__(self, guard: Guard, receipts: ReceiptsLogic, limits: RateLimits) -> None:
        self._guard = guard
        self._receipts = receipts
        self._limits = limits

    @operation(
        "Say what has arrived, at most once a second. What is not one's own conversation is passed over",
        body=Delivered,
        answers={204: None},
        problems=(400, 401, 403, 413, 415, 429, 503),
    )
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        session = self._guard.session(req)
        self._limits.send(session.user)
        delivered = {}
        for text, number in read_body(req, Delivered).delivered.items():
            conversation = path_id(text)
            if conversation is None:
                raise Invalid("the keys of `delivered` are ids of conversations", code="bad_receipts")
            delivered[conversation] = number
        self._receipts.deliver(session, delivered)
        resp.status = 204
