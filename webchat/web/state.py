"""`/api/state`: the snapshot from which a client starts."""

from __future__ import annotations

import falcon

from webchat.entities.feed import Snapshot
from webchat.logic.chat import Chat
from webchat.web.answer import answer
from webchat.web.guard import Guard
from webchat.web.operation import operation


class State:
    def __init__(self, guard: Guard, chat: Chat) -> None:
        self._guard = guard
        self._chat = chat

    @operation(
        "All that a client shows, and the cursor for the events that follow",
        answers={200: Snapshot},
        problems=(400, 401, 503),
    )
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        answer(resp, self._chat.snapshot(self._guard.session(req)))
