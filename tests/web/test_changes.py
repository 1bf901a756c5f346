"""Edit, delete, reply, react and mention through HTTP: what everybody is told, whichever node they are at."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.client import Client, request
from tests.web.conftest import QuickCluster

THUMB = "👍"
GONE = {"text": "", "deleted": True}  # what is left of a quote


def send(who: Client, conversation: int, text: str, **more: Any) -> Any:
    body = {"conversation": conversation, "text": text, "client_id": f"{who.name}-{text}"} | more
    return who.ok("POST", "/api/messages", body)["message"]


def changed(who: Client, cursor: str) -> list[Any]:
    """The changed messages that the next poll brings."""
    return [event["message"] for event in who.poll(cursor, 5)["events"] if event["type"] == "changed"]


def reaction(message: Any, emoji: str) -> str:
    return f"/api/messages/{message['id']}/reactions/{quote(emoji)}"


def test_an_edit_reaches_a_poll_on_any_node_and_history(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    sent = one.send(conversation, "helo")
    cursors = {who: who.cursor() for who in (one, other)}
    answer = one.call("PATCH", f"/api/messages/{sent['id']}", {"text": "hello"})
    assert answer.status == 200
    edited = answer.body["message"]
    assert edited == sent | {"text": "hello", "edited_at": edited["edited_at"], "revision": 1}
    assert edited["edited_at"] > sent["sent_at"]
    for who, cursor in cursors.items():
        assert changed(who, cursor) == [edited]
        assert who.history(conversation) == [edited]
    assert other.state()["conversations"][0]["last_message"] == edited


def test_a_deleted_message_is_an_empty_place(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    cursor = other.cursor()
    sent = send(one, conversation, f"secret @{other.name}")
    assert sent["mentions"] == [other.name]
    assert other.state()["conversations"][0]["mentioned"] is True
    gone = one.ok("DELETE", f"/api/messages/{sent['id']}")["message"]
    assert gone == {key: sent[key] for key in sent if key != "mentions"} | {"text": "", "deleted": True, "revision": 1}
    assert one.ok("DELETE", f"/api/messages/{sent['id']}")["message"] == gone
    late = other.poll(cursor, 0)["events"]
    assert [event["message"] for event in late[-1:]] == [gone]
    line = other.state()["conversations"][0]
    assert (line["last_message"], line["unread"], "mentioned" in line) == (gone, 1, False)
    answer = one.call("PATCH", f"/api/messages/{sent['id']}", {"text": "back"})
    assert (answer.status, answer.body["code"]) == (409, "message_deleted")


def test_a_reaction_is_put_once_and_taken_back(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    sent = one.send(conversation, "party?")
    cursor = one.cursor()
    for _ in range(2):
        message = other.ok("PUT", reaction(sent, THUMB))["message"]
        assert message == sent | {"reactions": {THUMB: [other.name]}, "revision": 1}
    assert changed(one, cursor) == [message]
    for _ in range(2):
        assert other.ok("DELETE", reaction(sent, THUMB))["message"] == sent | {"revision": 2}
    for emoji in ("#️⃣", "👩🏽‍❤️‍💋‍👨🏽", "🇩🇪", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"):
        assert emoji in one.ok("PUT", reaction(sent, emoji))["message"]["reactions"]


@pytest.mark.parametrize("emoji", ["a", "1", "👍👍", "👍 ", "\u200d", "<b>", "🇩", "\0", "%ff"])
def test_what_is_not_one_emoji_is_refused(cluster: QuickCluster, emoji: str) -> None:
    one, _, conversation = cluster.pair()
    sent = one.send(conversation, "hello")
    path = f"/api/messages/{sent['id']}/reactions/{emoji if '%' in emoji else quote(emoji)}"
    for method in ("PUT", "DELETE"):
        answer = one.call(method, path)
        assert (answer.status, answer.body["code"]) == (400, "bad_emoji")


def test_a_reply_quotes_and_is_once_like_any_message(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    sent = one.send(conversation, "question?")
    body = {"conversation": conversation, "text": "yes", "client_id": "r", "reply_to": sent["id"]}
    first = other.call("POST", "/api/messages", body)
    assert first.status == 201
    reply = first.body["message"]
    assert reply["reply_to"] == {"id": sent["id"], "number": 1, "from": one.name, "text": "question?"}
    bearer = {"Authorization": f"Bearer {other.token}"}
    for node in cluster.nodes:
        answer = request(node, "POST", "/api/messages", body, bearer)
        assert (answer.status, answer.body["message"]) == (200, reply)
    for changed in ({"reply_to": reply["id"]}, {"reply_to": None}):
        answer = other.call("POST", "/api/messages", body | changed)
        assert (answer.status, answer.body["code"]) == (409, "client_id_reused")
    one.ok("DELETE", f"/api/messages/{sent['id']}")
    assert one.history(conversation)[-1]["reply_to"] == {"id": sent["id"], "number": 1, "from": one.name} | GONE


def test_a_retry_of_what_was_edited_or_deleted_is_no_conflict(cluster: QuickCluster) -> None:
    one, _, conversation = cluster.pair()
    body = {"conversation": conversation, "text": "one", "client_id": "again"}
    sent = one.ok("POST", "/api/messages", body)["message"]
    edited = one.ok("PATCH", f"/api/messages/{sent['id']}", {"text": "two"})["message"]
    answer = one.call("POST", "/api/messages", body)
    assert (answer.status, answer.body["message"]) == (200, edited)
    assert one.call("POST", "/api/messages", body | {"text": "two"}).status == 409
    gone = one.ok("DELETE", f"/api/messages/{sent['id']}")["message"]
    answer = one.call("POST", "/api/messages", body)
    assert (answer.status, answer.body["message"]) == (200, gone)


def test_only_who_said_it_may_change_it_and_strangers_see_nothing(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    stranger = cluster.user()
    sent = one.send(conversation, "mine")
    calls: list[tuple[str, Any, Any]] = [("PATCH", "", {"text": "x"}), ("DELETE", "", None)]
    for method, more, body in calls:
        answer = other.call(method, f"/api/messages/{sent['id']}{more}", body)
        assert (answer.status, answer.body["code"]) == (403, "not_yours")
    calls.append(("PUT", f"/reactions/{quote(THUMB)}", None))
    calls.append(("DELETE", f"/reactions/{quote(THUMB)}", None))
    for method, more, body in calls:
        refusals = {
            stranger.call(method, f"/api/messages/{id}{more}", body).raw for id in (sent["id"], 10**17, "x", "-1")
        }
        assert len(refusals) == 1, refusals
        assert b'"no_such_message"' in refusals.pop()
    assert other.history(conversation) == [sent]


def test_when_a_friendship_ends_one_only_deletes_what_one_has_said(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    sent = one.send(conversation, "hello")
    other.ok("DELETE", f"/api/friends/{one.name}")
    for method, more, body in (
        ("PATCH", "", {"text": "x"}),
        ("PUT", f"/reactions/{quote(THUMB)}", None),
        ("DELETE", f"/reactions/{quote(THUMB)}", None),
    ):
        answer = one.call(method, f"/api/messages/{sent['id']}{more}", body)
        assert (answer.status, answer.body["code"]) == (403, "conversation_closed")
    assert other.call("DELETE", f"/api/messages/{sent['id']}").body["code"] == "not_yours"
    gone = one.ok("DELETE", f"/api/messages/{sent['id']}")["message"]
    assert gone["deleted"] is True
    assert one.history(conversation) == other.history(conversation) == [gone]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"text": ""}, "bad_text"),
        ({"text": " \n"}, "bad_text"),
        ({"text": "a\0"}, "bad_text"),
        ({"text": "x" * 4001}, "bad_text"),
        ({}, "invalid"),
        ({"text": 1}, "invalid"),
        ({"text": "a", "more": 1}, "invalid"),
        (b"{", "bad_json"),
    ],
)
def test_an_edit_is_refused_like_a_send(cluster: QuickCluster, body: Any, code: str) -> None:
    one, _, conversation = cluster.pair()
    sent = one.send(conversation, "hello")
    headers = {"Content-Type": "application/json"}
    answer = one.call("PATCH", f"/api/messages/{sent['id']}", body, headers)
    assert (answer.status, answer.body["code"]) == (400, code)


@pytest.mark.parametrize("reply_to", [0, -1, "1", 1.5, 10**18])
def test_what_cannot_be_answered_is_refused(cluster: QuickCluster, reply_to: Any) -> None:
    one, _, conversation = cluster.pair()
    body = {"conversation": conversation, "text": "re", "client_id": "r", "reply_to": reply_to}
    assert one.call("POST", "/api/messages", body).status == 400


def test_one_answers_only_in_the_same_conversation(cluster: QuickCluster) -> None:
    one, _, conversation = cluster.pair()
    elsewhere = one.befriend(cluster.user())
    foreign = cluster.pair()
    theirs = foreign[0].send(foreign[2], "private")
    mine = one.send(elsewhere, "elsewhere")
    body = {"conversation": conversation, "text": "re", "client_id": "r"}
    refusals = {
        one.call("POST", "/api/messages", body | {"reply_to": id}).raw for id in (theirs["id"], mine["id"], 10**17)
    }
    assert len(refusals) == 1, refusals
    assert b'"no_such_message"' in refusals.pop()
    assert one.history(conversation) == []
