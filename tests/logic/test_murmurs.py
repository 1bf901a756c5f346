"""Murmurs: told before what is told with them, and not at all once they are over."""

from __future__ import annotations

import pytest
from gevent import Timeout

from tests.contracts.store_contract import NOW
from tests.logic.conftest import Company
from tests.logic.test_hub import HOLD
from webchat.entities.feed import (
    BlockedEvent,
    ChangedEvent,
    ConversationEvent,
    Entry,
    Event,
    FriendEvent,
    LeftEvent,
    MessageEvent,
    Murmur,
    ReadEvent,
    TypingEvent,
    encode,
)
from webchat.entities.talk import Conversation, Message
from webchat.logic.murmurs import still
from webchat.logic.poll import Answer


def said(conversation: int, sender: str) -> Message:
    return Message(1, conversation, 1, sender, "hello", "2026-11-22T09:25:00.123Z", "c1")


def line(conversation: int) -> Conversation:
    return Conversation(conversation, "direct", "ann", False, 0, 0, 0, None)


@pytest.mark.parametrize(
    ("event", "over"),
    [
        (MessageEvent(said(7, "ann")), True),
        (MessageEvent(said(7, "bob")), False),
        (MessageEvent(said(8, "ann")), False),
        (ChangedEvent(said(7, "ann")), False),
        (ReadEvent(7, 1), False),
        (ConversationEvent(line(7)), True),
        (ConversationEvent(line(8)), False),
        (LeftEvent(7), True),
        (FriendEvent("ann", "none"), True),
        (FriendEvent("ann", "friend"), False),
        (BlockedEvent("ann", True), True),
        (BlockedEvent("ann", False), False),
    ],
)
def test_what_ends_it(event: Event, over: bool) -> None:
    murmur = encode(TypingEvent(7, "ann"))
    assert still([murmur], [encode(event)]) == ([] if over else [murmur])


def test_what_is_not_understood_is_kept_and_ends_nothing() -> None:
    murmurs = [encode(TypingEvent(7, "ann")), b'{"type":"humming"}']
    assert still(murmurs, [b'{"type":"of a newer worker"}']) == murmurs
    assert still(murmurs, [encode(MessageEvent(said(7, "ann")))]) == murmurs[1:]


# --- in the hub


def types(company: Company) -> None:
    typing = Murmur(company.bob.user, encode(TypingEvent(company.talk, "ann")))
    company.node.hub.deliver([typing])


def says(company: Company, name: str = "ann") -> None:
    who = company.ann if name == "ann" else company.bob
    company.node.committer.submit(lambda tx: tx.add_message(company.talk, who.user, name, "hello", f"c-{name}", NOW))


def kinds(answer: Answer) -> list[str]:
    return [event.decode().split('"')[3] for event in answer.events]


def test_it_waits_for_the_next_poll_and_comes_before_the_entries(company: Company) -> None:
    cursor = company.room.poll(company.room.cursor(), hold=0).cursor
    types(company)
    says(company, "bob")
    assert kinds(company.room.poll(cursor)) == ["typing", "message"]


@pytest.mark.parametrize("end", ["says", "removes", "blocks"])
def test_it_does_not_wait_longer_than_it_holds(company: Company, end: str) -> None:
    cursor = company.room.poll(company.room.cursor(), hold=0).cursor
    types(company)
    match end:
        case "says":
            says(company)
        case "removes":
            company.node.friends.remove(company.ann, "bob")
        case "blocks":
            company.node.blocks.block(company.bob, "ann")
    assert "typing" not in kinds(company.room.poll(cursor))
    late = company.room.cursor()
    assert kinds(company.room.poll(late, hold=0)) == [], "nor for one that knows already"


@pytest.mark.parametrize(("sender", "heard"), [("bob", ["typing", "message"]), ("ann", ["message"])])
def test_a_poll_that_waits_hears_it_before_what_comes_in_the_same_breath(
    company: Company, sender: str, heard: list[str]
) -> None:
    """It looks again only when its greenlet has its turn."""
    cursor = company.room.poll(company.room.cursor(), hold=0).cursor
    poll = company.room.parked(cursor)
    typing = Murmur(company.bob.user, encode(TypingEvent(company.talk, "ann")))
    message = Entry(company.bob.user, cursor.number + 1, encode(MessageEvent(said(company.talk, sender))))
    company.node.hub.deliver([typing, message])
    with Timeout(HOLD):
        assert kinds(poll.get()) == heard
