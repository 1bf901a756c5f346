"""A client that goes away while its poll is held gives its place free at once."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.client import Address, Client, request, until
from tests.conftest import FAST
from tests.workers.launched import Launched


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    with Launched(tmp_path_factory.mktemp("hangup") / "data", **FAST) as launched:
        yield ("127.0.0.1", launched.ready().port)
        launched.stop()


def parked(node: Address) -> int:
    text = request(node, "GET", "/metrics").raw.decode()
    (line,) = [line for line in text.splitlines() if line.startswith("webchat_parked_polls ")]
    return int(float(line.split()[1]))


def test_a_poll_ends_when_its_client_hangs_up(node: Address) -> None:
    one = Client([node]).register()
    path = f"/api/events?after={one.cursor()}&timeout=50"
    asked = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {one.token}\r\n\r\n".encode()
    with socket.create_connection(node) as line:
        line.sendall(asked)
        until("the poll is parked", lambda: parked(node) == 1)
    until("its place is free", lambda: parked(node) == 0, 4)
    assert one.poll(one.cursor(), 0)["events"] == []


def test_a_request_sent_behind_a_held_poll_does_not_end_it(node: Address) -> None:
    """Pipelining: the bytes that arrive belong to the next request; they are no hanging up."""
    one = Client([node]).register()
    head = f"Host: localhost\r\nAuthorization: Bearer {one.token}\r\n"
    polls = f"GET /api/events?after={one.cursor()}&timeout=1.5 HTTP/1.1\r\n{head}\r\n"
    asks = f"GET /healthz HTTP/1.1\r\n{head}Connection: close\r\n\r\n"
    with socket.create_connection(node, timeout=10) as line:
        line.sendall(polls.encode())
        line.settimeout(0.5)
        with pytest.raises(TimeoutError):
            line.recv(1)
        line.settimeout(10)
        line.sendall(asks.encode())
        answers = b""
        while part := line.recv(65536):
            answers += part
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.index(b'"events":[]') < answers.index(b'"alive"')
