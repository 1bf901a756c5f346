"""`/api/me`: one's own profile and settings."""

from __future__ import annotations

import falcon
import msgspec

from webchat.entities import people
from webchat.logic.profiles import Profiles, Wishes
from webchat.web.answer import answer
from webchat.web.body import read_body
from webchat.web.guard import Guard
from webchat.web.limits import RateLimits
from webchat.web.operation import operation


class Myself(msgspec.Struct):
    me: people.Me


class Me:
    def __init__(self, guard: Guard, profiles: Profiles, limits: RateLimits) -> None:
        self._guard = guard
        self._profiles = profiles
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
