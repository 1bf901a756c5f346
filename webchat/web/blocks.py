"""`/api/blocks`: block, unblock."""

from __future__ import annotations

import falcon

from webchat.logic.blocks import Blocks
from webchat.web.guard import Guard
from webchat.web.limits import RateLimits
from webchat.web.operation import operation


class Block:
    def __init__(self, guard: Guard, blocks: Blocks, limits: RateLimits) -> None:
        self._guard = guard
        self._blocks = blocks
        self._limits = limits

    @operation(
        "Block somebody: ends the friendship, declines questions; the other is not told of it",
        answers={204: None},
        problems=(400, 401, 403, 404, 429, 503),
    )
    def on_put(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        session = self._guard.session(req)
        self._limits.friends(session.user)
        self._blocks.block(session, name)
        resp.status = 204

    @operation("Unblock somebody: restores nothing", answers={204: None}, problems=(400, 401, 403, 404, 429, 503))
    def on_delete(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        session = self._guard.session(req)
        self._limits.friends(session.user)
        self._blocks.unblock(session, name)
        resp.status = 204
