"""One's sessions, password, data and the end of the account, through real workers."""

from __future__ import annotations

import http.client
import json
import threading
import time
from functools import partial

import pytest

from tests.client import PASSWORD, Address, Client, request
from tests.web.background import Held
from tests.web.browser import Browser, set_cookies
from tests.web.conftest import QuickCluster
from webchat.data.tables import Message

AT_ONCE = 1.5  # seconds
NEW = "another horse"


def waiting(who: Client, node: int = 0) -> Held:
    """A poll of this session that is parked."""
    headers = {"Authorization": f"Bearer {who.token}"}
    target = f"/api/events?after={who.cursor()}&timeout=20"
    return Held.parked(partial(request, who.nodes[node], "GET", target, headers=headers))


# --- sessions and the password


def test_one_sees_one_s_sessions_and_ends_one_at_once(cluster: QuickCluster) -> None:
    one = cluster.user()
    headers = {"User-Agent": "Phone/1.0", "X-Forwarded-For": "203.0.113.9"}
    browser = Browser(cluster.nodes)
    browser.log_in("main", one.name, headers)
    lines = one.ok("GET", "/api/me/sessions")["sessions"]
    assert [line["current"] for line in lines] == [False, True]
    assert lines[0].keys() == {"id", "current", "address", "agent", "created_at", "seen_at"}
    assert (lines[0]["address"], lines[0]["agent"]) == ("203.0.113.9", "Phone/1.0")
    poll = Held.parked(
        lambda: browser.call("main", "GET", f"/api/events?after={one.cursor()}&timeout=20", headers=headers)
    )
    answer = one.call("DELETE", f"/api/me/sessions/{lines[0]['id']}")
    assert (answer.status, answer.raw) == (204, b"")
    assert poll.answer(AT_ONCE).status == 401
    assert len(one.ok("GET", "/api/me/sessions")["sessions"]) == 1


@pytest.mark.parametrize("id", ["0", "-1", "x", "9" * 19, str(2**63), "9" * 30, "%D9%A1", "%00"])
def test_a_session_that_is_not_one_s_own_is_absent(cluster: QuickCluster, id: str) -> None:
    answer = cluster.user().call("DELETE", f"/api/me/sessions/{id}")
    assert (answer.status, answer.body["code"]) == (404, "not_found")


def test_a_new_password_ends_the_other_sessions_at_once_and_keeps_this_one(cluster: QuickCluster) -> None:
    one = cluster.user()
    other = Client(cluster.nodes, one.name).log_in()
    poll = waiting(other, 1)
    answer = one.call("PUT", "/api/me/password", {"old": PASSWORD, "new": NEW})
    assert (answer.status, answer.raw) == (204, b"")
    assert poll.answer(AT_ONCE).status == 401
    assert other.call("GET", "/api/state").status == 401
    assert one.call("GET", "/api/state").status == 200
    assert Client(cluster.nodes).call("POST", "/api/tokens", {"name": one.name, "password": PASSWORD}).status == 401
    Client(cluster.nodes, one.name).log_in(NEW)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"old": "wrong horse", "new": NEW}, 403, "wrong_password"),
        ({"old": "a" * 300, "new": NEW}, 403, "wrong_password"),
        ({"old": PASSWORD, "new": "short"}, 400, "bad_password"),
        ({"old": PASSWORD, "new": "nul\0nul\0nul"}, 400, "bad_password"),
        ({"old": PASSWORD}, 400, "invalid"),
        ({"new": NEW}, 400, "invalid"),
    ],
)
def test_what_is_no_change_of_a_password(cluster: QuickCluster, body: dict[str, str], status: int, code: str) -> None:
    one = cluster.user()
    answer = one.call("PUT", "/api/me/password", body)
    assert (answer.status, answer.body["code"]) == (status, code)
    assert one.call("GET", "/api/state").status == 200
    one.log_in()


# --- the end


def test_the_end_of_an_account(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    one.send(conversation, "remember me")
    browser = Browser(cluster.nodes)
    browser.log_in("main", one.name)
    body = {"name": "us", "members": [other.name]}
    group = one.ok("POST", "/api/conversations", body)["conversation"]["id"]
    poll, cursor = waiting(one, 1), other.cursor()
    refused = browser.call("main", "DELETE", "/api/me", {"password": "wrong horse"})
    assert (refused.status, refused.body["code"]) == (403, "wrong_password")
    assert poll.waits
    answer = browser.call("main", "DELETE", "/api/me", {"password": PASSWORD})
    assert answer.status == 204
    assert set_cookies(answer)["webchat_main"].value == ""
    assert [event["type"] for event in poll.answer(AT_ONCE).body["events"]] == ["left"], "of the group, first of all"
    assert one.call("GET", "/api/state").status == 401
    assert [event["state"] for event in other.poll(cursor, 0)["events"] if event["type"] == "friend"] == ["none"]
    assert [message["text"] for message in other.history(conversation)] == ["remember me"]
    (line,) = [line for line in other.state()["conversations"] if line["id"] == group]
    assert (line["members"], line["role"], line["last_message"]["kind"]) == (1, "owner", "left")
    again = cluster.client().call("POST", "/api/users", {"name": one.name.upper(), "password": PASSWORD})
    assert again.body["code"] == "name_taken"
    assert other.ok("GET", f"/api/users/{one.name}")["user"] == {"name": one.name, "relation": "none", "gone": True}
    assert cluster.user().call("GET", f"/api/users/{one.name}").status == 404, "to who never talked with them"


# --- the download

MANY = 100_000
SHARE = 1 / 3  # of the download's time; a worker that stood still would answer others after all of it


def download(node: Address, who: Client) -> bytes:
    connection = http.client.HTTPConnection(*node, timeout=60)
    connection.request("GET", "/api/me/data", headers={"Authorization": f"Bearer {who.token}"})
    response = connection.getresponse()
    assert response.status == 200
    assert response.getheader("content-disposition") == f'attachment; filename="webchat-{who.name}.json"'
    whole = response.read()
    connection.close()
    return whole


def test_a_hundred_thousand_messages_do_not_freeze_the_worker(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    with cluster.engine.writing() as connection:
        sender = int(connection.rows('SELECT id FROM "user" WHERE name = ?', (one.name,))[0][0])
        columns = [
            Message.conversation,
            Message.number,
            Message.sender,
            Message.client_id,
            Message.text,
            Message.sent_at,
        ]
        for start in range(0, MANY, 1000):
            rows = [
                (conversation, number, sender, f"{one.name}-{number}", f"message {number}", 1_795_341_399_120)
                for number in range(start + 1, start + 1001)
            ]
            connection.run(Message.insert_many(rows, columns))
        connection.rows("UPDATE conversation SET last_number = ? WHERE id = ?", (MANY, conversation))
    node = cluster.nodes[0]
    waits: list[float] = []
    done = threading.Event()

    def knock() -> None:
        while not done.is_set():
            started = time.monotonic()
            assert request(node, "GET", "/healthz").status == 200
            waits.append(time.monotonic() - started)

    thread = threading.Thread(target=knock)
    thread.start()
    try:
        started = time.monotonic()
        whole = download(node, one)
        seconds = time.monotonic() - started
    finally:
        done.set()
        thread.join()
    document = json.loads(whole)  # not while somebody knocks: it holds up this process
    (talk,) = document["conversations"]
    assert [message["number"] for message in talk["messages"]] == list(range(1, MANY + 1))
    assert document["me"] == {"name": one.name}
    assert [friend["name"] for friend in document["friends"]] == [other.name]
    assert max(waits) < SHARE * seconds, (seconds, sorted(waits)[-5:])


def test_a_download_is_for_who_is_logged_in_and_not_again_and_again(cluster: QuickCluster) -> None:
    assert request(cluster.nodes[0], "GET", "/api/me/data").status == 401
    one = cluster.user()
    answers = [
        request(cluster.nodes[0], "GET", "/api/me/data", headers={"Authorization": f"Bearer {one.token}"}).status
        for _ in range(7)
    ]
    assert answers == [200] * 6 + [429]
