"""What may become of a message after it was sent, and who may do that.

    edit      its sender       while a member of its conversation, and the conversation is open
    delete    its sender       while a member of its conversation
    react     every member     while the conversation is open

What changes nothing (the same text, a reaction that is there already, what was deleted before) is answered with the
message as it is, and nobody is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from webchat.data import changes
from webchat.data.changes import NO_MESSAGE, NOT_SAID, HeldMessage
from webchat.data.committer import Committer
from webchat.data.transaction import Transaction
from webchat.entities.people import Session
from webchat.entities.talk import Message, rfc3339
from webchat.errors import Conflict, Forbidden, NotFound
from webchat.logic import emoji as emojis
from webchat.logic import mentions
from webchat.logic.chat import check_text

DELETED = "the message is deleted"
REACTIONS_MAX = 20  # different emoji on one message
OWN_REACTIONS_MAX = 5  # of one member's, so that nobody uses up all of them


class Changes:
    """`now` gives Unix milliseconds; `forget` takes the digests of files that nobody may need any more.

    Every change is told to all members, in the transaction that makes it.
    """

    def __init__(self, committer: Committer, now: Callable[[], int], forget: Callable[[Sequence[str]], None]) -> None:
        self._committer = committer
        self._now = now
        self._forget = forget

    def edit(self, session: Session, id: int, text: str) -> Message:
        """The message as it is then. A text may be empty where files hang on the message."""
        now = self._now()
        names = mentions.names(text) if "@" in text else []
        if text:
            check_text(text)

        def work(tx: Transaction) -> Message:
            known = changes.message(tx, id)
            people = changes.named(tx, known.conversation, names) if known else {}
            marked = changes.named(tx, known.conversation, known.mentions) if known else {}
            held = _held(tx, session, id, {*people, *marked})
            _check_own(held, session)
            if held.message.deleted:
                raise Conflict(DELETED, code="message_deleted")
            if not held.message.files:
                check_text(text)
            if text == held.message.text:
                return tx.with_quotes([held.message])[0]
            return changes.edit(tx, held, text, people, rfc3339(now), now)

        return self._committer.submit(work)

    def delete(self, session: Session, id: int) -> Message:
        """The message as it is then: nothing but its place."""
        now = self._now()

        def work(tx: Transaction) -> tuple[Message, list[str]]:
            known = changes.message(tx, id)
            marked = changes.named(tx, known.conversation, known.mentions) if known else ()
            held = _held(tx, session, id, marked, also_closed=True)
            _check_own(held, session)
            return (held.message, []) if held.message.deleted else changes.delete(tx, held, now)

        message, digests = self._committer.submit(work)
        if digests:
            self._forget(digests)
        return message

    def react(self, session: Session, id: int, emoji: str, on: bool) -> Message:
        """Put one's reaction on the message, or take it off; the message as it is then."""
        emojis.check(emoji)

        def work(tx: Transaction) -> Message:
            held = _held(tx, session, id)
            if held.message.deleted:
                raise Conflict(DELETED, code="message_deleted")
            if held.message.kind != "text":
                raise Conflict(NOT_SAID, code="not_said")
            reactions = _reacted(held.message.reactions, emoji, session.name, on)
            if reactions == held.message.reactions:
                return tx.with_quotes([held.message])[0]
            return changes.react(tx, held, reactions)

        return self._committer.submit(work)


def _held(
    tx: Transaction, session: Session, id: int, people: Iterable[int] = (), *, also_closed: bool = False
) -> HeldMessage:
    """The message, while it may be changed. Raises NotFound for what is not of the asker's conversations."""
    known = changes.message(tx, id)
    if known is None:
        raise NotFound(NO_MESSAGE, code="no_such_message")
    changes.hold_members(tx, known.conversation, {session.user, *people})
    membership = tx.membership(known.conversation, session.user)
    held = changes.hold(tx, id) if membership else None
    if membership is None or held is None:
        raise NotFound(NO_MESSAGE, code="no_such_message")
    if not (membership.open or also_closed):
        raise Forbidden("the conversation is closed", code="conversation_closed")
    return held


def _check_own(held: HeldMessage, session: Session) -> None:
    if held.sender != session.user or held.message.kind != "text":
        raise Forbidden("only what one has said oneself can be changed", code="not_yours")


def _reacted(reactions: dict[str, list[str]], emoji: str, name: str, on: bool) -> dict[str, list[str]]:
    known = next((each for each in reactions if emojis.same(each, emoji)), emoji)
    others = [each for each in reactions.get(known, []) if each != name]
    if not on:
        after = reactions | {known: others}
        return {each: names for each, names in after.items() if names}
    if name not in reactions.get(known, []) and sum(name in names for names in reactions.values()) >= OWN_REACTIONS_MAX:
        raise Conflict(f"one puts at most {OWN_REACTIONS_MAX} reactions on a message", code="too_many_reactions")
    if known not in reactions and len(reactions) >= REACTIONS_MAX:
        raise Conflict(f"a message has at most {REACTIONS_MAX} different reactions", code="too_many_reactions")
    return reactions if name in reactions.get(known, []) else reactions | {known: [*others, name]}
