"""`/api/friends`: ask, accept, decline, end."""

from __future__ import annotations

from typing import Annotated

import falcon
import msgspec
from msgspec import Meta

from webchat.entities.people import NOTE_MAX, Relation
from webchat.logic.friends import Friends as FriendsLogic
from webchat.web.answer import answer
from webchat.web.body import read_body
from webchat.web.guard import Guard
from webchat.web.limits import RateLimits
from webchat.web.operation import operation


class Wish(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """`note`: a word with the question."""

    name: str
    note: Annotated[str, Meta(extra_json_schema={"maxLength": NOTE_MAX})] = ""


class Standing(msgspec.Struct):
    friend: Relation


class Friends:
    def __init__(self, guard: Guard, friends: FriendsLogic, limits: RateLimits) -> None:
        self._guard = guard
        self._friends = friends
        self._limits = limits

    @operation(
        "Ask somebody to be a friend, or accept where they have asked. 200: nothing changed",
        body=Wish,
        answers={201: Standing, 200: Standing},
        problems=(400, 401, 403, 404, 409, 413, 415, 429, 503),
    )
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        session = self._guard.session(req)
        self._limits.friends(session.user)
        wish = read_body(req, Wish)
        standing, changed = self._friends.ask(session, wish.name, wish.note)
        answer(resp, Standing(standing), 201 if changed else 200)


class Friend:
    def __init__(self, guard: Guard, friends: FriendsLogic, limits: RateLimits) -> None:
        self._guard = guard
        self._friends = friends
        self._limits = limits

    @operation("Accept a request", answers={200: Standing}, problems=(400, 401, 403, 404, 429, 503))
    def on_put(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        session = self._guard.session(req)
        self._limits.friends(session.user)
        answer(resp, Standing(self._friends.accept(session, name)))

    @operation(
        "Decline a request, withdraw one, or end a friendship",
        answers={204: None},
        problems=(400, 401, 403, 404, 429, 503),
    )
    def on_delete(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        session = self._guard.session(req)
        self._limits.friends(session.user)
        self._friends.remove(session, name)
        resp.status = 204
