"""What is refused before the application sees it, and what breaks on the way there, in the application's own form: a
problem (RFC 9457) with a stable `code`.

gunicorn judges, logs, and would send a page of HTML that repeats what it got. Here its judgement is looked up in one
table; what the client sent goes into the log alone.
"""

from __future__ import annotations

import ssl
from types import TracebackType
from typing import NamedTuple

from gunicorn.http import errors
from gunicorn.http.message import Request


class Refusal(NamedTuple):
    status: int
    code: str
    detail: str


# The parser in C calls many a malformed header so, too.
MALFORMED = Refusal(400, "bad_request", "this is no HTTP request: its first line or a header is malformed")
HEADER = Refusal(400, "bad_header", "a header is malformed, or contradicts another one")
BODY = Refusal(400, "bad_body", "the body breaks off, or its chunks are malformed")
NOT_ALLOWED = Refusal(403, "forbidden", "this connection is refused")
BROKEN = Refusal(500, "internal", "this is a mistake in the server; it has been logged")

# The first that fits an error's class. A header that the application got wrong is its mistake, not the client's.
TABLE: tuple[tuple[type[BaseException], Refusal], ...] = (
    (errors.InvalidResponseHeader, BROKEN),
    (errors.InvalidResponseHeaderName, BROKEN),
    (errors.InvalidRequestLine, MALFORMED),
    (errors.InvalidH2CPreface, MALFORMED),
    (errors.InvalidRequestMethod, Refusal(400, "bad_method", "the method is not one of HTTP's")),
    (errors.InvalidHTTPVersion, Refusal(400, "bad_version", "speak HTTP/1.1 or HTTP/1.0")),
    (errors.LimitRequestLine, Refusal(414, "uri_too_long", "the request line is longer than this server reads")),
    (errors.LimitRequestHeaders, Refusal(431, "headers_too_large", "the headers are more than this server reads")),
    (errors.ExpectationFailed, Refusal(417, "bad_expectation", "of Expect, only 100-continue is known")),
    (errors.UnsupportedTransferCoding, Refusal(501, "unknown_coding", "of Transfer-Encoding, only chunked is known")),
    (errors.ObsoleteFolding, HEADER),
    (errors.InvalidHeader, HEADER),
    (errors.InvalidHeaderName, HEADER),
    (errors.InvalidSchemeHeaders, HEADER),
    (errors.InvalidChunkSize, BODY),
    (errors.ChunkMissingTerminator, BODY),
    (errors.InvalidChunkExtension, BODY),
    (errors.InvalidProxyLine, MALFORMED),
    (errors.ForbiddenProxyRequest, NOT_ALLOWED),
    (ssl.SSLError, NOT_ALLOWED),
)


def of(error: BaseException) -> Refusal:
    return next((refusal for kind, refusal in TABLE if isinstance(error, kind)), BROKEN)


def answer(refusal: Refusal, head: bool) -> bytes:
    """All that goes on the wire. `head`: HEAD was asked for, so the body stays away."""
    # Not at the top: the master loads this, and later workers would inherit an application that is not patched.
    from webchat.web import problems

    body = problems.encode(*refusal)
    # `no-store`: a cache may keep a 414 or a 501 otherwise.
    fields = (
        f"HTTP/1.1 {refusal.status} {problems.title(refusal.status)}",
        "Connection: close",
        "Cache-Control: no-store",
        f"Content-Type: {problems.MEDIA_TYPE}",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*fields, "", "")).encode() + (b"" if head else body)


def asks_head(request: Request | None, error: BaseException) -> bool:
    """Whether the request that broke is a HEAD.

    Where gunicorn's parser gave up it hands out no request; what it had read stands in its own frame.
    """
    if request is not None:
        return bool(request.method == "HEAD")
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        known = trace.tb_frame.f_locals
        if isinstance(known.get("self"), Request):
            read = known.get("data") or known.get("buf") or b""
            if known["self"].method == "HEAD" or bytes(read[:7]).lstrip(b"\r\n").startswith(b"HEAD "):
                return True
        trace = trace.tb_next
    return False


class Unsent:
    """Takes the page that gunicorn would send. To gunicorn it is a socket."""

    def gettimeout(self) -> float:
        return 0.0

    def sendall(self, data: bytes) -> None:
        """Nothing."""
