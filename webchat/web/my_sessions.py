"""`/api/me/sessions`, `/api/me/password`: one's own sessions, and the password that begins them."""

from __future__ import annotations

from typing import Annotated

import falcon
import msgspec
from msgspec import Meta

from webchat.entities.people import PASSWORD_MAX, PASSWORD_MIN, OpenSession
from webchat.errors import NotFound
from webchat.logic.sessions import Sessions
from webchat.web.answer import answer
from webchat.web.body import read_body
from webchat.web.guard import Guard, client_address
from webchat.web.limits import RateLimits
from webchat.web.operation import operation

DIGITS_MAX = 19  # of 63 bits


class OpenSessions(msgspec.Struct):
    sessions: list[OpenSession]


class MySessions:
    def __init__(self, guard: Guard, sessions: Sessions) -> None:
        self._guard = guard
        self._sessions = sessions

    @operation("One's own sessions and tokens", answers={200: OpenSessions}, problems=(400, 401, 503))
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        answer(resp, OpenSessions(self._sessions.list(self._guard.session(req))))


class MySession:
    def __init__(self, guard: Guard, sessions: Sessions) -> None:
        self._guard = guard
        self._sessions = sessions

    @operation("End one of one's own sessions", answers={204: None}, problems=(400, 401, 403, 404, 503))
    def on_delete(self, req: falcon.Request, resp: falcon.Response, id: str) -> None:
        session = self._guard.session(req)
        self._sessions.end(session, _session_id(id))
        resp.status = 204


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    old: str
    new: Annotated[
        str, Meta(extra_json_schema={"minLength": PASSWORD_MIN, "maxLength": PASSWORD_MAX, "format": "password"})
    ]


class Password:
    def __init__(self, guard: Guard, sessions: Sessions, limits: RateLimits) -> None:
        self._guard = guard
        self._sessions = sessions
        self._limits = limits

    @operation(
        "Change one's password; all other sessions and all tokens end",
        body=NewPassword,
        answers={204: None},
        problems=(400, 401, 403, 413, 415, 429, 503),
    )
    def on_put(self, req: falcon.Request, resp: falcon.Response) -> None:
        session = self._guard.session(req)
        change = read_body(req, NewPassword)
        with self._limits.logging_in(session.name, client_address(req)):
            self._sessions.change_password(session, change.old, change.new)
        resp.status = 204


def _session_id(text: str) -> int:
    """What cannot be an id is as absent as an id that nobody has."""
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX and int(text) < 2**63):
        raise NotFound("you have no such session")
    return int(text)
