"""Who asks, and may this request have come from a foreign page?"""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import PASSWORD, Answer
from tests.web.browser import Browser
from tests.web.conftest import QuickCluster
from tests.web.rows import written

CHANGES = [
    ("DELETE", "/api/session", None),
    ("POST", "/api/messages", {"to": "somebody", "text": "a", "client_id": "b"}),
    ("PUT", "/api/conversations/1/read", {"number": 0}),
    ("POST", "/api/friends", {"name": "somebody"}),
    ("PUT", "/api/friends/somebody", None),
    ("DELETE", "/api/friends/somebody", None),
]
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "something new"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://["},
    {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-origin"},
]


@pytest.fixture(scope="module")
def browser(cluster: QuickCluster) -> Browser:
    made = Browser(cluster.nodes)
    made.log_in("main", cluster.user().name)
    return made


def refused(answer: Answer, status: int, code: str) -> bool:
    return (answer.status, answer.body["code"]) == (status, code)


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_a_change_that_rests_on_a_cookie_needs_the_header(browser: Browser, method: str, path: str, body: Any) -> None:
    assert refused(browser.call(None, method, path, body), 403, "csrf_header_missing")
    assert browser.name("main")


def test_logging_in_needs_the_header_too(cluster: QuickCluster) -> None:
    body = {"name": cluster.user().name, "password": PASSWORD}
    before = written(cluster.data)
    assert refused(Browser(cluster.nodes).call(None, "POST", "/api/session", body), 403, "csrf_header_missing")
    assert written(cluster.data) == before


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_a_foreign_page_changes_nothing(
    browser: Browser, method: str, path: str, body: Any, headers: dict[str, str]
) -> None:
    assert refused(browser.call("main", method, path, body, headers), 403, "foreign_origin")
    assert browser.name("main")


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("path", ["/api/users", "/api/session", "/api/tokens"])
def test_a_foreign_page_neither_registers_nor_logs_in(
    cluster: QuickCluster, path: str, headers: dict[str, str]
) -> None:
    before = written(cluster.data)
    browser = Browser(cluster.nodes)
    answer = browser.call("main", "POST", path, {"name": "from-elsewhere", "password": PASSWORD}, headers)
    assert refused(answer, 403, "foreign_origin")
    assert browser.cookies == {}
    assert written(cluster.data) == before


@pytest.mark.parametrize("site", ["same-origin", "none", None])
def test_our_own_page_is_let_in(cluster: QuickCluster, site: str | None) -> None:
    (host, port), *_ = cluster.nodes
    browser = Browser(cluster.nodes[:1])
    headers = {"Origin": f"http://{host}:{port}"} | ({"Sec-Fetch-Site": site} if site else {})
    browser.log_in("main", cluster.user().name, headers)
    assert browser.call("main", "DELETE", "/api/session", None, headers).status == 204


def test_a_proxy_s_name_is_our_own(cluster: QuickCluster) -> None:
    headers = {"Host": "chat.example", "Origin": "https://chat.example", "Sec-Fetch-Site": "same-origin"}
    Browser(cluster.nodes).log_in("main", cluster.user().name, headers)


@pytest.mark.parametrize("slot", ["", "A", "a" * 17, "a b", "a_b", "a;b", "../a", "\u00e4", "main, main"])
@pytest.mark.parametrize(
    ("method", "path", "body"), [("GET", "/api/state", None), ("POST", "/api/session", {"name": "a", "password": "b"})]
)
def test_a_slot_is_a_short_plain_word(cluster: QuickCluster, slot: str, method: str, path: str, body: Any) -> None:
    answer = Browser(cluster.nodes).call(slot, method, path, body)
    assert refused(answer, 400, "bad_slot"), answer
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("secret", ["", "nonsense", "\u00e4", '"', "a" * 4000])
def test_a_cookie_that_is_no_session_s_is_nobody_s(cluster: QuickCluster, secret: str) -> None:
    answer = Browser(cluster.nodes).call("main", "GET", "/api/state", None, {"Cookie": f"webchat_main={secret}"})
    assert refused(answer, 401, "not_logged_in")


def test_a_program_needs_neither_cookie_nor_slot(cluster: QuickCluster) -> None:
    one = cluster.user()
    assert one.call("POST", "/api/friends", {"name": cluster.user().name}).status == 201
    answer = one.call("POST", "/api/friends", {"name": "x"}, {"Sec-Fetch-Site": "cross-site"})
    assert refused(answer, 403, "foreign_origin"), "no page may use a token of another site's"
