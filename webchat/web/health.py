"""`/healthz`, `/readyz`, `/metrics`: for those who run it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import falcon
import gevent
import msgspec

from webchat.web.answer import answer
from webchat.web.metrics import CONTENT_TYPE, render
from webchat.web.operation import operation


class Alive(msgspec.Struct):
    status: Literal["alive"]


class Readiness(msgspec.Struct):
    """`degraded`: it serves, but news is up to two seconds late, because the doorbell is not heard, or its last write
    failed (a full disk, a database that has become read-only): people read and are read, and sends are refused.
    """

    status: Literal["ready", "degraded", "unavailable", "draining"]
    database: Literal["ok", "unavailable"]
    writes: Literal["ok", "failing"]
    doorbell: Literal["heard", "deaf"]


class Healthz:
    @operation("The process answers", answers={200: Alive}, access="anybody")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        answer(resp, Alive("alive"))

    on_head = on_get  # what many monitors ask with


class Readyz:
    """A deaf worker stays ready, and so does one whose writes fail: both befall all nodes at once, and taking them all
    out of service would end the chat. No probe writes: a worker writes by itself every few seconds, to show that it
    lives, and remembers how that went.
    """

    def __init__(
        self,
        database_ok: Callable[[], bool],
        failing: Callable[[], bool],
        deaf: Callable[[], bool],
        draining: Callable[[], bool],
    ) -> None:
        self._database_ok = database_ok
        self._failing = failing
        self._deaf = deaf
        self._draining = draining

    @operation("Whether this worker can serve", answers={200: Readiness, 503: Readiness}, access="anybody")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        database, failing, deaf = self._database_ok(), self._failing(), self._deaf()
        status: Literal["ready", "degraded", "unavailable", "draining"] = "degraded" if deaf or failing else "ready"
        if not database:
            status = "unavailable"
        elif self._draining():
            status = "draining"
        body = Readiness(
            status,
            "ok" if database else "unavailable",
            "failing" if failing else "ok",
            "deaf" if deaf else "heard",
        )
        answer(resp, body, 200 if status in ("ready", "degraded") else 503)

    on_head = on_get


class Metrics:
    @operation(
        "Prometheus metrics of all workers of this node", answers={200: str}, access="anybody", media_type="text/plain"
    )
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.content_type = CONTENT_TYPE
        resp.data = gevent.get_hub().threadpool.apply(render)  # some milliseconds, in which polls shall wake
