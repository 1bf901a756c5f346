"""Idle connections rest without a greenlet, come back when something arrives, and stay counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent import socket

from workers.connections import Server
from workers.line import Line

SOON = 5.0  # seconds; no test waits that long


class Echo:
    """A server that sends back what it reads; `lines` are those that wait."""

    def __init__(self, places: int) -> None:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        self.address = listener.getsockname()
        self.server = Server(listener, places)
        self.server.set_handle(lambda client, _: self.serve(Line(client)))
        self.server.start()
        self.lines: list[Line] = []

    def serve(self, line: Line) -> None:
        while True:
            self.lines.append(line)
            data = line.receive(100)
            self.lines.remove(line)
            if data is None:
                self.server.rest(line, lambda: self.serve(line))
                return
            if not data:
                line.close()
                return
            line.client.sendall(data)

    def client(self) -> Any:
        return socket.create_connection(self.address)

    def let_all_rest(self) -> None:
        for line in self.lines:
            line.let_go()


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo(places=2)
    yield made
    made.server.stop(timeout=0.1)


def until(condition: Callable[[], bool]) -> None:
    with gevent.Timeout(SOON):
        while not condition():
            gevent.sleep(0.001)


def test_a_connection_rests_without_a_greenlet_and_goes_on_where_it_was(echo: Echo) -> None:
    client = echo.client()
    for word in (b"one", b"two", b"three"):
        client.sendall(word)
        assert client.recv(100) == word
        until(lambda: len(echo.lines) == 1)
        echo.let_all_rest()
        until(lambda: len(echo.server.pool) == 0)
        assert echo.server.connections == 1
    client.close()
    until(lambda: echo.server.connections == 0)


def test_what_arrives_in_the_same_moment_is_not_lost(echo: Echo) -> None:
    client = echo.client()
    until(lambda: len(echo.lines) == 1)
    echo.let_all_rest()
    client.sendall(b"just now")
    assert client.recv(100) == b"just now"
    client.close()


def test_resting_connections_keep_their_places(echo: Echo) -> None:
    first, second = echo.client(), echo.client()
    until(lambda: len(echo.lines) == 2)
    echo.let_all_rest()
    until(lambda: len(echo.server.pool) == 0)
    third = echo.client()
    third.sendall(b"third")
    first.sendall(b"first")
    assert first.recv(100) == b"first", "whoever rests never waits for a place"
    assert echo.server.connections == 2
    second.close()
    assert third.recv(100) == b"third", "a place that is given up is given on"
    first.close()
    third.close()
