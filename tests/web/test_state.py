"""The snapshot: all that a client shows, and a cursor that misses nothing."""

from __future__ import annotations

from tests.client import Client
from tests.web.conftest import QuickCluster


def test_somebody_new_has_an_empty_one(cluster: QuickCluster) -> None:
    one = cluster.user()
    state = one.state()
    assert state == {
        "cursor": state["cursor"],
        "me": {"name": one.name},
        "friends": [],
        "requests": [],
        "conversations": [],
    }


def test_the_conversation_spoken_in_last_comes_first(cluster: QuickCluster) -> None:
    one = cluster.user()
    first, second, silent = (one.befriend(cluster.user()) for _ in range(3))
    message = one.send(second, "a")
    last = one.send(first, "b")
    lines = one.state()["conversations"]
    assert [line["id"] for line in lines] == [first, second, silent]
    assert [line["last_message"] for line in lines] == [last, message, None]


def test_it_is_the_same_on_every_node(cluster: QuickCluster) -> None:
    one, _, conversation = cluster.pair()
    one.send(conversation, "a")
    one.ok("POST", "/api/friends", {"name": cluster.user().name})
    first, other = (Client([node], one.name, one.token).state() for node in cluster.nodes)
    assert {**first, "cursor": ""} == {**other, "cursor": ""}


def test_its_cursor_goes_on_where_it_ends(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    one.send(conversation, "in the snapshot")
    state = other.state()
    assert state["conversations"][0]["last_message"]["text"] == "in the snapshot"
    one.send(conversation, "after it")
    events = [event for event in other.poll(state["cursor"], 0)["events"] if event["type"] == "message"]
    assert [event["message"]["text"] for event in events] == ["after it"]


def test_it_is_for_those_who_are_logged_in(cluster: QuickCluster) -> None:
    answer = cluster.client().call("GET", "/api/state")
    assert (answer.status, answer.body["code"]) == (401, "not_logged_in")
    assert answer.headers["www-authenticate"].startswith("Bearer")
