"""Search in what was said in one's own conversations, and the work that keeps its index up.

Messages are indexed after they were sent, when the server has time. So that one finds what was said just now, whoever
asks has the rest of their own conversations indexed first, within bounds.
"""

from __future__ import annotations

from functools import partial

import structlog

from webchat.data import search
from webchat.data.committer import Committer
from webchat.data.engine import Engine
from webchat.data.replica import Behind, Replica
from webchat.data.store import Store
from webchat.data.words import terms
from webchat.entities.people import Session
from webchat.entities.talk import Message
from webchat.errors import NotFound, Unavailable
from webchat.logic.chat import NOWHERE

# Indexed before a query is answered, at most: conversations, and messages in all (some 30 µs each).
CATCH_UP_PLACES = 50
CATCH_UP = 500
# Messages in one transaction of the indexer. For as long, nobody else can write to SQLite.
AT_ONCE = 100

log = structlog.get_logger()


class Search:
    def __init__(self, engine: Engine, store: Store, replica: Replica, committer: Committer) -> None:
        self._engine = engine
        self._store = store
        self._replica = replica
        self._committer = committer

    def find(
        self, session: Session, query: str, conversation: int | None, before: int | None, limit: int
    ) -> tuple[list[Message], bool]:
        """The newest messages that have all words of the query, the newest first; and whether older ones do, too.

        A query without words finds nothing. Raises NotFound where the asker is no member of `conversation`, Invalid
        for a query that asks for too much.
        """
        asked = terms(query)
        if conversation is None:
            places = search.places(self._store, session.user)
        elif self._store.membership(conversation, session.user):
            places = [conversation]
        else:
            raise NotFound(NOWHERE)
        if not asked:
            return [], False
        if before is None:
            self._catch_up(session.user, conversation)
        if not places:
            return [], False
        top = search.LAST if before is None else before

        def look(store: Store) -> list[Message]:
            return search.find(store, session.user, places, asked, top, limit + 1)

        def look_at_replica(store: Store) -> list[Message]:
            if search.behind(store, session.user, conversation, 1):
                raise Behind  # it has what was said, and not yet its index
            return look(store)

        found = self._replica.read(
            session.user, look_at_replica, lambda: self._engine.aside(lambda reader: look(Store(reader)))
        )
        return found[:limit], len(found) > limit

    def index_some(self) -> bool:
        """Index what was said next; False where there was nothing."""
        if search.is_complete(self._store):
            return False
        return self._committer.submit(partial(search.index_next, limit=AT_ONCE)) > 0

    def _catch_up(self, user: int, conversation: int | None) -> None:
        behind = search.behind(self._store, user, conversation, CATCH_UP_PLACES)
        if behind:
            try:
                self._committer.submit(partial(search.index, conversations=behind, limit=CATCH_UP))
            except Unavailable as error:  # then what was indexed before must do
                log.warning("search goes without the newest messages", error=error.detail)
