"""One tree of errors. Every layer raises meaning; only `webchat.web.problems` speaks HTTP.

An error names what went wrong (`code`, stable, for programs) and says what to do about it (its
message, for people). It carries no status: that table stands in one place, in `webchat.web.problems`.
"""

from __future__ import annotations


class ChatError(Exception):
    """The root: whatever we raise on purpose."""

    code = "error"

    def __init__(self, detail: str, *, code: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.retry_after = retry_after  # seconds until a retry makes sense; None: a retry will not help


class Invalid(ChatError):
    """The request cannot be meant: a wrong shape, type or range."""

    code = "invalid"


class NotLoggedIn(ChatError):
    """No session, or one that is over."""

    code = "not_logged_in"


class WrongCredentials(ChatError):
    """Name and password do not fit; never says which of the two."""

    code = "wrong_credentials"


class WrongPassword(WrongCredentials):
    """Who is logged in has given another password than theirs."""

    code = "wrong_password"


class Forbidden(ChatError):
    """Understood and refused, whoever asks."""

    code = "forbidden"


class NotFound(ChatError):
    """Absent, or none of the asker's business: the two must look the same."""

    code = "not_found"


class Conflict(ChatError):
    """It contradicts what is already there."""

    code = "conflict"


class TooLarge(ChatError):
    """More than we read."""

    code = "too_large"


class WrongType(ChatError):
    """A body of another media type than the one we understand."""

    code = "wrong_media_type"


class TooMany(ChatError):
    """A rate limit; `retry_after` says when."""

    code = "too_many_requests"


class Unavailable(ChatError):
    """Not now: the database or this worker cannot take it. The same call may be made again."""

    code = "unavailable"


class SetupError(ChatError):
    """The server cannot start like this: one line for the operator, no traceback."""

    code = "setup"
