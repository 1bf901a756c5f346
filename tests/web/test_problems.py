"""Problems on the wire: one form for ours and for the framework's."""

from __future__ import annotations

import inspect

import falcon
import pytest
from falcon.testing import TestClient

from tests.client import JSON
from tests.web.conftest import QuickCluster
from webchat import errors
from webchat.data.postgres_pool import Conflicted, Lost, Unsettled
from webchat.web.problems import MEDIA_TYPE, STATUS, install


def test_every_error_that_a_request_can_meet_has_a_status() -> None:
    every = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.ChatError)}
    assert every - STATUS.keys() == {errors.ChatError, errors.SetupError}


@pytest.mark.parametrize("narrower", [Lost, Conflicted, Unsettled])
def test_an_engines_own_refusal_is_the_refusal_that_it_is(narrower: type[errors.Unavailable]) -> None:
    """PostgreSQL tells more kinds of trouble apart than a client needs to know."""

    class Broken:
        def on_get(self, _req: falcon.Request, _resp: falcon.Response) -> None:
            raise narrower("the connection broke", code="database_unavailable", retry_after=0.5)

    app: falcon.App = falcon.App()  # type: ignore[type-arg]
    install(app)
    app.add_route("/", Broken())
    answer = TestClient(app).simulate_get("/")
    assert (answer.status_code, answer.json["code"]) == (503, "database_unavailable")
    assert answer.headers["Retry-After"] == "1"


def test_a_problem_has_all_that_rfc_9457_asks_for(cluster: QuickCluster) -> None:
    answer = cluster.user().call("POST", "/api/friends", {"name": "nobody-at-all"})
    assert (answer.status, answer.headers["content-type"]) == (404, MEDIA_TYPE)
    assert answer.body == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
        "detail": "there is nobody of this name",
    }


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api", "/api/", "/api/nothing", "/api/state/", "/api/friends/a/b", "/%FF"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH"])
def test_what_is_not_there_is_a_problem(cluster: QuickCluster, method: str, path: str) -> None:
    answer = cluster.user().call(method, path, b"{}", JSON)
    assert (answer.status, answer.headers["content-type"]) == (404, MEDIA_TYPE)
    assert answer.body["code"] == "no_such_call"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/api/state", {"GET"}),
        ("PATCH", "/api/friends/a", {"PUT", "DELETE"}),
        ("GET", "/api/messages", {"POST"}),
        ("HEAD", "/api/state", {"GET"}),
        ("TRACE", "/api/session", {"POST", "DELETE"}),
        ("CONNECT", "/api/session", {"POST", "DELETE"}),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(
    cluster: QuickCluster, method: str, path: str, allowed: set[str]
) -> None:
    answer = cluster.user().call(method, path)
    assert (answer.status, answer.headers["content-type"]) == (405, MEDIA_TYPE)
    assert set(answer.headers["allow"].split(", ")) - {"OPTIONS"} == allowed
    if method == "HEAD":
        assert answer.raw == b""
    else:
        assert answer.body["code"] == "method_not_allowed"


def test_options_tells_the_methods(cluster: QuickCluster) -> None:
    answer = cluster.client().call("OPTIONS", "/api/session")
    assert (answer.status, answer.raw) == (200, b"")
    assert set(answer.headers["allow"].split(", ")) - {"OPTIONS"} == {"POST", "DELETE"}


def test_an_invented_method_is_refused(cluster: QuickCluster) -> None:
    assert 400 <= cluster.client().call("FROBNICATE", "/api/state").status < 500


def test_a_problem_is_json_whatever_the_client_would_rather_have(cluster: QuickCluster) -> None:
    for accept in ("application/xml", "text/html", "image/*;q=0", "nonsense"):
        answer = cluster.client().call("GET", "/api/state", headers={"Accept": accept})
        assert (answer.status, answer.headers["content-type"]) == (401, MEDIA_TYPE)
        assert answer.body["code"] == "not_logged_in"
