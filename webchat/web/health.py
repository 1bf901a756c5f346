"""`/healthz`, `/readyz`, `/metrics`: for those who run it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import falcon
import msgspec

from webchat.web.answer import answer
from webchat.web.metrics import CONTENT_TYPE, render
from webchat.web.operation import operation


class Alive(msgspec.Struct):
    status: Literal["alive"]


class Readiness(msgspec.Struct):
    """`degraded`: it serves, but news is up to two seconds late, because the doorbell is not heard."""

    status: Literal["ready", "degraded", "unavailable", "draining"]
    database: Literal["ok", "unavailable"]
    doorbell: Literal["heard", "deaf"]


class Healthz:
    @operation("The process answers", answers={200: Alive}, access="anybody")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        answer(resp, Alive("alive"))

    on_head = on_get  # what many monitors ask with


class Readyz:
    """A deaf worker stays ready: taking all nodes out of service because Redis is away would end the chat."""

    def __init__(self, database_ok: Callable[[], bool], deaf: Callable[[], bool], draining: Callable[[], bool]) -> None:
        self._database_ok = database_ok
        self._deaf = deaf
        self._draining = draining

    @operation("Whether this worker can serve", answers={200: Readiness, 503: Readiness}, access="anybody")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        database, deaf, draining = self._database_ok(), self._deaf(), self._draining()
        status: Literal["ready", "degraded", "unavailable", "draining"] = "degraded" if deaf else "ready"
        if not database:
            status = "unavailable"
        elif draining:
            status = "draining"
        body = Readiness(status, "ok" if database else "unavailable", "deaf" if deaf else "heard")
        answer(resp, body, 200 if status in ("ready", "degraded") else 503)

    on_head = on_get


class Metrics:
    @operation(
        "Prometheus metrics of all workers of this node", answers={200: str}, access="anybody", media_type="text/plain"
    )
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.content_type = CONTENT_TYPE
        resp.data = render()
