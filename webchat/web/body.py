"""Requests' bodies and parameters: read within bounds, checked against a type, or refused in words."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import TypeVar

import falcon
import gevent
import msgspec

from webchat.errors import Invalid, TooLarge, WrongType

T = TypeVar("T")

BODY_MAX = 64 * 1024  # bytes
BODY_SECONDS = 20.0  # for all of it: 3 KiB/s will do, and a client that stalls holds a connection
DIGITS_MAX = 18  # of an integer in a URL: what 64 bits surely hold
ID_MAX = 10**DIGITS_MAX - 1
PIECE = 64 * 1024  # bytes of a file that are taken in at once, each within `BODY_SECONDS`: at the same pace

_decoders: dict[type, msgspec.json.Decoder] = {}  # type: ignore[type-arg]


def read_body(req: falcon.Request, shape: type[T]) -> T:
    """The JSON body as a `shape` (a msgspec struct that forbids unknown fields).

    Only `application/json` is taken: a page of another site cannot send that without asking first (CORS).
    Raises WrongType, TooLarge, Invalid.
    """
    media_type, _, parameters = (req.content_type or "").partition(";")
    if media_type.strip().lower() != "application/json":
        raise WrongType("send the body as application/json")
    if parameters.strip().lower().replace('"', "") not in ("", "charset=utf-8"):
        raise WrongType("JSON is UTF-8, without other parameters")
    if (req.content_length or 0) > BODY_MAX:
        raise TooLarge(f"a body has at most {BODY_MAX} bytes")
    body = _received(req)
    if len(body) > BODY_MAX:
        raise TooLarge(f"a body has at most {BODY_MAX} bytes")
    decoder = _decoders.get(shape)
    if decoder is None:
        decoder = _decoders[shape] = msgspec.json.Decoder(shape)
    try:
        result: T = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Invalid(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"the body is not JSON: {error}", code="bad_json") from None
    return result


def _received(req: falcon.Request) -> bytes:
    """The body, or as much of it as shows that it is too large. Not bounded_stream: a chunked one has no length."""
    stream = req.stream
    if isinstance(stream, BytesIO):  # it is all there
        return stream.read(BODY_MAX + 1)
    try:
        with gevent.Timeout(BODY_SECONDS, Invalid("the body did not arrive in time", code="bad_body")):
            body: bytes = stream.read(BODY_MAX + 1)
            return body
    except Invalid:
        raise
    except Exception as error:  # the HTTP server's own classes, unknown to this tier
        raise Invalid("the body breaks off, or its chunks are malformed", code="bad_body") from error


def read_file(req: falcon.Request, most: int) -> Iterator[bytes]:
    """A body of any size up to `most` bytes, piece by piece: a slow client may take long, one that stalls may not.

    What says itself that it is too large is refused at once, before anybody asks for the first piece.
    Raises TooLarge, and Invalid where it breaks off.
    """
    too_large = TooLarge(f"a file has at most {most >> 20} MiB")
    if (req.content_length or 0) > most:
        raise too_large
    return _pieces(req, most, too_large)


def _pieces(req: falcon.Request, most: int, too_large: TooLarge) -> Iterator[bytes]:
    size = req.content_length
    received = 0
    while piece := _piece(req):
        received += len(piece)
        if received > most:
            raise too_large
        yield piece
    if size is not None and received != size:
        raise Invalid("the body breaks off", code="bad_body")


def _piece(req: falcon.Request) -> bytes:
    try:
        with gevent.Timeout(BODY_SECONDS, Invalid("the body did not arrive in time", code="bad_body")):
            piece: bytes = req.stream.read(PIECE)
            return piece
    except Invalid:
        raise
    except Exception as error:  # the HTTP server's own classes, unknown to this tier
        raise Invalid("the body breaks off, or its chunks are malformed", code="bad_body") from error


def integer(req: falcon.Request, name: str, least: int, most: int, default: int | None = None) -> int | None:
    """A query parameter that is an integer in `least`…`most`. Raises Invalid."""
    text = parameter(req, name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX and least <= int(text) <= most):
        raise Invalid(f"{name} must be an integer from {least} to {most}", code=f"bad_{name}")
    return int(text)


def parameter(req: falcon.Request, name: str) -> str | None:
    """A query parameter given at most once. Raises Invalid."""
    value = req.params.get(name)
    if isinstance(value, list):
        raise Invalid(f"{name} is given more than once", code=f"bad_{name}")
    return value


def path_id(text: str) -> int | None:
    """An id in a path; None for what cannot be one (then it is absent like any other)."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX else None
