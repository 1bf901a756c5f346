"""Sessions: a cookie per slot, a token for programs, and the end of both."""

from __future__ import annotations

import time
from functools import partial

import apsw
import pytest

from tests.client import PASSWORD, Answer, Client, request
from tests.web.background import Held
from tests.web.browser import SLOT, Browser, set_cookies
from tests.web.conftest import QuickCluster
from tests.web.rows import written

AT_ONCE = 1.5  # seconds


def held_poll(browser: Browser, slot: str, node: int) -> Answer:
    """A poll of this slot, on this node."""
    cursor = browser.call(slot, "GET", "/api/state").body["cursor"]
    headers = {SLOT: slot, "Cookie": f"webchat_{slot}={browser.cookies[f'webchat_{slot}']}"}
    return request(browser.nodes[node], "GET", f"/api/events?after={cursor}&timeout=20", headers=headers)


# --- cookies ---


def test_logging_in_sets_a_cookie_that_no_script_and_no_other_site_can_use(cluster: QuickCluster) -> None:
    one = cluster.user()
    answer = Browser(cluster.nodes).log_in("main", one.name.upper())
    assert answer.body == {"user": {"name": one.name}}
    (cookie,) = set_cookies(answer).values()
    assert cookie.key == "webchat_main"
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert cookie["path"] == "/"
    assert not cookie["secure"], "there is no TLS here, and the browser would not send it back"
    assert not cookie["domain"]
    assert int(cookie["max-age"]) == 30 * 86_400
    assert len(cookie.value) >= 43, "256 bits"
    assert cookie.value not in answer.raw.decode()


def test_behind_tls_the_cookie_is_secure(cluster: QuickCluster) -> None:
    answer = Browser(cluster.nodes).log_in("main", cluster.user().name, {"X-Forwarded-Proto": "https"})
    assert set_cookies(answer)["webchat_main"]["secure"]


def test_every_log_in_has_a_secret_of_its_own(cluster: QuickCluster) -> None:
    browser, name = Browser(cluster.nodes), cluster.user().name
    secrets = set()
    for slot in ("a", "b", "a"):
        browser.log_in(slot, name)
        secrets.add(browser.cookies[f"webchat_{slot}"])
    assert len(secrets) == 3


def test_a_log_in_ends_the_session_that_its_slot_had(cluster: QuickCluster) -> None:
    browser, one, other = Browser(cluster.nodes), cluster.user(), cluster.user()
    browser.log_in("a", one.name)
    browser.log_in("b", one.name)
    kept = {**browser.cookies}
    browser.log_in("a", one.name)
    of_one = browser.call("a", "GET", "/api/me/sessions").body["sessions"]
    assert len(of_one) == 3, "the program's token, b's and the new one"
    headers = {SLOT: "a", "Cookie": f"webchat_a={kept['webchat_a']}"}
    assert request(cluster.nodes[0], "GET", "/api/me", headers=headers).status == 401
    assert browser.call("b", "GET", "/api/me").status == 200
    # The same where somebody else takes the slot; and a log-in that is refused ends nothing.
    browser.call("a", "POST", "/api/session", {"name": other.name, "password": "wrong horse"})
    assert browser.call("a", "GET", "/api/me").body["me"]["name"] == one.name
    browser.log_in("a", other.name)
    assert len(one.ok("GET", "/api/me/sessions")["sessions"]) == 2


def test_two_tabs_of_one_browser_are_two_people(cluster: QuickCluster) -> None:
    browser = Browser(cluster.nodes)
    one, other = cluster.user(), cluster.user()
    browser.log_in("main", one.name)
    browser.log_in("tab2", other.name)
    assert browser.cookies.keys() == {"webchat_main", "webchat_tab2"}
    assert (browser.name("main"), browser.name("tab2")) == (one.name, other.name)
    assert browser.name("tab3") == ""
    answer = browser.call("tab2", "POST", "/api/friends", {"name": one.name})
    assert answer.status == 201
    assert browser.call("main", "GET", "/api/state").body["requests"] == [{"name": other.name, "direction": "incoming"}]


def test_without_a_slot_a_question_is_main_s(cluster: QuickCluster) -> None:
    browser, one = Browser(cluster.nodes), cluster.user()
    browser.log_in("main", one.name)
    assert browser.call(None, "GET", "/api/state").body["me"] == {"name": one.name}


# --- logging out ---


def test_logging_out_ends_one_slot_and_leaves_the_other(cluster: QuickCluster) -> None:
    browser = Browser(cluster.nodes)
    one, other = cluster.user(), cluster.user()
    browser.log_in("main", one.name)
    browser.log_in("tab2", other.name)
    secret = browser.cookies["webchat_main"]
    answer = browser.call("main", "DELETE", "/api/session")
    assert (answer.status, answer.raw) == (204, b"")
    (cookie,) = set_cookies(answer).values()
    assert (cookie.key, cookie.value, cookie["path"]) == ("webchat_main", "", "/")
    browser.cookies["webchat_main"] = secret  # the secret is worth nothing any more, whoever has kept it
    assert browser.call("main", "GET", "/api/state").status == 401
    assert browser.name("tab2") == other.name
    assert browser.call("main", "DELETE", "/api/session").status == 401


def test_logging_out_ends_the_parked_polls_of_that_session_on_every_node_at_once(cluster: QuickCluster) -> None:
    browser, one = Browser(cluster.nodes), cluster.user()
    browser.log_in("main", one.name)
    browser.log_in("tab2", one.name)
    *ended, other = Held.all_parked(
        partial(held_poll, browser, slot, node) for slot, node in (("main", 0), ("main", 1), ("tab2", 1))
    )
    started = time.monotonic()
    browser.call("main", "DELETE", "/api/session")
    for poll in ended:
        answer = poll.answer(AT_ONCE)
        assert (answer.status, answer.body["code"]) == (401, "not_logged_in")
    assert time.monotonic() - started < AT_ONCE
    time.sleep(0.2)
    assert other.waits, "the same person's other session goes on"
    browser.call("tab2", "DELETE", "/api/session")
    assert other.answer(AT_ONCE).status == 401


def test_a_token_logs_out_by_itself(cluster: QuickCluster) -> None:
    one = cluster.user()
    other = Client(cluster.nodes, one.name).log_in()
    answer = one.call("DELETE", "/api/session")
    assert answer.status == 204
    assert "set-cookie" not in answer.headers
    assert one.call("GET", "/api/state").status == 401
    assert other.state()["me"] == {"name": one.name}


# --- tokens ---


def test_a_token_sets_no_cookie(cluster: QuickCluster) -> None:
    answer = cluster.client().call("POST", "/api/tokens", {"name": cluster.user().name, "password": PASSWORD})
    assert answer.status == 201
    assert answer.body.keys() == {"token"}
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "authorization", ["Basic YTpi", "Bearer", "Bearer ", "Bearer nonsense", "Bearer \u00e4", "Token {token}", "{token}"]
)
def test_only_a_living_token_opens(cluster: QuickCluster, authorization: str) -> None:
    one = cluster.user()
    headers = {"Authorization": authorization.format(token=one.token)}
    answer = cluster.client().call("GET", "/api/state", headers=headers)
    assert (answer.status, answer.body["code"]) == (401, "not_logged_in")


def test_a_bad_token_is_not_made_good_by_a_cookie(cluster: QuickCluster) -> None:
    browser = Browser(cluster.nodes)
    browser.log_in("main", cluster.user().name)
    assert browser.call("main", "GET", "/api/state", headers={"Authorization": "Bearer x"}).status == 401


# --- what is refused, and what is kept ---


@pytest.mark.parametrize("path", ["/api/session", "/api/tokens"])
def test_an_unknown_user_is_refused_like_a_wrong_password(cluster: QuickCluster, path: str) -> None:
    """The same bytes; and the same work, which shows in the time: far more than an answer without hashing takes."""

    def refusal(name: str) -> tuple[bytes, float]:
        started = time.monotonic()
        body = {"name": name, "password": "wrong password"}
        answer = cluster.client().call("POST", path, body, {SLOT: "main"})
        assert answer.status == 401
        return answer.raw, time.monotonic() - started

    name = cluster.user().name
    known = [refusal(name) for _ in range(3)]
    unknown = [refusal(f"{name}-not") for _ in range(3)]
    assert len({raw for raw, _ in known + unknown}) == 1
    fastest_known, fastest_unknown = (min(seconds for _, seconds in tries) for tries in (known, unknown))
    assert fastest_unknown > fastest_known / 3
    assert fastest_known > fastest_unknown / 3


def test_nothing_secret_is_kept_in_clear(cluster: QuickCluster) -> None:
    password = "a password that nobody else has"
    one = cluster.client()
    one.name = "keeper-of-secrets"
    one.ok("POST", "/api/users", {"name": one.name, "password": password})
    one.log_in(password)
    browser = Browser(cluster.nodes)
    browser.call("main", "POST", "/api/session", {"name": one.name, "password": password})
    (row,) = [row for row in written(cluster.data)["user"] if one.name in row]
    assert any(str(value).startswith("$argon2id$v=19$") for value in row)
    connection = apsw.Connection(str(cluster.data / "webchat.db"))
    connection.execute("PRAGMA wal_checkpoint")
    connection.close()
    for file in cluster.data.rglob("*"):
        if file.is_file():
            held = file.read_bytes()
            for secret in (password, one.token, browser.cookies["webchat_main"]):
                assert secret.encode() not in held, f"{file.name} has a secret"
