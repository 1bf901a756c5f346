"""Receipts: how far all have got and read; and the read mark, forward and back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import Client, until
from tests.web.conftest import QuickCluster
from tests.web.rows import written
from webchat.data import groups
from webchat.data.transaction import Transaction
from webchat.entities.talk import RECEIPTS_MAX
from webchat.logic.receipts import AT_ONCE_MAX


def deliver(who: Client, **delivered: int) -> None:
    body = {"delivered": {conversation.removeprefix("c"): number for conversation, number in delivered.items()}}
    assert who.call("POST", "/api/receipts", body).status == 204


def read(who: Client, conversation: int, number: int, **more: bool) -> Any:
    return who.ok("PUT", f"/api/conversations/{conversation}/read", {"number": number} | more)


def line(who: Client, conversation: int) -> Any:
    return next(one for one in who.state()["conversations"] if one["id"] == conversation)


def shown(who: Client, conversation: int) -> tuple[int | None, int | None]:
    """Delivered and read, as the snapshot has them."""
    mine = line(who, conversation)
    return mine.get("delivered"), mine.get("read")


def news(who: Client, cursor: str, *kinds: str) -> list[Any]:
    return [event for event in who.poll(cursor, 0)["events"] if event["type"] in (kinds or ("receipt",))]


def hide(cluster: QuickCluster, who: Client, hidden: bool = True) -> None:
    with cluster.engine.writing() as connection:
        connection.rows('UPDATE "user" SET hide_receipts = ? WHERE name = ?', (hidden, who.name))


def receipt(conversation: int, delivered: int, read: int) -> Any:
    return {"type": "receipt", "conversation": conversation, "delivered": delivered, "read": read}


# --- between two


def test_both_are_told_what_has_arrived_and_what_was_read(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    for text in "abc":
        one.send(talk, text)
    assert shown(one, talk) == (None, None), "nothing is known yet"
    cursors = one.cursor(), other.cursor()
    deliver(other, **{f"c{talk}": 2})
    deliver(other, **{f"c{talk}": 2})
    deliver(other, **{f"c{talk}": 1})
    for who, cursor in zip((one, other), cursors, strict=True):
        assert news(who, cursor) == [receipt(talk, 2, 0)]
        assert shown(who, talk) == (2, None)
    cursor = one.cursor()
    read(other, talk, 3)
    assert news(one, cursor) == [receipt(talk, 3, 3)], "what was read has arrived"
    assert shown(one, talk) == (3, 3)


def test_an_answer_shows_as_read_with_the_next_receipt(cluster: QuickCluster) -> None:
    """A send itself settles nothing; the other's browser does, as soon as it has got it."""
    one, other, talk = cluster.pair()
    one.send(talk, "question")
    cursor = one.cursor()
    other.send(talk, "answer")
    assert news(one, cursor) == []
    deliver(one, **{f"c{talk}": 2})
    assert news(one, cursor) == [receipt(talk, 2, 1)]


def test_several_conversations_at_once(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    third = cluster.user()
    second = other.befriend(third)
    one.send(talk, "a")
    third.send(second, "b")
    cursor = other.cursor()
    deliver(other, **{f"c{second}": 1, f"c{talk}": 1})
    assert sorted(news(other, cursor), key=str) == sorted((receipt(talk, 1, 0), receipt(second, 1, 0)), key=str)


def test_what_is_not_one_s_own_is_passed_over(cluster: QuickCluster) -> None:
    one, _, talk = cluster.pair()
    one.send(talk, "a")
    stranger = cluster.user()
    before = written(cluster.data)
    deliver(stranger, **{f"c{talk}": 1, "c999999": 1})
    assert written(cluster.data) == before


def test_no_receipt_is_ahead_of_what_was_said(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    one.send(talk, "a")
    deliver(other, **{f"c{talk}": 10**6})
    assert shown(one, talk) == (1, None)


def test_only_so_many_conversations_at_once(cluster: QuickCluster) -> None:
    body = {"delivered": {str(number): 1 for number in range(AT_ONCE_MAX + 1)}}
    answer = cluster.user().call("POST", "/api/receipts", body)
    assert (answer.status, answer.body["code"]) == (400, "bad_receipts")


# --- hidden


def test_who_hides_receipts_gives_and_gets_none(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    one.send(talk, "a")
    deliver(other, **{f"c{talk}": 1})
    hide(cluster, other)
    for who in (one, other):
        assert shown(who, talk) == (None, None)
    cursors = one.cursor(), other.cursor()
    read(other, talk, 1)
    for who, cursor in zip((one, other), cursors, strict=True):
        assert news(who, cursor) == []
    hide(cluster, other, False)
    assert shown(one, talk) == (1, None), "nothing is made up for"
    one.send(talk, "b")
    read(other, talk, 2)
    assert news(one, cursors[0]) == [receipt(talk, 2, 2)]


@pytest.mark.parametrize("ended_by", ["DELETE /api/friends/", "PUT /api/blocks/"])
def test_no_receipt_leaves_a_closed_conversation(cluster: QuickCluster, ended_by: str) -> None:
    one, other, talk = cluster.pair()
    one.send(talk, "a")
    one.send(talk, "b")
    deliver(other, **{f"c{talk}": 1})
    method, path = ended_by.split()
    other.ok(method, f"{path}{one.name}")
    cursors = one.cursor(), other.cursor()
    deliver(other, **{f"c{talk}": 2})
    assert read(other, talk, 2)["unread"] == 0, "it is one's own mark all the same"
    for who, cursor in zip((one, other), cursors, strict=True):
        assert news(who, cursor) == []
        assert shown(who, talk) == (1, None)
    assert news(other, cursors[1], "read") == [{"type": "read", "conversation": talk, "read_number": 2}]


# --- invisible


def test_an_invisible_one_s_browser_tells_nothing_until_they_read(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    one.send(talk, "a")
    other.ok("PATCH", "/api/me", {"invisible": True})
    cursor = one.cursor()
    deliver(other, **{f"c{talk}": 1})
    assert shown(one, talk) == (None, None)
    read(other, talk, 1)
    assert news(one, cursor) == [receipt(talk, 1, 1)], "reading is seen, by whoever it is"


def test_an_invisible_one_s_browser_does_not_even_tell_what_others_have_got(cluster: QuickCluster) -> None:
    """It would tell of itself by the moment: an answer shows as read when the asker's browser says something."""
    one, other, talk = cluster.pair()
    other.send(talk, "question")
    one.send(talk, "answer")
    other.ok("PATCH", "/api/me", {"invisible": True})
    cursor = one.cursor()
    deliver(other, **{f"c{talk}": 2})
    read(other, talk, 0, back=True)
    assert news(one, cursor) == []


def test_what_an_invisible_one_has_got_is_made_up_for(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    one.send(talk, "a")
    other.ok("PATCH", "/api/me", {"invisible": True})
    deliver(other, **{f"c{talk}": 1})
    other.ok("PATCH", "/api/me", {"invisible": False})
    cursor = one.cursor()
    read(one, talk, 0, back=True)
    read(one, talk, 1)  # any receipt will do
    assert news(one, cursor) == [receipt(talk, 1, 0)]


# --- in a group


def group_of(owner: Client, *members: Client) -> int:
    for member in members:
        owner.befriend(member)
    body = {"name": "g", "members": [member.name for member in members]}
    return int(owner.ok("POST", "/api/conversations", body)["conversation"]["id"])


def test_a_group_s_receipt_is_that_of_its_slowest_member(cluster: QuickCluster) -> None:
    owner, one, other = (cluster.user() for _ in range(3))
    group = group_of(owner, one, other)
    owner.send(group, "a")
    cursor = owner.cursor()
    read(one, group, 2)
    assert news(owner, cursor) == []
    deliver(other, **{f"c{group}": 2})
    until("it is heard", lambda: news(owner, cursor) == [receipt(group, 2, 0)])
    read(other, group, 1)
    until("it is heard", lambda: news(owner, cursor)[1:] == [receipt(group, 2, 1)])
    hide(cluster, other)
    assert shown(owner, group) == (2, 1)
    owner.send(group, "b")
    hidden = other.cursor()
    read(one, group, 3)
    assert shown(owner, group) == (3, 3), "who hides it is not waited for"
    assert shown(other, group) == (None, None)
    assert news(other, hidden) == []
    hide(cluster, one)
    assert shown(owner, group) == (None, None), "only one is left who shows them"


def test_large_groups_have_no_receipts(cluster: QuickCluster) -> None:
    owner, one = cluster.user(), cluster.user()
    group = group_of(owner, one)
    read(one, group, 1)
    assert shown(owner, group) == (1, 1)
    with cluster.engine.writing() as connection:
        tx = Transaction(connection)
        for number in range(RECEIPTS_MAX - 1):
            user = tx.add_user(f"crowd-{group}-{number}", "!", 0)
            assert user is not None
            groups.join(tx, group, user, "member", 1)
    assert line(owner, group)["members"] == RECEIPTS_MAX + 1
    assert shown(owner, group) == (None, None)
    owner.send(group, "a")
    cursor = owner.cursor()
    read(one, group, 2)
    assert news(owner, cursor) == []


# --- marked unread


def test_a_conversation_can_be_marked_unread(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    for text in "abc":
        one.send(talk, text)
    read(other, talk, 3)
    cursors = one.cursor(), other.cursor()
    assert read(other, talk, 1, back=True) == {"conversation": talk, "read_number": 1, "unread": 2}
    assert line(other, talk)["unread"] == 2
    read(other, talk, 1, back=True)
    assert news(other, cursors[1], "read", "receipt") == [
        {"type": "read", "conversation": talk, "read_number": 1, "back": True}
    ]
    assert news(one, cursors[0]) == [], "what was read stays read to the others"
    assert shown(one, talk) == (3, 3)
    assert read(other, talk, 2, back=True)["read_number"] == 2
    assert news(other, cursors[1], "read")[1:] == [{"type": "read", "conversation": talk, "read_number": 2}]
    refused = other.call("PUT", f"/api/conversations/{talk}/read", {"number": 4, "back": True})
    assert (refused.status, refused.body["code"]) == (400, "bad_number")
    assert read(other, talk, 0, back=True)["unread"] == 3


def test_who_marked_a_conversation_unread_is_still_told_who_has_read_what_they_sent(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    other.send(talk, "a")
    one.send(talk, "b")
    read(one, talk, 0, back=True)
    cursor = one.cursor()
    read(other, talk, 2)
    assert news(one, cursor) == [receipt(talk, 2, 2)]
    assert line(one, talk)["unread"] == 2, "the mark is where it was put"


def test_what_was_read_stays_read_where_others_read_it_later(cluster: QuickCluster) -> None:
    owner, one, other = (cluster.user() for _ in range(3))
    group = group_of(owner, one, other)
    owner.send(group, "a")
    read(one, group, 2)
    read(one, group, 1, back=True)
    cursor = owner.cursor()
    read(other, group, 2)
    assert news(owner, cursor) == [receipt(group, 2, 2)]
