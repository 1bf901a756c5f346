"""Connections have no greenlet while they wait, go on where they were, and stay counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import gevent
import pytest
from gevent import socket

from workers.connections import Server
from workers.line import Line

SOON = 5.0  # seconds; no test waits that long


class Echo:
    """A server that sends back what it reads: without a greenlet where it takes a connection, else with one."""

    def __init__(self, places: int) -> None:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        self.address = listener.getsockname()
        self.takes = True
        self.server = Server(listener, places, self._take)
        self.server.set_handle(self._handle)
        self.server.start()

    def _take(self, server: Server, client: Any, _: Any) -> bool:
        assert server is self.server
        if self.takes:
            line = Line(client)
            line.when_readable(partial(self._serve, line))
        return self.takes

    def _serve(self, line: Line) -> None:
        data = line.read(100)
        if data:
            line.raw.send(data)
        if data == b"":
            line.close()
            self.server.done(line.client)
        else:
            line.when_readable(partial(self._serve, line))

    def _handle(self, client: Any, _: Any) -> None:
        while data := client.recv(100):
            client.sendall(data)

    def client(self) -> Any:
        return socket.create_connection(self.address)


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo(places=2)
    yield made
    made.server.stop(timeout=0.1)


def until(condition: Callable[[], bool]) -> None:
    with gevent.Timeout(SOON):
        while not condition():
            gevent.sleep(0.001)


@pytest.mark.parametrize("takes", [True, False])
def test_a_connection_is_served_and_counted_until_it_ends(echo: Echo, takes: bool) -> None:
    echo.takes = takes
    client = echo.client()
    for word in (b"one", b"two", b"three"):
        client.sendall(word)
        assert client.recv(100) == word
        assert (echo.server.connections, len(echo.server.pool)) == (1, 0 if takes else 1)
    client.close()
    until(lambda: echo.server.connections == 0)


@pytest.mark.parametrize("takes", [(True, True), (True, False), (False, True), (False, False)])
def test_there_are_no_more_connections_than_places(echo: Echo, takes: tuple[bool, bool]) -> None:
    clients = []
    for number, way in enumerate(takes, 1):
        echo.takes = way
        clients.append(echo.client())
        until(lambda number=number: echo.server.connections == number)  # type: ignore[misc]
    third = echo.client()
    third.sendall(b"third")
    clients[0].sendall(b"first")
    assert clients[0].recv(100) == b"first"
    assert echo.server.connections == 2
    clients[1].close()
    assert third.recv(100) == b"third", "a place that is given up is given on"
    for client in (clients[0], third):
        client.close()


@pytest.fixture
def ends() -> Iterator[tuple[Any, Any]]:
    server, client = socket.socketpair()
    yield server, client
    server.close()
    client.close()


def test_a_line_tells_once_that_its_client_has_gone(ends: tuple[Any, Any]) -> None:
    server, client = ends
    line = Line(server)
    told: list[str] = []
    line.when_gone(lambda: told.append("gone"))
    gevent.sleep(0.01)
    assert told == []
    client.close()
    until(lambda: told == ["gone"])
    gevent.sleep(0.01)
    assert told == ["gone"]
    line.close()


def test_a_client_that_says_something_has_not_gone(ends: tuple[Any, Any]) -> None:
    server, client = ends
    line = Line(server)
    told: list[str] = []
    line.when_gone(lambda: told.append("gone"))
    client.sendall(b"the next request")
    gevent.sleep(0.01)
    assert told == []
    line.when_gone(None)
    line.when_readable(lambda: told.append("readable"))
    until(lambda: told == ["readable"])
    assert line.read(100) == b"the next request"
    assert line.read(100) is None
    line.close()
