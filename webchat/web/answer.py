"""Answers: structs as JSON."""

from __future__ import annotations

import falcon
import msgspec

_encode = msgspec.json.Encoder().encode


def answer(resp: falcon.Response, body: object, status: int = 200) -> None:
    """Fill `resp` with a msgspec struct as JSON."""
    resp.status = status
    resp.content_type = falcon.MEDIA_JSON
    resp.data = _encode(body)
