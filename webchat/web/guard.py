"""Who asks, and may this request have come from a foreign page?

A browser holds one session per *slot*, so that two tabs can be two people: the slot is in the header
`X-Webchat-Session`, the secret in the HttpOnly cookie `webchat_<slot>`. A page of another site can send
cookies but not that header, so a call that changes something and rests on a cookie must carry it.
Programs send `Authorization: Bearer` and no cookies: nothing of theirs can be forged.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

import falcon

from webchat.entities.people import Session
from webchat.errors import Forbidden, Invalid, NotLoggedIn
from webchat.logic.accounts import Accounts
from webchat.web.body import parameter

TRUSTED_PROXIES = "webchat.trusted_proxies"  # the environ's key of this process's `Proxies`
SLOT_HEADER = "X-Webchat-Session"
DEFAULT_SLOT = "main"
_SLOT = re.compile(r"[a-z0-9]{1,16}")
SLOT_PARAMETER = "slot"
_BEARER = "bearer "
_READING = ("GET", "HEAD")
_OWN_SITES = ("same-origin", "none")  # `none`: a person typed the address


def slot(req: falcon.Request, required: bool) -> str:
    """Which of the browser's sessions this request speaks for. Raises Forbidden, Invalid."""
    value = req.get_header(SLOT_HEADER)
    if value is None:
        if required:
            raise Forbidden(
                f"send the header {SLOT_HEADER}: {DEFAULT_SLOT} (or another slot); it shows that no foreign page "
                "makes this request",
                code="csrf_header_missing",
            )
        return DEFAULT_SLOT
    if not _SLOT.fullmatch(value):
        raise Invalid(f"{SLOT_HEADER} must be 1 to 16 of a-z and 0-9", code="bad_slot")
    return value


def cookie_name(of_slot: str) -> str:
    return f"webchat_{of_slot}"


def forget_cookie(req: falcon.Request, resp: falcon.Response) -> None:
    """Let a browser forget the secret that came with this request."""
    if req.get_header("Authorization") is None:
        resp.unset_cookie(cookie_name(slot(req, required=True)), path="/", same_site="Strict")


def refuse_foreign_pages(req: falcon.Request) -> None:
    """Raises Forbidden where the browser says that a page of another site makes this request."""
    site = req.get_header("Sec-Fetch-Site")
    if site is not None and site not in _OWN_SITES:
        raise Forbidden("a page of another site may not do this", code="foreign_origin")
    origin = req.get_header("Origin")
    if origin is not None and _host(origin) != req.netloc.lower():
        raise Forbidden("a page of another site may not do this", code="foreign_origin")


def _host(origin: str) -> str:
    """Host and port of an origin; empty for what is none (`null`, or what only looks like an address)."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


class Proxies:
    """Whose X-Forwarded-* headers are believed: addresses and networks, or `*`; as gunicorn reads the same setting."""

    def __init__(self, listed: str) -> None:
        names = [name.strip() for name in listed.split(",") if name.strip()]
        self._all = "*" in names
        self._networks = [ipaddress.ip_network(name, strict=False) for name in names if name != "*"]

    def __contains__(self, address: str) -> bool:
        if self._all:
            return True
        try:
            peer = ipaddress.ip_address(address)
        except ValueError:  # a unix socket's peer has none
            return False
        return any(peer in network for network in self._networks)


def client_address(req: falcon.Request) -> str:
    """The address that a rate limit counts: the peer, or what a trusted proxy says it speaks for.

    The last entry of X-Forwarded-For is the one that our own proxy wrote; those before it are hearsay.
    """
    peer = req.remote_addr
    if peer in req.env[TRUSTED_PROXIES]:
        forwarded = req.get_header("X-Forwarded-For")
        if forwarded:
            return forwarded.rsplit(",", 1)[-1].strip()
    return peer


class Guard:
    """Finds the session of a request."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def session(self, req: falcon.Request) -> Session:
        """Whose request this is. Raises NotLoggedIn, and Forbidden for a forged one."""
        return self._accounts.session(_secret(req))

    def session_of_image(self, req: falcon.Request) -> Session:
        """Like `session`, where the slot may be in the query: a page's images are asked for without headers of its own.

        A foreign page learns nothing by it: the browser sends it neither our cookies nor the answer.
        """
        named = parameter(req, SLOT_PARAMETER)
        if named is not None:
            req.env.setdefault("HTTP_" + SLOT_HEADER.upper().replace("-", "_"), named)
        return self.session(req)

    def claim(self, req: falcon.Request) -> Session:
        """Like `session`, for what finds out itself whether the session still lives; see `Accounts.claim`."""
        return self._accounts.claim(_secret(req))


def _secret(req: falcon.Request) -> str:
    environ = req.env
    changes = environ["REQUEST_METHOD"] not in _READING
    if changes:
        refuse_foreign_pages(req)
    bearer: str | None = environ.get("HTTP_AUTHORIZATION")
    if bearer is not None:
        if not bearer[: len(_BEARER)].lower() == _BEARER:
            raise NotLoggedIn("only `Authorization: Bearer TOKEN` is understood")
        return bearer[len(_BEARER) :].strip()
    secret = req.get_cookie_values(cookie_name(slot(req, required=changes)))
    if not secret:
        raise NotLoggedIn("log in first")
    return secret[0]
