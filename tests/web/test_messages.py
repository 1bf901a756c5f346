"""Sending: committed when it is answered, the same for every retry, in one order."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.client import Client, request
from tests.web.conftest import QuickCluster

FULL = 4_000  # characters


def test_a_message_is_answered_as_it_is_kept(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    answer = one.call("POST", "/api/messages", {"to": other.name, "text": "hello", "client_id": "c 1~!"})
    assert answer.status == 201
    message = answer.body["message"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", message.pop("sent_at"))
    assert message.pop("id") > 0
    assert message == {
        "conversation": conversation,
        "number": 1,
        "from": one.name,
        "text": "hello",
        "client_id": "c 1~!",
    }
    assert other.history(conversation) == [answer.body["message"]]


def test_a_name_in_any_case_and_a_conversation_mean_the_same(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    one.ok("POST", "/api/messages", {"to": other.name.upper(), "text": "a", "client_id": "1"})
    one.ok("POST", "/api/messages", {"conversation": conversation, "text": "b", "client_id": "2"})
    assert [(each["number"], each["text"]) for each in other.history(conversation)] == [(1, "a"), (2, "b")]


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a" * FULL,
        "\U0001f600" * FULL,
        "\u200b",
        " a ",
        "line\nline\ttab\r",
        "<b>&amp;'\"\\",
        "e\u0301\u202e\ufeff\x7f\x1b",
    ],
    ids=["one", "4,000 letters", "4,000 emoji", "zero width", "kept blanks", "lines", "markup", "odd"],
)
def test_a_text_comes_back_as_it_was_sent(cluster: QuickCluster, text: str) -> None:
    one, other, conversation = cluster.pair()
    cursor = other.cursor()
    assert one.send(conversation, text)["text"] == text
    assert other.history(conversation)[0]["text"] == text
    assert other.poll(cursor, 5)["events"][0]["message"]["text"] == text


def test_a_retry_on_any_node_gives_the_first_message_again(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    cursor = other.cursor()
    body = {"conversation": conversation, "text": "once", "client_id": "again"}
    bearer = {"Authorization": f"Bearer {one.token}"}
    first, *others = [request(node, "POST", "/api/messages", body, bearer) for node in [*cluster.nodes, *cluster.nodes]]
    assert first.status == 201
    assert {(answer.status, answer.raw) for answer in others} == {(200, first.raw)}
    assert len(other.history(conversation)) == 1
    assert [event["type"] for event in other.poll(cursor, 0)["events"]] == ["message"]


def test_a_retry_by_name_is_the_same_message(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    first = one.send(conversation, "once", "again")
    by_name = one.call("POST", "/api/messages", {"to": other.name, "text": "once", "client_id": "again"})
    assert (by_name.status, by_name.body["message"]) == (200, first)


def test_a_client_id_means_one_message_for_ever(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    third = cluster.user()
    elsewhere = one.befriend(third)
    one.send(conversation, "once", "mine")
    for body in ({"conversation": conversation, "text": "twice"}, {"conversation": elsewhere, "text": "once"}):
        answer = one.call("POST", "/api/messages", body | {"client_id": "mine"})
        assert (answer.status, answer.body["code"]) == (409, "client_id_reused")
    assert other.send(conversation, "once", "mine")["number"] == 2, "another sender's ids are that one's own"


def test_the_same_retry_at_the_same_time_is_one_message(cluster: QuickCluster) -> None:
    one, _, conversation = cluster.pair()
    body = {"conversation": conversation, "text": "hurry", "client_id": "race"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: one.call("POST", "/api/messages", body), range(8)))
    assert sorted(answer.status for answer in answers) == [200] * 7 + [201]
    assert len({answer.raw for answer in answers}) == 1


def test_both_members_see_one_order_without_gaps(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()

    def talk(who: Client) -> None:
        for count in range(15):
            who.send(conversation, f"{who.name} {count}")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(talk, (one, other)))
    history = one.history(conversation)
    assert history == other.history(conversation)
    assert [message["number"] for message in history] == list(range(1, 31))
    for who in (one, other):
        assert [each["text"] for each in history if each["from"] == who.name] == [f"{who.name} {n}" for n in range(15)]


def test_absent_and_forbidden_places_look_the_same(cluster: QuickCluster) -> None:
    one, two = cluster.user(), cluster.user()
    stranger, third = cluster.user(), cluster.user()
    foreign = stranger.befriend(third)
    ended = one.befriend(two)
    two.ok("DELETE", f"/api/friends/{one.name}")
    places = (
        {"to": "nobody-at-all"},
        {"to": stranger.name},
        {"to": one.name},
        {"to": two.name},
        {"conversation": foreign},
        {"conversation": ended},
        {"conversation": 10**17},
    )
    answers = {one.call("POST", "/api/messages", place | {"text": "a", "client_id": "b"}).raw for place in places}
    assert len(answers) == 1, answers
    assert third.history(foreign) == []
