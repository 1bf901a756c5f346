"""History paged backwards, and how far one has read."""

from __future__ import annotations

import pytest

from tests.client import Client
from tests.web.conftest import QuickCluster

LONG = 120  # messages


@pytest.fixture(scope="module")
def long(cluster: QuickCluster) -> tuple[Client, int]:
    """A member of a conversation of many messages, interleaved with those of another one."""
    one, other, conversation = cluster.pair()
    elsewhere = one.befriend(cluster.user())
    for count in range(1, LONG + 1):
        (one, other)[count % 2].send(conversation, str(count))
        if count % 10 == 0:
            one.send(elsewhere, "another conversation")
    return one, conversation


def page(who: Client, conversation: int, query: str = "") -> tuple[list[int], bool, int]:
    """The numbers on the page, whether older ones exist, and the oldest message's id."""
    body = who.ok("GET", f"/api/conversations/{conversation}/messages{query}")
    messages = body["messages"]
    return [each["number"] for each in messages], body["more"], messages[0]["id"] if messages else 0


def test_the_newest_page_comes_first_and_is_in_order(long: tuple[Client, int]) -> None:
    numbers, more, _ = page(*long)
    assert numbers == list(range(71, 121))
    assert more


def test_pages_follow_one_another_back_to_the_first_message(long: tuple[Client, int]) -> None:
    seen: list[int] = []
    query, more = "", True
    while more:
        numbers, more, oldest = page(*long, f"?limit=50{query}")
        seen = numbers + seen
        query = f"&before={oldest}"
    assert seen == list(range(1, LONG + 1))
    assert page(*long, f"?{query}") == ([], False, 0)


@pytest.mark.parametrize(("limit", "more"), [(1, True), (100, True)])
def test_a_limit_is_kept(long: tuple[Client, int], limit: int, more: bool) -> None:
    assert page(*long, f"?limit={limit}")[:2] == (list(range(LONG + 1 - limit, LONG + 1)), more)


def test_the_last_page_may_be_exactly_full(long: tuple[Client, int]) -> None:
    _, _, oldest = page(*long, "?limit=100")
    assert page(*long, f"?limit=20&before={oldest}")[:2] == (list(range(1, 21)), False)
    assert page(*long, f"?limit=19&before={oldest}")[:2] == (list(range(2, 21)), True)


def test_before_may_be_any_number(long: tuple[Client, int]) -> None:
    assert page(*long, "?before=1") == ([], False, 0)
    assert page(*long, f"?before={10**18 - 1}&limit=2")[0] == [119, 120]


def test_an_empty_conversation_has_an_empty_page(cluster: QuickCluster) -> None:
    one, _, conversation = cluster.pair()
    assert page(one, conversation) == ([], False, 0)


def test_history_is_the_members_alone_and_looks_absent_to_others(cluster: QuickCluster) -> None:
    one, _, conversation = cluster.pair()
    one.send(conversation, "secret")
    stranger = cluster.user()
    for call in (("GET", "/api/conversations/{}/messages", None), ("PUT", "/api/conversations/{}/read", {"number": 1})):
        method, path, body = call
        answers = {stranger.call(method, path.format(each), body).raw for each in (conversation, 10**17, "x", "9" * 30)}
        assert len(answers) == 1, answers


# --- read marks ---


def read(who: Client, conversation: int, number: int) -> tuple[int, int]:
    """Where the mark is then, and how many are unread."""
    body = who.ok("PUT", f"/api/conversations/{conversation}/read", {"number": number})
    assert body.keys() == {"conversation", "read_number", "unread"}
    assert body["conversation"] == conversation
    return body["read_number"], body["unread"]


def in_state(who: Client, conversation: int) -> tuple[int, int, int]:
    """Last number, read number, unread."""
    (line,) = [each for each in who.state()["conversations"] if each["id"] == conversation]
    return line["last_number"], line["read_number"], line["unread"]


def test_unread_counts_what_the_other_said_since(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    assert in_state(other, conversation) == (0, 0, 0)
    for text in "abc":
        one.send(conversation, text)
    assert in_state(other, conversation) == (3, 0, 3)
    assert in_state(one, conversation) == (3, 3, 0), "one's own messages are read"
    assert read(other, conversation, 2) == (2, 1)
    assert in_state(other, conversation) == (3, 2, 1)


def test_a_read_mark_never_moves_back(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    for text in "abc":
        one.send(conversation, text)
    assert read(other, conversation, 3) == (3, 0)
    assert read(other, conversation, 1) == (3, 0)
    assert read(other, conversation, 0) == (3, 0)
    assert in_state(other, conversation) == (3, 3, 0)


def test_sending_moves_the_sender_s_own_mark(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    one.send(conversation, "a")
    other.send(conversation, "b")
    assert in_state(other, conversation) == (2, 2, 0)
    assert in_state(one, conversation) == (2, 1, 1)


def test_one_s_other_session_is_told_and_nobody_else(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    elsewhere = Client(cluster.nodes, other.name).log_in()
    one.send(conversation, "a")
    cursors = elsewhere.cursor(), one.cursor()
    read(other, conversation, 1)
    read(other, conversation, 1)  # nothing new to tell
    told = elsewhere.poll(cursors[0], 5)["events"], one.poll(cursors[1], 0)["events"]
    marks = [[event for event in events if event["type"] == "read"] for events in told]
    assert marks == [[{"type": "read", "conversation": conversation, "read_number": 1}], []]
