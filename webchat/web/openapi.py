"""The OpenAPI 3.1 document, made from the routes, their `Operation`s and the msgspec structs these name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

import falcon
import msgspec

from webchat import __version__
from webchat.web import problems
from webchat.web.guard import DEFAULT_SLOT, SLOT_HEADER, cookie_name
from webchat.web.operation import OCTETS, Operation, operation, operation_of

PATH = "/api/openapi.json"
REF = "#/components/schemas/{name}"
METHODS = ("get", "post", "put", "patch", "delete")
_FIELD = re.compile(r"{(\w+)}")

ABOUT = """
A web live chat over Ajax long polling. Start with `GET /api/state`; go on with
`GET /api/events?after=CURSOR`, again and again, each time with the cursor of the last answer.

Every user has a feed, numbered without gaps; a cursor says how far one has come in it. An event is
delivered at least once: drop what you have (a message's `number`). `reset: true` means that the cursor
cannot be continued: load the state again. Ignore events of unknown type.

Errors are `application/problem+json` (RFC 9457) with a stable `code`. Before any call they may be `bad_request`,
`bad_method`, `bad_version`, `bad_header` (400), `uri_too_long` (414), `bad_expectation` (417), `headers_too_large`
(431) or `unknown_coding` (501); the connection is then closed.
"""


def document(routes: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The document as plain data. `routes`: URI templates and their resources; the call that serves it comes along."""
    described = [
        (template, method, found)
        for template, resource in {**dict(routes), PATH: OpenApi}.items()
        for method in METHODS
        if (responder := getattr(resource, f"on_{method}", None)) and (found := operation_of(responder))
    ]
    types = {kind for _, _, each in described for kind in (each.body, *each.answers.values())} - {None, OCTETS}
    ordered = sorted(types | {problems.Problem}, key=lambda kind: kind.__name__)
    schemas, components = msgspec.json.schema_components(ordered, ref_template=REF)
    schema_of = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for template, method, each in described:
        paths.setdefault(template, {})[method] = _operation(template, method, each, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Webchat", "version": __version__, "description": inspect.cleandoc(ABOUT)},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "of POST /api/tokens"},
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": cookie_name(DEFAULT_SLOT),
                    "description": f"of POST /api/session; one per slot, see the header {SLOT_HEADER}",
                },
            },
        },
    }


def _operation(template: str, method: str, each: Operation, schema_of: Mapping[Any, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "summary": each.summary,
        "operationId": method + re.sub(r"[^a-z]+", "_", template.removeprefix("/api").lower()).rstrip("_"),
        "parameters": list(_parameters(template, method, each)),
        "responses": {
            **{str(status): _answer(each, status, schema_of) for status in each.answers},
            **{str(status): _problem(status, schema_of) for status in each.problems},
        },
    }
    if each.access == "session":
        made["security"] = [{"token": []}, {"cookie": []}]
    if each.body is OCTETS:
        made["requestBody"] = {"required": True, "content": {"*/*": {}}}
    elif each.body is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema_of[each.body]}}}
    return made


def _parameters(template: str, method: str, each: Operation) -> Iterable[dict[str, Any]]:
    for name in _FIELD.findall(template):
        schema = each.path_schemas.get(name, {"type": "string", "minLength": 1})
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    for parameter in each.query:
        yield {
            "name": parameter.name,
            "in": "query",
            "required": parameter.required,
            "description": parameter.about,
            "schema": parameter.schema,
        }
    if each.access != "anybody":
        yield {
            "name": SLOT_HEADER,
            "in": "header",
            "required": each.access == "cookie",
            "description": "which of the browser's sessions this request speaks for; required, without a token, "
            "on every call that changes something",
            "schema": {"type": "string", "pattern": "^[a-z0-9]{1,16}$", "default": DEFAULT_SLOT},
        }


def _answer(each: Operation, status: int, schema_of: Mapping[Any, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"description": falcon.code_to_http_status(status)[4:]}
    kind = each.answers[status]
    if kind is not None:
        media_types = [each.media_type] if isinstance(each.media_type, str) else each.media_type
        schema = {} if kind is OCTETS else {"schema": schema_of[kind]}
        made["content"] = dict.fromkeys(media_types, schema)
    return made


def _problem(status: int, schema_of: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "description": falcon.code_to_http_status(status)[4:],
        "content": {problems.MEDIA_TYPE: {"schema": schema_of[problems.Problem]}},
    }


class OpenApi:
    """Serves a document that was made once."""

    def __init__(self, made: dict[str, Any]) -> None:
        self._encoded = msgspec.json.encode(made)

    @operation("This document", answers={200: dict}, access="anybody")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.content_type = falcon.MEDIA_JSON
        resp.data = self._encoded
