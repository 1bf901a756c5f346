"""The worker's end: every parked poll is answered, no request fails, and nothing is left waiting."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.client import Answer, Client, request, until
from tests.conftest import FAST
from tests.workers.launched import Launched

QUICK = 2.0  # seconds; it takes some hundredths, and the machine may be busy


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Launched]:
    with Launched(tmp_path / "data", **FAST | {"poll_hold": "30", "polls_per_session": "100"}) as launched:
        yield launched.ready()
        launched.stop()


def workers(node: Launched) -> list[int]:
    """The pids of the node's comet workers: the children of its gunicorn master."""
    (master,) = children(node.process.pid, "gunicorn")
    return children(master, "gunicorn")


def children(parent: int, of: str) -> list[int]:
    listed = subprocess.run(["pgrep", "-P", str(parent), "-f", of], capture_output=True, text=True, check=False)
    return [int(pid) for pid in listed.stdout.split()]


def client_of(node: Launched) -> Client:
    return Client([("127.0.0.1", node.port)]).register()


def parked(node: Launched) -> int:
    metrics = request(("127.0.0.1", node.port), "GET", "/metrics").raw.decode()
    return sum(int(float(line.split()[-1])) for line in metrics.splitlines() if line.startswith("webchat_parked_polls"))


@pytest.mark.parametrize("ending", ["TERM to the worker", "HUP to the launcher"])
def test_every_parked_poll_is_answered_when_its_worker_ends(node: Launched, ending: str) -> None:
    user = client_of(node)
    cursor = user.cursor()
    answers: list[Answer] = []
    polls = [
        threading.Thread(target=lambda: answers.append(user.call("GET", f"/api/events?after={cursor}")))
        for _ in range(20)
    ]
    for poll in polls:
        poll.start()
    until("all are parked", lambda: parked(node) == 20)
    (worker,) = workers(node)
    started = time.monotonic()
    if ending.startswith("TERM"):
        os.kill(worker, signal.SIGTERM)
    else:
        node.process.send_signal(signal.SIGHUP)
    for poll in polls:
        poll.join(QUICK)
    took = time.monotonic() - started
    assert [answer.status for answer in answers] == [200] * 20
    assert took < QUICK
    for answer in answers:
        assert answer.headers["connection"] == "close"
        assert 0 < answer.body["retry_in"] <= 1
        assert answer.body["cursor"] == cursor
    assert len({answer.body["retry_in"] for answer in answers}) > 10, "they do not come back together"
    until("the old worker is gone", lambda: worker not in workers(node), 3.0)
    until("a new one serves", lambda: user.poll(cursor, 0)["events"] == [])


def test_a_rolling_reload_under_load_fails_no_request(node: Launched) -> None:
    user = client_of(node)
    statuses: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            statuses.append(user.call("GET", "/api/state").status)

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    until("they are under way", lambda: len(statuses) > 20)
    for _ in range(2):
        before = set(workers(node))
        node.process.send_signal(signal.SIGHUP)
        until("all workers are new", partial(_replaced, node, before))
    seen = len(statuses)
    until("the new workers answer", lambda: len(statuses) > seen + 20)
    stop.set()
    for asker in askers:
        asker.join(10)
    assert set(statuses) == {200}


def _replaced(node: Launched, before: set[int]) -> bool:
    return bool(workers(node)) and before.isdisjoint(workers(node))


def test_idle_connections_do_not_hold_a_worker_up(node: Launched) -> None:
    idle = [socket.create_connection(("127.0.0.1", node.port)) for _ in range(10)]
    for line in idle[:5]:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while not answer.endswith(b"}"):  # head and body may come one by one
            answer += line.recv(4096)
    (worker,) = workers(node)
    os.kill(worker, signal.SIGTERM)
    until("the worker is gone", lambda: worker not in workers(node), 3.0)
    for line in idle:
        line.settimeout(QUICK)
        assert line.recv(4096) == b"", "closed in order"
        line.close()


def test_a_client_that_vanishes_is_unparked(node: Launched) -> None:
    user = client_of(node)
    path = f"/api/events?after={user.cursor()}"
    lines = []
    for _ in range(10):
        line = socket.create_connection(("127.0.0.1", node.port))
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {user.token}\r\n\r\n".encode())
        lines.append(line)
    until("all are parked", lambda: parked(node) == 10)
    for line in lines:
        line.close()
    until("none is", lambda: parked(node) == 0, 3.0)


def test_a_request_that_is_pipelined_behind_a_poll_is_answered_after_it(node: Launched) -> None:
    user = client_of(node)
    head = f"Host: localhost\r\nAuthorization: Bearer {user.token}\r\n\r\n"
    path = f"/api/events?after={user.cursor()}&timeout=3"  # the gauge is a second behind
    with socket.create_connection(("127.0.0.1", node.port)) as line:
        line.settimeout(10)
        line.sendall(f"GET {path} HTTP/1.1\r\n{head}".encode())
        until("it is parked", lambda: parked(node) == 1)
        line.sendall(f"GET /healthz HTTP/1.1\r\nConnection: close\r\n{head}".encode())
        answers = b""
        while chunk := line.recv(4096):
            answers += chunk
    assert answers.count(b"HTTP/1.1 200") == 2
    assert answers.index(b'"events":[]') < answers.index(b'"alive"')
