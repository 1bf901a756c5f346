"""Friendship: asked, accepted, declined, withdrawn, ended.

    none ──ask──▶ asked ──accept (or: the other asks too)──▶ friends
      ▲             │                                           │
      └───remove────┴─────────────────remove────────────────────┘

Becoming friends opens the conversation of the two; ending it closes that for sending. What was said stays.

Who is blocked asks like anybody else and is told so, but the one who is asked hears and sees nothing of it while the
block lasts. Nobody asks, or accepts, whom they block themselves: so while there is a block, there is no friendship.
"""

from __future__ import annotations

import msgspec

from webchat.data import blocks, profiles
from webchat.data.committer import Committer
from webchat.data.store import Pair, Store
from webchat.data.transaction import Transaction
from webchat.entities.feed import FriendEvent
from webchat.entities.people import NOTE_MAX, Relation, RelationState, Session
from webchat.errors import Conflict, Invalid, NotFound
from webchat.logic.sessions import must_live

NOBODY = Pair(friends=False, asked_by=None, conversation=None)
# One sentence for strangers and for names that nobody has: an answer must not tell which.
NOTHING = "there is no such request or friend"
NOBODY_SO_NAMED = "there is nobody of this name"


class Friends:
    """Every change is told to both, in the transaction that makes it."""

    def __init__(self, store: Store, committer: Committer) -> None:
        self._store = store
        self._committer = committer

    def ask(self, session: Session, name: str, note: str = "") -> tuple[Relation, bool]:
        """Ask `name`, or accept where `name` has asked already; and whether anything changed.

        `note`: a word with the question. Asked again, another one takes its place; none leaves it as it is, for a
        retry changes nothing. Raises Conflict for whom one blocks.
        """
        check_note(note)
        other = self._other(name, NOBODY_SO_NAMED)
        if other == session.user:
            raise Invalid("that is you", code="invalid")

        def work(tx: Transaction) -> tuple[Relation, bool]:
            pair = tx.pair_to_change(session.user, other) or NOBODY
            must_live(tx, session)
            if tx.user(name) is None:
                raise NotFound(NOBODY_SO_NAMED)  # gone since we looked
            if blocks.has(tx, session.user, other):
                raise Conflict("you block this person; end that first", code="blocked")
            if pair.friends or (pair.asked_by == session.user and note in ("", pair.note)):
                return _seen_by(tx, session.user, other, pair), False
            if pair.asked_by == other:
                return _befriend(tx, session.user, other, pair), True
            return _change(tx, session.user, other, pair._replace(asked_by=session.user, note=note)), True

        return self._committer.submit(work)

    def accept(self, session: Session, name: str) -> Relation:
        """Raises NotFound where `name` has not asked."""
        other = self._other(name)

        def work(tx: Transaction) -> Relation:
            pair = tx.pair_to_change(session.user, other)
            must_live(tx, session)
            if pair is None or (pair.asked_by != other and not pair.friends) or blocks.has(tx, session.user, other):
                raise NotFound(NOTHING)
            if pair.friends:
                return _seen_by(tx, session.user, other, pair)
            return _befriend(tx, session.user, other, pair)

        return self._committer.submit(work)

    def remove(self, session: Session, name: str) -> None:
        """Decline, withdraw or end, whichever it is. Raises NotFound where there is nothing."""
        found = self._store.user_even_disabled(name)
        if found is None:
            raise NotFound(NOTHING)
        other = found[0]

        def work(tx: Transaction) -> None:
            pair = tx.pair_to_change(session.user, other)
            if pair is None or seen_state(tx, session.user, other, pair) == "none":
                raise NotFound(NOTHING)
            end(tx, session.user, other, pair)

        self._committer.submit(work)

    def _other(self, name: str, otherwise: str = NOTHING) -> int:
        found = self._store.user(name)
        if found is None:
            raise NotFound(otherwise)
        return found[0]


def check_note(note: str) -> None:
    if "\0" in note:  # PostgreSQL cannot keep it
        raise Invalid("a note cannot contain the character NUL (U+0000)", code="bad_note")
    if len(note) > NOTE_MAX:
        raise Invalid(f"a note has at most {NOTE_MAX} characters", code="bad_note")


def end(tx: Transaction, user: int, other: int, pair: Pair) -> None:
    """Decline, withdraw or end, whichever it is, and tell both. The transaction holds the pair."""
    if pair.friends and pair.conversation is not None:
        tx.set_open(pair.conversation, False)
    _change(tx, user, other, NOBODY._replace(conversation=pair.conversation))


def seen_state(store: Store, user: int, partner: int, pair: Pair) -> RelationState:
    """How `partner` stands to `user`, as that may know it: a question of one who is blocked is none."""
    state = pair.state_for(user)
    return "none" if state == "incoming" and blocks.has(store, user, partner) else state


def _befriend(tx: Transaction, user: int, other: int, pair: Pair) -> Relation:
    if pair.conversation is None:
        conversation = tx.add_conversation(sorted((user, other)))
    else:
        conversation = pair.conversation
        tx.set_open(conversation, True)
    tx.hold_presence()  # each is told whether the other is online: nobody may come or go unseen in between
    return _change(tx, user, other, Pair(friends=True, asked_by=None, conversation=conversation))


def _change(tx: Transaction, user: int, other: int, pair: Pair) -> Relation:
    """Write the pair and tell both, in the order in which feeds are locked; what it is now to `user`."""
    tx.set_pair(user, other, pair)
    for told, partner in sorted(((user, other), (other, user))):
        if told != user and blocks.has(tx, told, partner):
            continue
        tx.tell(told, FriendEvent(**msgspec.structs.asdict(_seen_by(tx, told, partner, pair))))
    return _seen_by(tx, user, other, pair)


def _seen_by(tx: Transaction, user: int, partner: int, pair: Pair) -> Relation:
    state = pair.state_for(user)
    if state != "friend":
        return Relation(tx.name(partner), state, note=pair.note)
    profile = msgspec.structs.asdict(profiles.of(tx, partner))
    return Relation(tx.name(partner), state, tx.seems_online(partner), pair.conversation, **profile)
