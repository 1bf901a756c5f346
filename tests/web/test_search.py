"""Search through HTTP, and the history around what was found."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.client import Client, until
from tests.web.conftest import QuickCluster


def find(who: Client, query: str, more: str = "") -> Any:
    return who.ok("GET", f"/api/search?query={quote(query)}{more}")


def texts(hits: Any) -> list[str]:
    return [message["text"] for message in hits["messages"]]


def test_what_was_just_said_is_found_on_any_node(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    sent = [one.send(conversation, text) for text in ("Lunch at noon?", "今天下午开会", "lunch again")]
    for who in (one, other):
        for _ in range(4):
            assert find(who, "lunch") == {"messages": [sent[2], sent[0]], "more": False}
        assert find(who, "下午")["messages"] == [sent[1]]
        assert find(who, "会")["messages"] == [sent[1]]
        assert texts(find(who, '"lunch at" no')) == ["Lunch at noon?"]
    assert find(cluster.user(), "lunch") == {"messages": [], "more": False}


def test_hits_are_paged_and_may_be_of_one_conversation(cluster: QuickCluster) -> None:
    one, _, conversation = cluster.pair()
    elsewhere = one.befriend(cluster.user())
    for n in range(5):
        one.send(conversation, f"word {n}")
    one.send(elsewhere, "word elsewhere")
    assert texts(find(one, "word", f"&conversation={elsewhere}")) == ["word elsewhere"]
    first = find(one, "word", "&limit=4")
    assert (texts(first), first["more"]) == (["word elsewhere", "word 4", "word 3", "word 2"], True)
    second = find(one, "word", f"&limit=4&before={first['messages'][-1]['id']}")
    assert (texts(second), second["more"]) == (["word 1", "word 0"], False)


def test_what_was_changed_is_found_as_it_is_now(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    sent = one.send(conversation, "apple pie")
    assert texts(find(other, "apple")) == ["apple pie"]
    edited = one.ok("PATCH", f"/api/messages/{sent['id']}", {"text": "plum cake"})["message"]
    assert find(other, "apple")["messages"] == []
    assert find(other, "plum")["messages"] == [edited]
    one.ok("DELETE", f"/api/messages/{sent['id']}")
    assert find(other, "plum")["messages"] == []


def test_the_workers_index_by_themselves_what_nobody_asks_for(cluster: QuickCluster) -> None:
    one, _, conversation = cluster.pair()
    sent = one.send(conversation, "unasked")

    def indexed() -> bool:
        sql = "SELECT message FROM indexed WHERE conversation = ?"
        return cluster.engine.reader.rows(sql, (conversation,)) == [(sent["id"],)]

    # Other tests of this cluster may have left a hundred thousand messages that come first.
    until("the message is indexed", indexed, 120)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "bad_query"),
        ("query=", "bad_query"),
        (f"query={'x' * 201}", "bad_query"),
        (f"query={'a+' * 17}", "bad_query"),
        ("query=a&query=b", "bad_query"),
        ("query=a&limit=0", "bad_limit"),
        ("query=a&limit=101", "bad_limit"),
        ("query=a&before=x", "bad_before"),
        ("query=a&conversation=0", "bad_conversation"),
    ],
)
def test_a_bad_query_is_refused_in_words(cluster: QuickCluster, query: str, code: str) -> None:
    answer = cluster.user().call("GET", f"/api/search?{query}")
    assert (answer.status, answer.body["code"]) == (400, code)


@pytest.mark.parametrize("query", ["%20", "%22", "%00", "%25", "-"])
def test_a_query_without_words_finds_nothing(cluster: QuickCluster, query: str) -> None:
    one, _, conversation = cluster.pair()
    one.send(conversation, 'a "sign" % - of life')
    assert one.ok("GET", f"/api/search?query={query}") == {"messages": [], "more": False}


def test_a_foreign_conversation_is_as_absent_as_none(cluster: QuickCluster) -> None:
    one, _, conversation = cluster.pair()
    one.send(conversation, "secret")
    stranger = cluster.user()
    answers = [stranger.call("GET", f"/api/search?query=secret&conversation={id}") for id in (conversation, 10**17)]
    assert {answer.status for answer in answers} == {404}
    assert len({answer.raw for answer in answers}) == 1


# --- the place in history


def page(who: Client, conversation: int, query: str) -> tuple[list[int], bool, bool]:
    body = who.ok("GET", f"/api/conversations/{conversation}/messages?{query}")
    return [message["number"] for message in body["messages"]], body["more"], body.get("newer", False)


def test_history_goes_on_from_any_message_in_both_directions(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    elsewhere = one.befriend(cluster.user())
    ids = []
    for n in range(20):
        ids.append(one.send(conversation, f"{n}")["id"])
        one.send(elsewhere, f"{n}")

    def numbers(query: str) -> tuple[list[int], bool, bool]:
        return page(other, conversation, query)

    assert numbers("limit=3") == ([18, 19, 20], True, False)
    assert numbers(f"before={ids[3]}&limit=2") == ([2, 3], True, True)
    assert numbers(f"before={ids[2]}&limit=2") == ([1, 2], False, True)
    assert numbers(f"before={ids[0]}") == ([], False, True)
    assert numbers(f"after={ids[3]}&limit=2") == ([5, 6], True, True)
    assert numbers(f"after={ids[17]}&limit=2") == ([19, 20], True, False)
    assert numbers(f"after={ids[19]}") == ([], True, False)
    assert numbers("after=1&limit=100")[0] == list(range(1, 21))
    assert numbers(f"around={ids[9]}&limit=5") == ([8, 9, 10, 11, 12], True, True)
    assert numbers(f"around={ids[9]}&limit=1") == ([10], True, True)
    assert numbers(f"around={ids[0]}&limit=4") == ([1, 2, 3, 4], False, True)
    assert numbers(f"around={ids[19]}&limit=4") == ([18, 19, 20], True, False)


def test_around_what_is_not_there_is_nothing(cluster: QuickCluster) -> None:
    one, _, conversation = cluster.pair()
    elsewhere = one.befriend(cluster.user())
    one.send(conversation, "here")
    there = one.send(elsewhere, "there")
    for id in (there["id"], 10**17):
        answer = one.call("GET", f"/api/conversations/{conversation}/messages?around={id}")
        assert (answer.status, answer.body["code"]) == (404, "no_such_message")
    answer = one.call("GET", f"/api/conversations/{conversation}/messages?around={there['id']}&after=1")
    assert (answer.status, answer.body["code"]) == (400, "bad_page")
