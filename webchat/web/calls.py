"""What was asked, how it was answered, and how long that took: counted for every request, so in few instructions.

A held poll counts when it is taken in, with the time until then; what it waits is no latency.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import falcon

from webchat.tally import Tally
from webchat.web.operation import operation_of

STARTED = "webchat.started"  # the environ's key of the time (`time.perf_counter`) at which the request came
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"))
# Upper bounds in seconds; one row for every call and status, so there are few of them.
BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5)


class Call(NamedTuple):
    """`route`: the template of its path; none of them is made up by a client, nor is anything else here."""

    route: str
    method: str
    status: int


class Calls:
    """`of[template, method, status as the responder set it]` is the row to count in; `row` finds or makes it."""

    def __init__(self) -> None:
        self.of: dict[tuple[str | None, str, object], Tally] = {}
        self.rows: dict[Call, Tally] = {}

    def expect(self, routes: Iterable[tuple[str, Any]]) -> None:
        """Rows for whatever these resources say that they answer: a series that is not there cannot be watched."""
        for template, resource in routes:
            for method in METHODS:
                operation = operation_of(getattr(resource, f"on_{method.lower()}", None))
                for status in operation.answers if operation else ():
                    self.rows[Call(template, method, status)] = Tally(BOUNDS)

    def row(self, req: falcon.Request, resp: falcon.Response) -> Tally:
        method = req.method if req.method in METHODS else "other"
        call = Call(req.uri_template or "none", method, resp.status_code)
        row = self.rows.get(call)
        if row is None:
            row = self.rows[call] = Tally(BOUNDS)
        if method == req.method:
            self.of[req.uri_template, method, resp.status] = row
        return row
