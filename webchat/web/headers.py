"""Headers of every answer, and the count of answers; the clock of each starts in `webchat.app`."""

from __future__ import annotations

from bisect import bisect_left
from time import perf_counter
from typing import Any

import falcon

from webchat.web.calls import BOUNDS, STARTED, Calls
from webchat.web.guard import Proxies

# Everything the page needs comes from this server; nothing is inline; text can become markup nowhere. `blob:` shows a
# picture before it is sent.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
_PAGE = {
    "Content-Security-Policy": CSP,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",  # revalidated by ETag: a new release shows at the next load
}
# What is no document needs no policy of its own: its page's holds for it. 420 bytes less for each of some fifty files.
_PART = {name: _PAGE[name] for name in ("Cross-Origin-Resource-Policy", "X-Content-Type-Options", "Cache-Control")}
_PARTS = ("text/javascript", "text/css")
_API = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class Headers:
    """Falcon middleware; also knows which proxies are believed."""

    def __init__(self, forwarded_allow_ips: str) -> None:
        self.trusted = Proxies(forwarded_allow_ips)
        self.calls = Calls()
        self.failures = 0

    def process_response(self, req: falcon.Request, resp: falcon.Response, resource: Any, succeeded: bool) -> None:
        if not (succeeded and hasattr(resource, "has_own_headers")):
            resp.set_headers(_API if req.path.startswith("/api/") else _headers_of(resp))
        row = self.calls.of.get((req.uri_template, req.method, resp.status)) or self.calls.row(req, resp)
        seconds = perf_counter() - req.env[STARTED]
        row.counts[bisect_left(BOUNDS, seconds)] += 1
        row.total += seconds
        if not succeeded:
            self._count_failure(resp)

    def of_late_error(self, resp: falcon.Response) -> None:
        """The same for an error of a held request, which passed here long ago as a success."""
        resp.set_headers(_API)
        self._count_failure(resp)

    def _count_failure(self, resp: falcon.Response) -> None:
        if resp.status_code >= 500:
            self.failures += 1


def _headers_of(resp: falcon.Response) -> dict[str, str]:
    return _PART if (resp.content_type or "").startswith(_PARTS) else _PAGE
