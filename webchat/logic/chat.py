"""Chat: sending, reading back, and the snapshot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from webchat.data import blocks, changes, once, profiles
from webchat.data.engine import Engine
from webchat.data.replica import Replica
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.entities.feed import Cursor, Snapshot
from webchat.entities.people import Session
from webchat.entities.talk import CLIENT_ID_MAX, FILES_MAX, TEXT_MAX, Draft, Message, Posted
from webchat.errors import Conflict, Invalid, NotFound, NotLoggedIn
from webchat.logic import mentions

# One sentence for the absent and for the forbidden: an answer must not tell which.
NOWHERE = "there is no such friend or conversation"
NO_PLACE = 0  # nobody's conversation

T = TypeVar("T")


class Commits(Protocol):
    """What is asked of the committer (`webchat.data.committer`)."""

    def send(self, draft: Draft) -> Posted | None: ...

    def submit(self, work: Callable[[Transaction], T]) -> T: ...


class Chat:
    """`now` gives Unix milliseconds; `cursor` tells where a user's feed stands."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        replica: Replica,
        committer: Commits,
        cursor: Callable[[int], Cursor],
        now: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._store = store
        self._replica = replica
        self._committer = committer
        self._cursor = cursor
        self._now = now

    def send(
        self,
        session: Session,
        to: str | None,
        conversation: int | None,
        text: str,
        client_id: str,
        device: str = "",
        *,
        reply_to: int | None = None,
        files: Sequence[str] = (),
    ) -> Posted:
        """Commit a message to a friend (by name) or a conversation (by id), with files that the sender has uploaded.

        The same (sender, client id) gives the first message again, on any node and for ever. The poll of the
        sender's own `device` is not woken by it. `reply_to`: the id of the message that is answered. Raises NotFound
        where the sender may not send, or the message that is answered is not there, Conflict where the client id was
        used for other content, NotLoggedIn where the session has ended.
        """
        if files:
            check_files(files)
        if text or not files:
            check_text(text)
        check_client_id(client_id)
        if (to is None) == (conversation is None):
            raise Invalid("give either `to` or `conversation`", code="bad_recipient")
        place = conversation if conversation is not None else self._with(session.user, to or "")
        now = self._now()
        draft = Draft(place or NO_PLACE, session.user, session.name, text, client_id, now, device, session.id)
        names = mentions.names(text) if "@" in text else ()
        if reply_to is None and not names and not files:
            posted = self._committer.send(draft)
        else:
            more = changes.More(reply_to, names, files)
            posted = self._committer.submit(partial(changes.post, draft=draft, more=more))
        if posted is None:
            if not self._store.living_sessions([session.id], now):
                raise NotLoggedIn("this session is over; log in again")
            if once.is_forgotten(self._store, session.user, client_id):
                raise Conflict(
                    "this client_id was used for a message that is not kept any more", code="client_id_reused"
                )
            raise NotFound(NOWHERE)
        if not posted.is_new and not self._is_retry(posted.message, place, text, reply_to, files):
            raise Conflict("this client_id was used for another message", code="client_id_reused")
        return posted

    def _is_retry(
        self, message: Message, place: int | None, text: str, reply_to: int | None, files: Sequence[str]
    ) -> bool:
        """Whether this is what was sent first, whatever has become of it; what a deleted message had is forgotten."""
        answered = message.reply_to.id if message.reply_to else None
        return (
            message.conversation == place
            and (message.deleted or (answered == reply_to and [file.id for file in message.files] == list(files)))
            and changes.first_text(self._store, message) == text
        )

    def _with(self, user: int, name: str) -> int | None:
        """The conversation with the person of this name, open or not; it is the same for ever."""
        other = self._store.user(name)
        pair = self._store.pair(user, other[0]) if other else None
        return pair.conversation if pair else None

    def history(
        self,
        session: Session,
        conversation: int,
        limit: int,
        *,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
    ) -> tuple[list[Message], bool, bool]:
        """A page of messages, oldest first; whether older ones, and whether newer ones exist.

        The newest; or the page that ends before the message `before`, that begins after `after`, or that has `around`
        in its middle. Raises NotFound where that is not there.
        """
        membership = self._store.membership(conversation, session.user)
        if membership is None:
            raise NotFound(NOWHERE)

        def page(store: Store) -> tuple[list[Message], bool]:
            if around is not None:
                messages = _around(store, conversation, around, limit)
            else:
                messages = store.history(conversation, before, limit, after=after)
            first = messages[0] if messages else None
            return messages, first is not None and first.number > 1 and store.has_older(conversation, first.id)

        messages, older = self._replica.read(session.user, page, lambda: page(self._store))
        if not messages:
            there_are = membership.last_number > 0
            return [], there_are and after is not None, there_are and before is not None
        return messages, older, messages[-1].number < membership.last_number

    def snapshot(self, session: Session) -> Snapshot:
        """All that a client shows, as of one moment, and the cursor of that moment."""
        with self._engine.snapshot():
            return Snapshot(
                str(self._cursor(session.user)),
                profiles.me(self._store, session.user),
                self._store.friends(session.user),
                self._store.requests(session.user),
                self._store.conversations(session.user),
                blocks.names(self._store, session.user),
            )


def _around(store: Store, conversation: int, id: int, limit: int) -> list[Message]:
    older = store.history(conversation, id + 1, limit // 2 + 1)
    if not older or older[-1].id != id:
        raise NotFound(changes.NO_MESSAGE, code="no_such_message")
    left = limit - len(older)
    return older + store.history(conversation, None, left, after=id)


def check_text(text: str) -> None:
    if "\0" in text:  # PostgreSQL cannot keep it
        raise Invalid("a message cannot contain the character NUL (U+0000)", code="bad_text")
    if not text.strip() or len(text) > TEXT_MAX:
        raise Invalid(f"a message has 1 to {TEXT_MAX} characters, not all of them blank", code="bad_text")


def check_files(files: Sequence[str]) -> None:
    if len(files) > FILES_MAX or len(set(files)) < len(files):
        raise Invalid(f"a message has up to {FILES_MAX} files, each of them once", code="bad_files")


def check_client_id(client_id: str) -> None:
    if not (1 <= len(client_id) <= CLIENT_ID_MAX and client_id.isascii() and client_id.isprintable()):
        raise Invalid(f"a client_id has 1 to {CLIENT_ID_MAX} printable ASCII characters", code="bad_client_id")
