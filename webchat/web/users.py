"""`/api/users`: register, and find people."""

from __future__ import annotations

from typing import Annotated

import falcon
import msgspec
from msgspec import Meta

from webchat.entities.people import NAME, PASSWORD_MAX, PASSWORD_MIN, Found, Me
from webchat.errors import Invalid
from webchat.logic.accounts import Accounts
from webchat.logic.profiles import Profiles
from webchat.web.answer import answer
from webchat.web.body import parameter, read_body
from webchat.web.guard import Guard, client_address, refuse_foreign_pages
from webchat.web.limits import RateLimits
from webchat.web.operation import Parameter, operation

QUERY_MAX = 32  # characters: no name is longer


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(description="2 to 32 characters", extra_json_schema={"pattern": f"^{NAME.pattern}$"})]
    password: Annotated[
        str, Meta(extra_json_schema={"minLength": PASSWORD_MIN, "maxLength": PASSWORD_MAX, "format": "password"})
    ]


class Registered(msgspec.Struct):
    user: Me


class FoundUser(msgspec.Struct):
    user: Found


class FoundUsers(msgspec.Struct):
    users: list[Found]


class Users:
    def __init__(self, guard: Guard, accounts: Accounts, limits: RateLimits) -> None:
        self._guard = guard
        self._accounts = accounts
        self._limits = limits

    @operation(
        "Register",
        body=NewUser,
        answers={201: Registered},
        problems=(400, 403, 409, 413, 415, 429, 503),
        access="anybody",
    )
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        refuse_foreign_pages(req)
        wish = read_body(req, NewUser)
        self._limits.register(client_address(req))
        answer(resp, Registered(self._accounts.register(wish.name, wish.password)), 201)

    @operation(
        "Find people whose name begins with a text",
        answers={200: FoundUsers},
        query=[
            Parameter("query", "the beginning of a name", {"type": "string", "minLength": 1, "maxLength": 32}, True)
        ],
        problems=(400, 401, 503),
    )
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        session = self._guard.session(req)
        query = parameter(req, "query")
        if not query or len(query) > QUERY_MAX:
            raise Invalid(f"query must have 1 to {QUERY_MAX} characters", code="bad_query")
        answer(resp, FoundUsers(self._accounts.find(session, query)))


class User:
    def __init__(self, guard: Guard, profiles: Profiles) -> None:
        self._guard = guard
        self._profiles = profiles

    @operation("Somebody's profile, and how they stand to you", answers={200: FoundUser}, problems=(400, 401, 404, 503))
    def on_get(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        answer(resp, FoundUser(self._profiles.look_up(self._guard.session(req), name)))
