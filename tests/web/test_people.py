"""Notes, blocks, profiles and invisibility, through real workers: what each of two sees of the other.

What is decided, and told to whom, is in tests/logic/test_blocks.py and test_profiles.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import Client, Reader, until
from tests.web.conftest import QuickCluster


def test_a_question_comes_with_a_note(cluster: QuickCluster) -> None:
    one, other = cluster.user(), cluster.user()
    note = "we met in 上海\n🙂" + "x" * 186
    assert len(note) == 200
    answer = one.call("POST", "/api/friends", {"name": other.name, "note": note})
    assert (answer.status, answer.body) == (201, {"friend": {"name": other.name, "state": "outgoing", "note": note}})
    assert other.state()["requests"] == [{"name": one.name, "direction": "incoming", "note": note}]
    again = one.call("POST", "/api/friends", {"name": other.name, "note": "another"})
    assert (again.status, again.body["friend"]["note"]) == (201, "another"), "another note replaces the first"
    again = one.call("POST", "/api/friends", {"name": other.name, "note": "another"})
    assert (again.status, again.body["friend"]["note"]) == (200, "another"), "the same one changes nothing"
    friend = other.ok("PUT", f"/api/friends/{one.name}")["friend"]
    assert "note" not in friend


def test_who_is_blocked_meets_closed_doors_that_say_nothing(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    one.send(conversation, "before")
    with Reader(other) as reader:
        until("both are there", lambda: one.poll(one.cursor(), 0) and one.state()["friends"][0]["online"])
        one.ok("PUT", f"/api/blocks/{other.name}")
        until("the end is heard", lambda: reader.of("friend"))
        body = {"conversation": conversation, "text": "after", "client_id": "after"}
        refused = other.call("POST", "/api/messages", body)
        assert (refused.status, refused.body["code"]) == (404, "not_found")
        assert other.call("POST", "/api/friends", {"name": one.name}).status == 201
    assert [(event["name"], event["state"]) for event in reader.of("friend")] == [
        (one.name, "none"),
        (one.name, "outgoing"),
    ]
    assert reader.of("presence")[-1:] in ([], [{"type": "presence", "name": one.name, "online": True}])
    state = other.state()
    assert (state["friends"], state["conversations"][0]["open"], "blocked" in state) == ([], False, False)
    assert other.ok("GET", f"/api/users?query={one.name}") == {"users": []}
    assert other.ok("GET", f"/api/users/{one.name}") == {"user": {"name": one.name, "relation": "outgoing"}}
    assert one.state()["blocked"] == [other.name]
    assert one.state()["requests"] == []
    assert one.ok("GET", f"/api/users/{other.name}")["user"] == {
        "name": other.name,
        "relation": "none",
        "blocked": True,
    }
    answer = one.call("POST", "/api/friends", {"name": other.name})
    assert (answer.status, answer.body["code"]) == (409, "blocked")
    one.ok("DELETE", f"/api/blocks/{other.name}")
    assert [request["name"] for request in one.state()["requests"]] == [other.name]


def test_a_profile_is_seen_by_others(cluster: QuickCluster) -> None:
    one, other, _ = cluster.pair()
    stranger = cluster.user()
    cursor = other.cursor()
    me = one.ok("PATCH", "/api/me", {"display_name": "Ann", "status": "在路上", "hide_typing": True})["me"]
    assert me == {"name": one.name, "display_name": "Ann", "status": "在路上", "hide_typing": True}
    assert one.ok("GET", "/api/me") == {"me": me}
    assert one.state()["me"] == me
    profile = {"name": one.name, "display_name": "Ann", "status": "在路上"}
    assert other.poll(cursor, 0)["events"] == [{"type": "profile", "avatar": ""} | profile]
    assert stranger.ok("GET", f"/api/users/{one.name}")["user"] == {"relation": "none"} | profile
    assert stranger.ok("GET", f"/api/users?query={one.name}")["users"] == [{"relation": "none"} | profile]


def test_an_invisible_one_chats_unseen(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()

    def seen() -> Any:
        (friend,) = other.state()["friends"]
        return friend["online"]

    with Reader(other) as reader:
        one.poll(one.cursor(), 0)
        until("one is seen", seen)
        one.ok("PATCH", "/api/me", {"invisible": True})
        until("one seems to go", lambda: reader.of("presence")[-1:] and not reader.of("presence")[-1]["online"])
        assert not seen()
        told = len(reader.of("presence"))
        with Reader(one) as mine:
            other.send(conversation, "are you there?")
            until("messages come", mine.texts)
            assert one.state()["friends"][0]["online"]
        assert len(reader.of("presence")) == told
        one.ok("PATCH", "/api/me", {"invisible": False})
        until("one seems to come", lambda: reader.of("presence")[-1]["online"])


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_blocks_may_be_repeated(cluster: QuickCluster, method: str) -> None:
    one: Client = cluster.user()
    other = cluster.user()
    for _ in range(2):
        answer = one.call(method, f"/api/blocks/{other.name.upper()}")
        assert (answer.status, answer.raw) == (204, b"")
