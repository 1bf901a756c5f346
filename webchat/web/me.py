"""`/api/me`: one's own profile and settings, and the end of the account."""

from __future__ import annotations

import falcon
import msgspec

from webchat.entities import people
from webchat.logic.farewell import Farewell
from webchat.logic.profiles import Profiles, Wishes
from webchat.web.answer import answer
from webchat.web.body import read_body
from webchat.web.guard import Guard, client_address, forget_cookie
from webchat.web.limits import RateLimits
from webchat.web.operation import operation


class Myself(msgspec.Struct):
    me: people.Me


class Parting(msgspec.Struct, forbid_unknown_fields=True):
    password: str


class Me:
    def __init__(self, guard: Guard, profiles: Profiles, farewell: Farewell, limits: RateLimits) -> None:
        self._guard = guard
        self._profiles = profiles
        self._farewell = farewell
        self._limits = limits

    @operation("One's own profile and settings", answers={200: Myself}, problems=(400, 401, 503))
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        answer(resp, Myself(self._profiles.me(self._guard.session(req))))

    @operation(
        "Change one's profile or settings; what is not given stays",
        body=Wishes,
        answers={200: Myself},
        problems=(400, 401, 403, 413, 415, 429, 503),
    )
    def on_patch(self, req: falcon.Request, resp: falcon.Response) -> None:
        session = self._guard.session(req)
        self._limits.friends(session.user)  # it may tell as many as there are friends
        answer(resp, Myself(self._profiles.change(session, read_body(req, Wishes))))

    @operation(
        "Delete the account: the name stays taken, what was said stays",
        body=Parting,
        answers={204: None},
        problems=(400, 401, 403, 413, 415, 429, 503),
    )
    def on_delete(self, req: falcon.Request, resp: falcon.Response) -> None:
        session = self._guard.session(req)
        password = read_body(req, Parting).password
        with self._limits.logging_in(session.name, client_address(req)):
            self._farewell.remove(session, password)
        forget_cookie(req, resp)
        resp.status = 204
