"""Chat: sending, reading back, and the snapshot."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from webchat.data import attachments, blocks, profiles
from webchat.data.committer import Committer
from webchat.data.engine import Engine
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.entities.feed import Cursor, Snapshot, encode
from webchat.entities.people import Session
from webchat.entities.talk import CLIENT_ID_MAX, FILES_MAX, TEXT_MAX, Draft, Extra, Message, Posted
from webchat.errors import Conflict, Invalid, NotFound, NotLoggedIn

# One sentence for the absent and for the forbidden: an answer must not tell which.
NOWHERE = "there is no such friend or conversation"
NO_PLACE = 0  # nobody's conversation


class Chat:
    """`now` gives Unix milliseconds; `cursor` tells where a user's feed stands."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        committer: Committer,
        cursor: Callable[[int], Cursor],
        now: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._store = store
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
        files: Sequence[str] = (),
    ) -> Posted:
        """Commit a message to a friend (by name) or a conversation (by id), with files that the sender has uploaded.

        The same (sender, client id) gives the first message again, on any node and for ever. The poll of the
        sender's own `device` is not woken by it. Raises NotFound where the sender may not send, Conflict where the
        client id was used for other content, NotLoggedIn where the session has ended.
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
        if files:
            posted = self._committer.submit(lambda tx: post_with_files(tx, draft, files))
        else:
            posted = self._committer.send(draft)
        if posted is None:
            if not self._store.living_sessions([session.id], now):
                raise NotLoggedIn("this session is over; log in again")
            raise NotFound(NOWHERE)
        if not posted.is_new and not is_the_same(posted.message, text, place, files):
            raise Conflict("this client_id was used for another message", code="client_id_reused")
        return posted

    def _with(self, user: int, name: str) -> int | None:
        """The conversation with the person of this name, open or not; it is the same for ever."""
        other = self._store.user(name)
        pair = self._store.pair(user, other[0]) if other else None
        return pair.conversation if pair else None

    def history(
        self, session: Session, conversation: int, before: int | None, limit: int
    ) -> tuple[list[Message], bool]:
        """A page of messages, oldest first, that ends before the message `before`; and whether older ones exist."""
        if self._store.membership(conversation, session.user) is None:
            raise NotFound(NOWHERE)
        messages = self._store.history(conversation, before, limit + 1)
        return messages[-limit:], len(messages) > limit

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


def check_text(text: str) -> None:
    if "\0" in text:  # PostgreSQL cannot keep it
        raise Invalid("a message cannot contain the character NUL (U+0000)", code="bad_text")
    if not text.strip() or len(text) > TEXT_MAX:
        raise Invalid(f"a message has 1 to {TEXT_MAX} characters, not all of them blank", code="bad_text")


def check_files(files: Sequence[str]) -> None:
    if len(files) > FILES_MAX or len(set(files)) < len(files):
        raise Invalid(f"a message has up to {FILES_MAX} files, each of them once", code="bad_files")


def post_with_files(tx: Transaction, draft: Draft, files: Sequence[str]) -> Posted | None:
    """`Transaction.post` for a draft with files, which hang on its message from then on. Raises NotFound."""
    if tx.message_of(draft.sender, draft.client_id) is None and tx.membership(draft.conversation, draft.sender):
        # Asked again, now that the conversation is locked: a twin of this send may just have claimed them.
        twin = tx.message_of(draft.sender, draft.client_id)
        if twin is None and (draft.session is None or tx.living_sessions([draft.session], draft.sent_at)):
            claimed = attachments.claim(tx, draft.sender, files)
            draft = draft._replace(extra=encode(Extra(files=claimed)))
    posted = tx.post([draft])[0]
    if posted is not None and posted.is_new:
        attachments.attach(tx, files, draft.conversation, posted.message.id)
    return posted


def is_the_same(message: Message, text: str, place: int | None, files: Sequence[str]) -> bool:
    """Whether the message is what this send would say."""
    if (message.text, message.conversation) != (text, place):
        return False
    return not (message.files or files) or [file.id for file in message.files] == list(files)


def check_client_id(client_id: str) -> None:
    if not (1 <= len(client_id) <= CLIENT_ID_MAX and client_id.isascii() and client_id.isprintable()):
        raise Invalid(f"a client_id has 1 to {CLIENT_ID_MAX} printable ASCII characters", code="bad_client_id")
