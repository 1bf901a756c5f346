"""Headers of every answer."""

from __future__ import annotations

import pytest

from tests.client import PASSWORD
from tests.web.conftest import QuickCluster

# Everything that the page may do; whoever adds to it must say so here, too.
CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
}


def policy(text: str) -> dict[str, str]:
    return dict(directive.strip().split(" ", 1) for directive in text.split(";"))


@pytest.mark.parametrize("path", ["/", "/static/favicon.svg", "/static/nothing", "/nowhere"])
def test_pages_are_locked_down(cluster: QuickCluster, path: str) -> None:
    headers = cluster.client().call("GET", path).headers
    assert policy(headers["content-security-policy"]) == CSP
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-cache", "a new release shows at the next load"


@pytest.mark.parametrize("path", ["/static/js/main.js", "/static/css/base.css"])
def test_parts_of_the_page_are_read_as_what_they_are_and_by_it_alone(cluster: QuickCluster, path: str) -> None:
    headers = cluster.client().call("GET", path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-cache"
    assert "content-security-policy" not in headers, "the page's policy holds for its parts"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/state"),
        ("GET", "/api/openapi.json"),
        ("GET", "/api/users?query=a"),
        ("GET", "/api/events"),
        ("POST", "/api/messages"),
        ("DELETE", "/api/state"),
        ("GET", "/api/nothing"),
    ],
)
def test_nothing_of_the_api_is_stored_anywhere(cluster: QuickCluster, method: str, path: str) -> None:
    headers = cluster.user().call(method, path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "etag" not in headers


def test_an_answer_with_a_cookie_is_not_stored(cluster: QuickCluster) -> None:
    body = {"name": cluster.user().name, "password": PASSWORD}
    answer = cluster.client().call("POST", "/api/session", body, {"X-Webchat-Session": "main"})
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/api/state", "/healthz"])
def test_no_other_site_is_let_in(cluster: QuickCluster, path: str) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    for method in ("GET", "OPTIONS"):
        answer = cluster.user().call(method, path, headers=asked)
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_server_does_not_tell_its_version(cluster: QuickCluster) -> None:
    headers = cluster.client().call("GET", "/").headers
    assert headers["server"] == "webchat"
    assert "x-powered-by" not in headers
