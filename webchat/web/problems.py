"""Errors on the wire: RFC 9457 `application/problem+json`. The one table from meaning to HTTP status."""

from __future__ import annotations

import math
from typing import Any, Literal

import falcon
import msgspec
import structlog

from webchat import errors

STATUS: dict[type[errors.ChatError], int] = {
    errors.Invalid: 400,
    errors.NotLoggedIn: 401,
    errors.WrongCredentials: 401,
    errors.WrongPassword: 403,  # the session is as good as before
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.WrongType: 415,
    errors.TooMany: 429,
    errors.Unavailable: 503,
}
MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger()


class Problem(msgspec.Struct):
    """`code` is stable and for programs, `detail` is for people; `retry_after` in seconds."""

    title: str
    status: int
    code: str
    detail: str
    type: Literal["about:blank"] = "about:blank"
    retry_after: int | msgspec.UnsetType = msgspec.UNSET


_encode = msgspec.json.Encoder().encode


def title(status: int) -> str:
    """The status in words."""
    return str(falcon.code_to_http_status(status))[4:]


def encode(status: int, code: str, detail: str, retry_after: float | None = None) -> bytes:
    """The problem as JSON."""
    seconds = math.ceil(retry_after) if retry_after is not None else msgspec.UNSET
    return _encode(Problem(title(status), status, code, detail, retry_after=seconds))


def fill(resp: falcon.Response, status: int, code: str, detail: str, retry_after: float | None = None) -> None:
    """Make `resp` a problem."""
    resp.status = status
    resp.content_type = MEDIA_TYPE
    resp.data = encode(status, code, detail, retry_after)
    if retry_after is not None:
        resp.set_header("Retry-After", str(math.ceil(retry_after)))
    if status == 401:
        resp.set_header("WWW-Authenticate", 'Bearer realm="webchat"')


def on_chat_error(req: falcon.Request, resp: falcon.Response, error: errors.ChatError, _: Any) -> None:
    _fill_with(resp, error)


def _fill_with(resp: falcon.Response, error: errors.ChatError) -> None:
    # An engine may raise a narrower class than the table knows.
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    fill(resp, status, error.code, error.detail, error.retry_after)


_HTTP_CODES = {404: "no_such_call", 405: "method_not_allowed", 400: "invalid", 416: "bad_range"}
_HTTP_DETAILS = {
    404: "there is no such call",
    405: "this call has no such method",
    416: "the file has no such bytes; Content-Range says how many it has",
}


def on_http_error(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, _: Any) -> None:
    """Falcon's own refusals (no such route, wrong method, …) in the same form."""
    for name, value in dict(error.headers or {}).items():
        resp.set_header(name, value)
    detail = error.description or _HTTP_DETAILS.get(error.status_code, error.title or "refused")
    fill(resp, error.status_code, _HTTP_CODES.get(error.status_code, "refused"), detail)


def on_crash(req: falcon.Request, resp: falcon.Response, error: Exception, _: Any) -> None:
    """A mistake of ours: logged whole, told in one sentence."""
    _crashed(resp, error, req.method, req.path)


def _crashed(resp: falcon.Response, error: Exception, method: str, path: str) -> None:
    log.error("request crashed", method=method, path=path, exc_info=error)
    fill(resp, 500, "internal", "this is a mistake in the server; it has been logged")


def of(error: Exception, method: str, path: str) -> falcon.Response:
    """The problem that a responder's error would have been answered with, for an error that came too late for that."""
    resp = falcon.Response()
    if isinstance(error, errors.ChatError):
        _fill_with(resp, error)
    else:
        _crashed(resp, error, method, path)
    return resp


def install(app: falcon.App) -> None:  # type: ignore[type-arg]
    # Falcon asks the newest handler first that fits the error's class.
    app.add_error_handler(Exception, on_crash)
    app.add_error_handler(falcon.HTTPError, on_http_error)
    app.add_error_handler(errors.ChatError, on_chat_error)
