"""webchat's own words: bytes out, bytes in."""

from __future__ import annotations

import json

import pytest

from tests.load.dialect import Later, User
from tests.load.webchat_dialect import WebchatDialect


def news(*messages: tuple[str, str], reset: bool = False) -> bytes:
    events: list[object] = [{"type": "presence", "name": "bob", "online": True}]
    events += [{"type": "message", "message": {"id": 1, "from": name, "text": text}} for name, text in messages]
    return json.dumps({"cursor": "c2", "events": events} | ({"reset": True} if reset else {})).encode()


def test_a_device_greets_once_polls_by_its_cursor_and_moves_on() -> None:
    dialect, ann = WebchatDialect("chat.example", hold=60), User("ann", "secret")
    greeting = dialect.greet(ann)
    assert greeting is not None
    assert greeting.data.startswith(
        b"GET /api/state HTTP/1.1\r\nHost: chat.example\r\nAuthorization: Bearer secret\r\n"
    )
    dialect.greeted(ann, 200, {}, b'{"cursor": "c1", "me": {"name": "ann"}, "friends": []}')
    assert dialect.greet(ann) is None
    assert dialect.poll(ann).data.startswith(b"GET /api/events?after=c1&device=ann&timeout=60 HTTP/1.1\r\n")
    assert dialect.polled(ann, 200, {}, news(("bob", "hi"), ("ann", "said myself"))) == [b"hi"]
    assert dialect.poll(ann).data.startswith(b"GET /api/events?after=c2&")


def test_a_full_node_is_asked_again_and_a_lost_cursor_begins_anew() -> None:
    dialect, ann = WebchatDialect("chat.example"), User("ann", "secret", cursor="c1")
    with pytest.raises(Later):
        dialect.polled(ann, 503, {}, b"{}")
    for status, body in ((401, b"{}"), (200, news(reset=True)), (200, b"not JSON")):
        with pytest.raises(ValueError, match=r"."):
            dialect.polled(ann, status, {}, body)
    assert ann.cursor == "c1"


def test_a_send_names_the_conversation_where_it_is_known() -> None:
    dialect, ann = WebchatDialect("chat.example"), User("ann", "secret", extras={"conversations": {"bob": 7}})
    for receiver, to in (
        (User("bob"), {"conversation": 7}),
        (User("cid"), {"to": "cid"}),
        (User("", extras={"conversation": 9}), {"conversation": 9}),
    ):
        head, _, body = dialect.send(ann, receiver, b"load-x-0-1-2").data.partition(b"\r\n\r\n")
        assert json.loads(body) == to | {"text": "load-x-0-1-2", "client_id": "load-x-0-1-2", "device": "ann"}
        assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")
    assert dialect.sent(ann, 201, b"") is dialect.sent(ann, 200, b"") is True
    assert dialect.sent(ann, 429, b"") is False
