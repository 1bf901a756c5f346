"""The routes on one page: all of them documented, each with a responder's own statement."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from webchat.app import create_app, openapi_document, routes
from webchat.data.database import prepare
from webchat.node import Node, build_node
from webchat.settings import Settings
from webchat.web.headers import Headers
from webchat.web.operation import operation_of

METHODS = ("get", "head", "post", "put", "patch", "delete")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    settings = Settings(data=str(tmp_path), redis_url="unix:///nowhere")
    prepare(settings)
    made = build_node(settings)
    yield made
    made.engine.close()


HEADERS = Headers("")


def responders(resource: Any) -> dict[str, Any]:
    return {method: found for method in METHODS if (found := getattr(resource, f"on_{method}", None))}


def test_every_call_is_documented(node: Node) -> None:
    paths = openapi_document()["paths"]
    served = {
        (template, method)
        for template, resource in routes(node, HEADERS)
        for method in responders(resource)
        if method != "head"
    }
    assert served == {(template, method) for template, methods in paths.items() for method in methods}


def test_every_responder_states_what_it_does(node: Node) -> None:
    for template, resource in routes(node, HEADERS):
        for method, responder in responders(resource).items():
            assert operation_of(responder), f"{method} {template}"


def test_no_route_is_given_twice(node: Node) -> None:
    templates = [template for template, _ in routes(node, HEADERS)]
    assert len(templates) == len(set(templates))


def test_the_app_is_built_without_starting_anything(node: Node) -> None:
    app = create_app(node)
    assert app.node is node
    assert not node.hub.users()


def test_the_document_is_the_same_every_time() -> None:
    assert openapi_document() == openapi_document()
