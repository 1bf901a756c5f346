"""The document and the real answers: every call says what it does, and does what it says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from tests.client import PASSWORD, Client
from tests.web.conftest import QuickCluster
from webchat.app import openapi_document
from webchat.web.problems import MEDIA_TYPE

CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
# Random names and passwords hit nothing: each generated request that could be meant speaks of real people.
Aim = Callable[[schemathesis.Case], None]

DOCUMENT = openapi_document()
schema = schemathesis.openapi.from_dict(DOCUMENT)


def test_the_served_document_is_the_one_made_from_the_code(cluster: QuickCluster) -> None:
    answer = cluster.client().call("GET", "/api/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.body == DOCUMENT


def test_a_call_of_the_whole_api_says_who_may_call_it() -> None:
    open_to_all = {
        (method, path)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        if "security" not in operation
    }
    assert open_to_all == {
        ("post", "/api/users"),
        ("post", "/api/session"),
        ("post", "/api/tokens"),
        ("get", "/api/openapi.json"),
        ("get", "/healthz"),
        ("get", "/readyz"),
        ("get", "/metrics"),
    }


def test_every_problem_is_documented_as_one() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and path != "/readyz":
                    assert list(answer["content"]) == [MEDIA_TYPE], f"{method} {path} {status}"


@pytest.fixture(scope="module")
def aim(cluster: QuickCluster) -> Aim:
    one, other, conversation = cluster.pair()
    one.send(conversation, "hello")
    cursor = one.cursor()

    def at_real_people(case: schemathesis.Case) -> None:
        place = f"{case.method} {case.operation.path}"
        # Who logs out has a session of their own for it.
        who = one if place != "DELETE /api/session" else Client(cluster.nodes, one.name).log_in()
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {who.token}"}
        if "/api/events" in place:
            case.query["timeout"] = 0  # nothing is to be held here
        if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
            return
        if "/api/events" in place:
            case.query["after"] = cursor
        if "conversation" in case.path_parameters:
            case.path_parameters["conversation"] = conversation
        if place == "POST /api/messages" and "to" not in case.body:
            case.body["conversation"] = conversation
        if place in ("POST /api/session", "POST /api/tokens"):
            case.body = {"name": one.name, "password": PASSWORD}
        if place == "POST /api/friends":
            case.body["name"] = other.name
        if place == "PUT /api/friends/{name}":
            case.path_parameters["name"] = other.name

    return at_real_people


@schema.parametrize()
@settings(max_examples=5, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_call_answers_as_documented(case: schemathesis.Case, cluster: QuickCluster, aim: Aim) -> None:
    aim(case)
    host, port = cluster.nodes[0]
    response = case.call_and_validate(base_url=f"http://{host}:{port}", checks=CHECKS, timeout=20)
    assert response.status_code < 500
    if response.status_code >= 400:
        assert response.headers["content-type"] == [MEDIA_TYPE]
        problem = response.json()
        assert problem["code"]
        assert problem["status"] == response.status_code
