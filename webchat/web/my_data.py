"""`/api/me/data`: a download of all that is one's own."""

from __future__ import annotations

import falcon

from webchat.logic.export import Everything, Export
from webchat.web.guard import Guard
from webchat.web.limits import RateLimits
from webchat.web.operation import operation


class MyData:
    def __init__(self, guard: Guard, export: Export, limits: RateLimits) -> None:
        self._guard = guard
        self._export = export
        self._limits = limits

    @operation(
        "Download everything of one's own, and all that one can read, as one JSON document",
        answers={200: Everything},
        problems=(400, 401, 429, 503),
    )
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        session = self._guard.session(req)
        self._limits.export(session.user)
        resp.content_type = falcon.MEDIA_JSON
        resp.downloadable_as = f"webchat-{session.name}.json"
        resp.stream = self._export.everything(session)
