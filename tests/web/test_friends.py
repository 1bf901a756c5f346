"""Friendship: asked, accepted, declined, withdrawn, ended; each step told to both."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import Client
from tests.web.conftest import QuickCluster


def news(who: Client, cursor: str) -> list[Any]:
    return [event for event in who.poll(cursor, 0)["events"] if event["type"] == "friend"]


def requests(who: Client) -> list[tuple[str, str]]:
    return [(each["name"], each["direction"]) for each in who.state()["requests"]]


def friends(who: Client) -> list[str]:
    return [each["name"] for each in who.state()["friends"]]


def ask(who: Client, name: str) -> tuple[int, Any]:
    answer = who.call("POST", "/api/friends", {"name": name})
    return answer.status, answer.body["friend"]


def test_asking_is_told_to_both(cluster: QuickCluster) -> None:
    one, other = cluster.user(), cluster.user()
    cursors = one.cursor(), other.cursor()
    assert ask(one, other.name) == (201, {"name": other.name, "state": "outgoing"})
    assert requests(one) == [(other.name, "outgoing")]
    assert requests(other) == [(one.name, "incoming")]
    assert news(one, cursors[0]) == [{"type": "friend", "name": other.name, "state": "outgoing"}]
    assert news(other, cursors[1]) == [{"type": "friend", "name": one.name, "state": "incoming"}]


def test_asking_twice_changes_and_tells_nothing(cluster: QuickCluster) -> None:
    one, other = cluster.user(), cluster.user()
    ask(one, other.name)
    cursors = one.cursor(), other.cursor()
    assert ask(one, other.name.upper()) == (200, {"name": other.name, "state": "outgoing"})
    assert news(one, cursors[0]) == news(other, cursors[1]) == []


def test_asking_again_with_another_note_replaces_the_note(cluster: QuickCluster) -> None:
    one, other = cluster.user(), cluster.user()
    one.ok("POST", "/api/friends", {"name": other.name, "note": "hello"})
    cursors = one.cursor(), other.cursor()
    told = one.call("POST", "/api/friends", {"name": other.name, "note": "hello, it is me"})
    assert (told.status, told.body["friend"]["note"]) == (201, "hello, it is me")
    asked = {"type": "friend", "state": "outgoing", "note": "hello, it is me"}
    assert news(one, cursors[0]) == [asked | {"name": other.name}]
    assert news(other, cursors[1]) == [asked | {"name": one.name, "state": "incoming"}]
    assert [each["note"] for who in (one, other) for each in who.state()["requests"]] == ["hello, it is me"] * 2
    for same in ({"note": "hello, it is me"}, {}):
        told = one.call("POST", "/api/friends", {"name": other.name} | same)
        assert (told.status, told.body["friend"]["note"]) == (200, "hello, it is me"), "a retry changes nothing"


def test_accepting_makes_friends_and_a_conversation(cluster: QuickCluster) -> None:
    one, other = cluster.user(), cluster.user()
    ask(one, other.name)
    cursors = one.cursor(), other.cursor()
    answer = other.call("PUT", f"/api/friends/{one.name.upper()}")
    assert answer.status == 200
    friend = answer.body["friend"]
    conversation = friend["conversation"]
    assert friend == {"name": one.name, "state": "friend", "online": False, "conversation": conversation}
    for who, partner, cursor in ((one, other, cursors[0]), (other, one, cursors[1])):
        befriended = {"name": partner.name, "state": "friend", "online": False, "conversation": conversation}
        assert news(who, cursor) == [{"type": "friend"} | befriended]
        state = who.state()
        assert state["requests"] == []
        assert [(each["name"], each["conversation"]) for each in state["friends"]] == [(partner.name, conversation)]
        (line,) = state["conversations"]
        assert line == {
            "id": conversation,
            "kind": "direct",
            "with": partner.name,
            "open": True,
            "last_number": 0,
            "read_number": 0,
            "unread": 0,
            "last_message": None,
        }


def test_accepting_again_changes_nothing(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    for who, partner in ((one, other), (other, one)):
        assert who.ok("PUT", f"/api/friends/{partner.name}")["friend"]["conversation"] == conversation
        assert ask(who, partner.name)[0] == 200


def test_asking_back_accepts(cluster: QuickCluster) -> None:
    one, other = cluster.user(), cluster.user()
    ask(one, other.name)
    status, friend = ask(other, one.name)
    assert (status, friend["state"]) == (201, "friend")
    assert one.send(friend["conversation"], "hello")["number"] == 1
    assert friends(one) == [other.name]


@pytest.mark.parametrize("by_the_asked", [True, False], ids=["declined", "withdrawn"])
def test_a_question_can_be_declined_and_withdrawn(cluster: QuickCluster, by_the_asked: bool) -> None:
    one, other = cluster.user(), cluster.user()
    ask(one, other.name)
    cursors = one.cursor(), other.cursor()
    who, partner = (other, one) if by_the_asked else (one, other)
    answer = who.call("DELETE", f"/api/friends/{partner.name}")
    assert (answer.status, answer.raw) == (204, b"")
    assert news(one, cursors[0]) == [{"type": "friend", "name": other.name, "state": "none"}]
    assert news(other, cursors[1]) == [{"type": "friend", "name": one.name, "state": "none"}]
    assert requests(one) == requests(other) == []
    assert who.call("DELETE", f"/api/friends/{partner.name}").status == 404, "there is nothing any more"
    assert other.call("PUT", f"/api/friends/{one.name}").status == 404


def test_one_cannot_accept_one_s_own_question(cluster: QuickCluster) -> None:
    one, other = cluster.user(), cluster.user()
    ask(one, other.name)
    assert one.call("PUT", f"/api/friends/{other.name}").status == 404
    assert friends(one) == []


def test_the_end_of_a_friendship_closes_the_conversation_and_keeps_it(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    one.send(conversation, "before")
    cursors = one.cursor(), other.cursor()
    one.ok("DELETE", f"/api/friends/{other.name}")
    for who, partner, cursor in ((one, other, cursors[0]), (other, one, cursors[1])):
        assert news(who, cursor) == [{"type": "friend", "name": partner.name, "state": "none"}]
        state = who.state()
        assert state["friends"] == []
        (line,) = state["conversations"]
        assert (line["id"], line["open"], line["last_message"]["text"]) == (conversation, False, "before")
        for place in ({"conversation": conversation}, {"to": partner.name}):
            answer = who.call("POST", "/api/messages", place | {"text": "after", "client_id": "after"})
            assert (answer.status, answer.body["code"]) == (404, "not_found")
        assert [message["text"] for message in who.history(conversation)] == ["before"]
    assert other.ok("PUT", f"/api/conversations/{conversation}/read", {"number": 1})["unread"] == 0


def test_a_retry_after_the_end_still_gives_the_first_message(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    first = one.send(conversation, "before", "mine")
    other.ok("DELETE", f"/api/friends/{one.name}")
    assert one.send(conversation, "before", "mine") == first


def test_friends_again_have_their_conversation_again(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    one.send(conversation, "before")
    one.ok("DELETE", f"/api/friends/{other.name}")
    assert other.befriend(one) == conversation
    assert one.send(conversation, "after")["number"] == 2
    (line,) = one.state()["conversations"]
    assert line["open"] is True


def test_presence_comes_with_a_new_friend(cluster: QuickCluster) -> None:
    one, other = cluster.user(), cluster.user()
    one.poll(one.cursor(), 0)
    ask(one, other.name)
    assert other.ok("PUT", f"/api/friends/{one.name}")["friend"]["online"] is True
    (line,) = other.state()["friends"]
    assert line["online"] is True


def test_strangers_and_names_that_nobody_has_look_the_same(cluster: QuickCluster) -> None:
    one, stranger = cluster.user(), cluster.user()
    ask(one, stranger.name)  # outgoing: nothing that one could accept
    for method, names in (
        ("PUT", (stranger.name, "nobody-at-all")),
        ("DELETE", (cluster.user().name, "nobody-at-all")),
    ):
        assert len({one.call(method, f"/api/friends/{name}").raw for name in names}) == 1
