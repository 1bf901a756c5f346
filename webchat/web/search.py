"""`/api/search`: in what was said."""

from __future__ import annotations

import falcon
import msgspec

from webchat.data.words import QUERY_MAX
from webchat.entities.talk import Message
from webchat.errors import Invalid
from webchat.logic.search import Search as SearchLogic
from webchat.web.answer import answer
from webchat.web.body import ID_MAX, integer, parameter
from webchat.web.guard import Guard
from webchat.web.limits import RateLimits
from webchat.web.operation import Parameter, operation

HITS = 20
HITS_MAX = 100

_ID = {"type": "integer", "minimum": 1}


class Hits(msgspec.Struct):
    """Messages, newest first; `more`: older ones were found, too."""

    messages: list[Message]
    more: bool


class Search:
    def __init__(self, guard: Guard, search: SearchLogic, limits: RateLimits) -> None:
        self._guard = guard
        self._search = search
        self._limits = limits

    @operation(
        "Find messages in one's conversations that have all words; the last may go on, and a phrase stands in quotes",
        answers={200: Hits},
        query=[
            Parameter(
                "query", "what to look for", {"type": "string", "minLength": 1, "maxLength": QUERY_MAX}, required=True
            ),
            Parameter("conversation", "look in this one alone", _ID),
            Parameter("before", "the id of the oldest message that one has", _ID),
            Parameter("limit", "messages in the page", {"type": "integer", "minimum": 1, "maximum": HITS_MAX}),
        ],
        problems=(400, 401, 404, 429, 503),
    )
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        session = self._guard.session(req)
        self._limits.send(session.user)
        query = parameter(req, "query")
        if not query:
            raise Invalid("say what to look for: `?query=TEXT`", code="bad_query")
        conversation = integer(req, "conversation", 1, ID_MAX)
        before = integer(req, "before", 1, ID_MAX)
        limit = integer(req, "limit", 1, HITS_MAX, HITS) or HITS
        messages, more = self._search.find(session, query, conversation, before, limit)
        answer(resp, Hits(messages, more))
