"""The long poll: answered when there is news, held while there is none, honest when it cannot go on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.client import Answer, Client, request
from tests.conftest import FAST, Cluster, two_nodes
from tests.web.background import Held
from tests.web.conftest import QuickCluster
from tests.workers.launched import Launched

AT_ONCE = 2.0  # seconds: far below any hold, far above what an answer takes
HOLD = 2.0  # seconds that the nodes of `narrow` hold a poll


def on(node: int, who: Client, path: str) -> Answer:
    return request(who.nodes[node], "GET", path, headers={"Authorization": f"Bearer {who.token}"})


def of_type(answer: Any, kind: str) -> list[Any]:
    return [event for event in answer["events"] if event["type"] == kind]


def test_a_poll_with_timeout_0_is_answered_at_once(cluster: QuickCluster) -> None:
    one = cluster.user()
    started = time.monotonic()
    answer = one.poll(one.cursor(), 0)
    assert time.monotonic() - started < AT_ONCE
    assert answer["events"] == []
    assert "reset" not in answer
    assert "retry_in" not in answer


def test_a_timeout_of_the_client_s_is_kept(cluster: QuickCluster) -> None:
    one = cluster.user()
    cursor = one.cursor()
    started = time.monotonic()
    assert one.poll(cursor, 0.5)["events"] == []
    assert 0.5 <= time.monotonic() - started < 0.5 + AT_ONCE


@pytest.mark.parametrize(("sends", "polls"), [(0, 1), (1, 0), (0, 0)])
def test_a_held_poll_is_answered_when_there_is_news_on_any_node(cluster: QuickCluster, sends: int, polls: int) -> None:
    one, other, conversation = cluster.pair()
    cursor = other.cursor()
    held = Held.parked(lambda: on(polls, other, f"/api/events?after={cursor}&timeout=20"))
    sender = Client([cluster.nodes[sends]], one.name, one.token)
    message = sender.send(conversation, "hello")
    answer = held.answer(AT_ONCE).body
    assert of_type(answer, "message") == [{"type": "message", "message": message}]


def test_the_sender_s_own_sessions_are_told_too(cluster: QuickCluster) -> None:
    one, _, conversation = cluster.pair()
    cursor = one.cursor()
    held = Held.parked(lambda: on(1, one, f"/api/events?after={cursor}&timeout=20"))
    message = one.send(conversation, "hello")
    assert of_type(held.answer(AT_ONCE).body, "message")[0]["message"] == message


def test_what_happened_between_two_polls_is_not_lost(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    cursor = other.cursor()
    for text in "abc":
        one.send(conversation, text)
    first = other.poll(cursor, 0)
    assert [event["message"]["text"] for event in of_type(first, "message")] == ["a", "b", "c"]
    assert of_type(other.poll(first["cursor"], 0), "message") == []
    again = of_type(other.poll(cursor, 0), "message")
    assert again == of_type(first, "message"), "a poll that is repeated is answered again"


def test_a_client_far_behind_catches_up_in_order(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    cursor = other.cursor()
    texts = [str(count) for count in range(150)]
    for text in texts:
        one.send(conversation, text)
    seen: list[str] = []
    while len(seen) < len(texts):
        answer = other.poll(cursor, 0)
        assert answer["events"], "it was answered with nothing before all was told"
        seen += [event["message"]["text"] for event in of_type(answer, "message")]
        cursor = answer["cursor"]
    assert seen == texts


def test_presence_of_a_friend_is_told_when_it_changes(cluster: QuickCluster) -> None:
    one, other, _ = cluster.pair()
    cursor = one.poll(one.cursor(), 0)["cursor"]
    held = Held.parked(lambda: on(0, one, f"/api/events?after={cursor}&timeout=20"))
    other.poll(other.cursor(), 0)
    assert held.answer(AT_ONCE).body["events"] == [{"type": "presence", "name": other.name, "online": True}]
    (line,) = one.state()["friends"]
    assert line["online"] is True


# --- cursors ---


def test_a_cursor_that_cannot_be_continued_is_answered_reset(cluster: QuickCluster) -> None:
    one, other, _ = cluster.pair()
    epoch, user, number, mark = one.cursor().split(".")
    foreign = other.cursor()
    stale_epoch = f"{'0' if epoch[0] != '0' else '1'}{epoch[1:]}.{user}.{number}.{mark}"
    future = f"{epoch}.{user}.{int(number) + 1}.{mark}"
    far_future = f"{epoch}.{user}.{'9' * 18}.{mark}"
    nobody_s = f"{epoch}.{'9' * 18}.0.0"
    future_mark = f"{epoch}.{user}.{number}.{'9' * 18}"
    for cursor in (foreign, stale_epoch, future, far_future, nobody_s, future_mark):
        answer = one.poll(cursor, 3)
        assert answer == {"cursor": answer["cursor"], "events": [], "reset": True}, cursor
        assert answer["cursor"].startswith(f"{epoch}.{user}.{number}."), "it goes on from one's own feed"
        assert "reset" not in one.poll(answer["cursor"], 0)


def test_a_presence_mark_of_the_future_does_not_silence_presence(cluster: QuickCluster) -> None:
    one, other, _ = cluster.pair()
    position, _, mark = one.cursor().rpartition(".")
    answer = one.poll(f"{position}.{int(mark) + 1_000_000}", 3)
    assert answer["reset"]
    other.poll(other.cursor(), 0)
    assert of_type(one.poll(answer["cursor"], 3), "presence")


def test_a_foreign_cursor_tells_nothing_of_its_owner(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    stranger = cluster.user()
    cursor = other.cursor()
    one.send(conversation, "secret")
    assert "secret" not in str(stranger.poll(cursor, 0))


def test_a_cursor_of_before_the_first_event_gives_everything(cluster: QuickCluster) -> None:
    one = cluster.user()
    epoch, user, *_ = one.cursor().split(".")
    other = cluster.user()
    one.befriend(other)
    states = [event["state"] for event in of_type(one.poll(f"{epoch}.{user}.0.0", 0), "friend")]
    assert states == ["outgoing", "friend"]


# --- holds and caps ---


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Nodes that park two polls of a session and three of a user, and hold them shortly."""
    with two_nodes(
        tmp_path_factory.mktemp("narrow"), polls_per_session="2", polls_per_user="3", poll_hold=str(HOLD)
    ) as made:
        yield made


def test_a_poll_without_news_is_held_and_then_empty(narrow: Cluster) -> None:
    one = narrow.user()
    cursor = one.cursor()
    started = time.monotonic()
    answer = one.poll(cursor)
    assert HOLD * 0.85 < time.monotonic() - started < HOLD * 1.1 + AT_ONCE
    assert answer["events"] == []
    assert one.poll(answer["cursor"], 0)["events"] == []


def test_the_newest_poll_of_a_session_evicts_the_oldest(narrow: Cluster) -> None:
    one = narrow.user()
    cursor = one.cursor()
    polls = [Held.parked(lambda: on(0, one, f"/api/events?after={cursor}&timeout=20")) for _ in range(2)]
    assert all(poll.waits for poll in polls)
    newest = Held.parked(lambda: on(0, one, f"/api/events?after={cursor}&timeout=20"))
    evicted = polls[0].answer(AT_ONCE).body
    assert evicted["events"] == []
    assert evicted["retry_in"] >= 5, "or polls would evict one another for ever"
    assert polls[1].waits
    assert newest.waits
    one.ok("DELETE", "/api/session")
    assert [poll.answer(AT_ONCE).status for poll in (polls[1], newest)] == [401, 401]


def test_the_newest_poll_of_a_user_evicts_the_oldest(narrow: Cluster) -> None:
    one = narrow.user()
    sessions = [one, *(Client(narrow.nodes, one.name).log_in() for _ in range(3))]
    cursor = one.cursor()
    polls = [Held.parked(partial(on, 0, each, f"/api/events?after={cursor}&timeout=20")) for each in sessions]
    assert polls[0].answer(AT_ONCE).body["retry_in"] >= 5
    assert all(poll.waits for poll in polls[1:])
    for session in sessions:
        session.ok("DELETE", "/api/session")
    assert [poll.answer(AT_ONCE).status for poll in polls[1:]] == [401] * 3


def test_a_worker_that_is_full_says_so(tmp_path: Path) -> None:
    settings = FAST | {"connections": "10"}
    with Launched(tmp_path / "data", **settings) as node:
        nodes = [("127.0.0.1", node.ready().port)]
        one = Client(nodes).register()
        cursor = one.cursor()
        # 80 % of the connections may be parked polls, here of two sessions with room for six each.
        sessions = [one, Client(nodes, one.name).log_in()] * 4
        Held.all_parked(partial(on, 0, each, f"/api/events?after={cursor}&timeout=15") for each in sessions)
        refused = on(0, one, f"/api/events?after={cursor}&timeout=15")
        assert (refused.status, refused.body["code"]) == (503, "too_many_polls")
        assert int(refused.headers["retry-after"]) == refused.body["retry_after"] >= 1
        assert one.poll(cursor, 0)["events"] == [], "what is answered at once is answered"
        assert node.stop() == 0
