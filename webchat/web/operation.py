"""What a responder does, stated beside it: the one source of `/api/openapi.json`.

@operation("Send a message", body=NewMessage, answers={201: Sent, 200: Sent}, problems=(404, 409))
def on_post(self, req, resp): …
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

Responder = TypeVar("Responder", bound=Callable[..., None])

# Who may call: anybody; a browser that is about to get or lose a cookie; whoever is logged in.
Access = Literal["anybody", "cookie", "session"]


class OCTETS:
    """Stands for a body that is no JSON, but bytes."""


@dataclass(frozen=True)
class Parameter:
    """A query parameter and its JSON schema."""

    name: str
    about: str
    schema: Mapping[str, Any]
    required: bool = False


@dataclass(frozen=True)
class Operation:
    """`answers`: status → msgspec struct (None: no body); `problems`: further statuses, all problem+json."""

    summary: str
    answers: Mapping[int, Any]
    body: Any = None
    query: Sequence[Parameter] = ()
    problems: Sequence[int] = ()
    access: Access = "session"
    media_type: str | Sequence[str] = "application/json"
    path_schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def operation(summary: str, **parts: Any) -> Callable[[Responder], Responder]:
    """Attach an `Operation` to a responder; costs nothing when it runs."""

    def attach(responder: Responder) -> Responder:
        responder.__operation__ = Operation(summary, **parts)  # type: ignore[attr-defined]
        return responder

    return attach


def operation_of(responder: Callable[..., None] | None) -> Operation | None:
    return getattr(responder, "__operation__", None)
