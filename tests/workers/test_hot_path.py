"""A guard against slipping back: how much Python a worker runs for one send and for one poll.

Seconds depend on the machine and on who else uses it. What does not is the number of bytecode instructions that the
worker's greenlet executes between the request's bytes and the answer's: it is counted here, with a real database and
the real application, and held against what it was. So are SQL statements on the event loop: there must be none.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest
from gevent import socket
from gevent.event import Event
from gunicorn.config import Config

from tests.contracts.store_contract import NOW
from tests.logic.test_hub import Room, make_room
from webchat.app import ChatApp, create_app
from webchat.data.transaction import Transaction
from workers.exchange import Exchange
from workers.line import Line
from workers.plain import Peer, Rules

# Instructions in CPython 3.11, as measured. Another release of Python has others, but not by half.
SEND, POLL, PARK = 2_216, 2_317, 2_891
SLACK = 1.03 if sys.version_info[:2] == (3, 11) else 1.5

HEAD = (
    "Host: 127.0.0.1:8000\r\nConnection: keep-alive\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0\r\n"
    "Accept: */*\r\nSec-Fetch-Site: same-origin\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en\r\n"
)

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("gunicorn_h1c") is None, reason="without gunicorn_h1c there is no fast path"
)


class Worker:
    """What an exchange asks of its worker."""

    alive = True

    def __init__(self, app: ChatApp) -> None:
        self.cfg = Config()
        self.wsgi: Callable[..., Iterable[bytes]] = app


class Desk(NamedTuple):
    """One connection to one application, and both ends of it."""

    room: Room
    worker: Worker
    peer: Peer
    line: Line
    client: Any
    secrets: dict[str, str]

    def serve(self, data: bytes) -> bytes:
        """What a worker does with a request; the answer."""
        plain = self.peer.plain(data)
        assert plain is not None
        exchange = Exchange(self.worker, self.line, plain)
        bell = Event()
        answered = exchange.answer(exchange.call(plain, data), bell.set)
        while not answered:
            bell.wait()
            bell.clear()
            answered = exchange.look(bell.set)
        answer: bytes = self.client.recv(65536)
        return answer

    def measure(self, data: bytes) -> tuple[int, bytes]:
        """The instructions of that, and its answer."""
        counted = 0

        def step(frame: FrameType, event: str, _: object) -> Any:
            nonlocal counted
            frame.f_trace_opcodes = True
            counted += event == "opcode"
            return step

        sys.settrace(step)
        try:
            answer = self.serve(data)
        finally:
            sys.settrace(None)
        return counted, answer

    def poll(self, cursor: object, more: str = "") -> bytes:
        return self._request("bob", f"GET /api/events?after={cursor}&device=phone{more}", b"")

    def send(self, number: int) -> bytes:
        body = b'{"conversation":%d,"text":"hello %d","client_id":"%d","device":"laptop"}' % (
            self.room.talk,
            number,
            number,
        )
        return self._request("ann", "POST /api/messages", body)

    def _request(self, name: str, target: str, body: bytes) -> bytes:
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        head = f"{target} HTTP/1.1\r\n{HEAD}Authorization: Bearer {self.secrets[name]}\r\n{length}\r\n"
        return head.encode() + body


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with make_room(tmp_path, limit_send="1000000/second") as room:
        secrets = {name: f"secret-of-{name}" for name in ("ann", "bob")}
        for name, user in (("ann", room.ann), ("bob", room.bob)):
            digest = hashlib.sha256(secrets[name].encode()).digest()
            room.node.committer.submit(
                partial(Transaction.add_session, user=user, token_hash=digest, expires_at=2 * NOW)
            )
        server, client = socket.socketpair()
        line = Line(server)
        worker = Worker(create_app(room.node))
        peer = Peer(Rules(worker.cfg), ("127.0.0.1", 8000), ("127.0.0.1", 40000))
        yield Desk(room, worker, peer, line, client, secrets)
        line.close()
        server.close()
        client.close()


def settled(desk: Desk, request: Any, rounds: int = 4) -> int:
    """The fewest instructions of some rounds: the first ones fill caches."""
    counts = []
    for number in range(rounds):
        counted, answer = desk.measure(request(number))
        assert answer[9:12] in (b"200", b"201"), answer
        counts.append(counted)
    return min(counts)


def test_a_send(desk: Desk) -> None:
    assert settled(desk, desk.send) <= SEND * SLACK


def test_a_poll_that_finds_something(desk: Desk) -> None:
    cursor = desk.room.cursor()
    desk.serve(desk.poll(cursor, "&timeout=0"))
    desk.serve(desk.send(1))
    assert settled(desk, lambda _: desk.poll(cursor)) <= POLL * SLACK


def test_a_poll_that_parks(desk: Desk) -> None:
    cursor = desk.room.cursor()
    desk.serve(desk.poll(cursor, "&timeout=0"))
    # Meanwhile the bus tries to connect, now and then: in some rounds it does not.
    assert settled(desk, lambda _: desk.poll(cursor, "&timeout=0.01"), rounds=20) <= PARK * SLACK


def test_neither_asks_the_database_on_the_event_loop(desk: Desk) -> None:
    """Once the mailbox is open and the secret is known."""
    cursor = desk.room.cursor()
    desk.serve(desk.poll(cursor, "&timeout=0"))
    desk.serve(desk.send(1))
    reader: Any = desk.room.node.engine.reader
    asked: list[str] = []
    execute = reader._execute

    def counting(sql: str, parameters: Any = ()) -> Any:
        asked.append(sql)
        return execute(sql, parameters)

    reader._execute = counting
    desk.serve(desk.send(2))
    desk.serve(desk.poll(cursor))
    assert asked == []
