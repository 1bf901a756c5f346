"""Bodies: read within bounds, however they are framed."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable

import falcon.testing
import gevent
import pytest
from gevent import socket as gevent_socket

from tests.client import JSON, Answer, Client
from tests.web.conftest import QuickCluster
from tests.web.rows import written
from webchat.errors import Invalid
from webchat.web import body as module
from webchat.web.body import BODY_MAX, PIECE, read_file
from webchat.web.problems import MEDIA_TYPE


def new_message(conversation: int, client_id: str, text: str = "hello") -> bytes:
    return json.dumps({"conversation": conversation, "text": text, "client_id": client_id}).encode()


def chunks(body: bytes, size: int = 1000) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def converse(client: Client, headers: Iterable[str], sent: bytes, cut: bool = False) -> bytes:
    """The raw answer to a raw request; `cut`: say no more after `sent`."""
    head = [
        "POST /api/messages HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {client.token}",
        "Content-Type: application/json",
        "Connection: close",
        *headers,
    ]
    with socket.create_connection(client.nodes[0], timeout=10) as line:
        line.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + sent)
        if cut:
            line.shutdown(socket.SHUT_WR)
        answer = b""
        while part := line.recv(65536):
            answer += part
        return answer


def parsed(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return Answer(int(first.split()[1]), headers, body)


def test_a_chunked_body_is_read(cluster: QuickCluster) -> None:
    one, _, conversation = cluster.pair()
    answer = parsed(converse(one, ["Transfer-Encoding: chunked"], chunks(new_message(conversation, "c1"), 7)))
    assert answer.status == 201, answer
    assert answer.body["message"]["text"] == "hello"


def test_a_chunked_body_has_the_same_bound(cluster: QuickCluster) -> None:
    one, _, conversation = cluster.pair()
    before = written(cluster.data)
    long = chunks(new_message(conversation, "c1", "a" * BODY_MAX))
    answer = parsed(converse(one, ["Transfer-Encoding: chunked"], long))
    assert (answer.status, answer.body["code"]) == (413, "too_large")
    assert written(cluster.data) == before


@pytest.mark.parametrize("size", [BODY_MAX, BODY_MAX + 1])
def test_the_bound_is_exact(cluster: QuickCluster, size: int) -> None:
    one, _, conversation = cluster.pair()
    answer = one.call("POST", "/api/messages", new_message(conversation, "b1").ljust(size), JSON)
    assert answer.status == (201 if size == BODY_MAX else 413), answer


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        (["Transfer-Encoding: chunked"], b"zz\r\nhello\r\n0\r\n\r\n"),
        (["Transfer-Encoding: chunked"], b"5\r\nhelloworld\r\n0\r\n\r\n"),
        (["Transfer-Encoding: chunked"], b"5\r\nhel"),
        (["Content-Length: 50"], b'{"text":"'),
    ],
    ids=["no size", "wrong size", "chunk cut off", "length cut off"],
)
def test_a_body_that_breaks_off_is_the_client_s_mistake(cluster: QuickCluster, headers: list[str], sent: bytes) -> None:
    one = cluster.user()
    before = written(cluster.data)
    answer = parsed(converse(one, headers, sent, cut=True))
    assert (answer.status, answer.headers["content-type"]) == (400, MEDIA_TYPE)
    assert answer.body["code"] in ("bad_body", "bad_json")
    assert written(cluster.data) == before


def test_of_a_key_given_twice_the_last_one_counts(cluster: QuickCluster) -> None:
    one, _, conversation = cluster.pair()
    body = b'{"text":"first","text":"last","client_id":"d1","conversation":%d}' % conversation
    assert one.call("POST", "/api/messages", body, JSON).body["message"]["text"] == "last"
    assert [message["text"] for message in one.history(conversation)] == ["last"]


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", 'application/json;charset="UTF-8"']
)
def test_the_usual_spellings_of_json_are_taken(cluster: QuickCluster, content_type: str) -> None:
    one, _, conversation = cluster.pair()
    answer = one.call("POST", "/api/messages", new_message(conversation, "t1"), {"Content-Type": content_type})
    assert answer.status == 201, answer


def test_a_file_may_come_slowly_but_not_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BODY_SECONDS", 0.3)
    server, client = gevent_socket.socketpair()
    with server, client, server.makefile("rb") as stream:
        environ = falcon.testing.create_environ(method="POST", headers={"Content-Length": str(10 * PIECE)})
        pieces = read_file(falcon.Request(environ | {"wsgi.input": stream}), 10 * PIECE)

        def slowly() -> None:
            for _ in range(6):
                gevent.sleep(0.1)
                client.sendall(b"x" * PIECE)

        sending = gevent.spawn(slowly)
        for _ in range(6):
            assert len(next(pieces)) == PIECE
        with pytest.raises(Invalid, match="in time"):
            next(pieces)
        sending.join()
