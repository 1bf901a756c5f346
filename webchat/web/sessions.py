"""`/api/session` for browsers (a cookie per slot), `/api/tokens` for programs."""

from __future__ import annotations

import falcon
import msgspec

from webchat.entities.people import Me
from webchat.logic.accounts import DAY, Accounts
from webchat.web.answer import answer
from webchat.web.body import read_body
from webchat.web.guard import Guard, client_address, cookie_name, forget_cookie, refuse_foreign_pages, slot
from webchat.web.limits import RateLimits
from webchat.web.operation import operation


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    password: str


class LoggedIn(msgspec.Struct):
    user: Me


class Token(msgspec.Struct):
    token: str


class _Doors:
    """What both doors share: checking a name and a password."""

    def __init__(self, guard: Guard, accounts: Accounts, limits: RateLimits) -> None:
        self._guard = guard
        self._accounts = accounts
        self._limits = limits

    def _log_in(self, req: falcon.Request, instead_of: str | None = None) -> tuple[Me, str]:
        credentials = read_body(req, Credentials)
        address = client_address(req)
        with self._limits.logging_in(credentials.name, address):
            return self._accounts.log_in(
                credentials.name, credentials.password, address, req.user_agent or "", instead_of
            )


class Session(_Doors):
    """The log-in of one browser tab (or of several that share a slot)."""

    @operation(
        "Log in: sets the HttpOnly session cookie of the slot, and ends the session that the slot had",
        body=Credentials,
        answers={200: LoggedIn},
        problems=(400, 401, 403, 413, 415, 429, 503),
        access="cookie",
    )
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        refuse_foreign_pages(req)
        of_slot = slot(req, required=True)
        old = req.get_cookie_values(cookie_name(of_slot))
        user, secret = self._log_in(req, instead_of=old[0] if old else None)
        resp.set_cookie(
            cookie_name(of_slot),
            secret,
            max_age=self._accounts.lifetime * DAY // 1000,
            path="/",
            secure=req.scheme == "https",
            http_only=True,
            # Strict costs nothing here: the page that a link from elsewhere opens holds no secrets, and
            # what it then fetches is same-site.
            same_site="Strict",
        )
        answer(resp, LoggedIn(user))

    @operation("Log out: ends the session and its parked polls", answers={204: None}, problems=(400, 401, 403, 503))
    def on_delete(self, req: falcon.Request, resp: falcon.Response) -> None:
        session = self._guard.session(req)
        self._accounts.log_out(session)
        forget_cookie(req, resp)
        resp.status = 204


class Tokens(_Doors):
    """Log-ins of programs."""

    @operation(
        "Get a token for `Authorization: Bearer`; sets no cookie",
        body=Credentials,
        answers={201: Token},
        problems=(400, 401, 403, 413, 415, 429, 503),
        access="anybody",
    )
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        refuse_foreign_pages(req)
        _, secret = self._log_in(req)
        answer(resp, Token(secret), 201)
