"""Uploads when something breaks: nothing half-finished is ever seen or stays, and the same upload works afterwards."""

from __future__ import annotations

import os
import random
import resource
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from tests.client import Answer, Client, until
from tests.conftest import FAST
from tests.workers.launched import Launched
from tests.workers.test_comet import workers
from webchat.data.blobs import Blobs
from webchat.logic.files import LEFT_AFTER

MIB = 1 << 20
ROOM = 300_000  # bytes that still fit on the disk


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Launched]:
    with Launched(tmp_path / "data", **FAST) as made:
        yield made.ready()
        made.stop()


def client_of(node: Launched) -> Client:
    return Client([("127.0.0.1", node.port)]).register()


def upload(who: Client, content: bytes) -> Answer:
    return who.call("POST", "/api/files?name=a", content, {"Content-Type": "application/octet-stream"})


def temporaries(node: Launched) -> list[Path]:
    return [path for path in (node.data / "files" / "tmp").glob("*") if path.stat().st_size]


def kept(node: Launched) -> list[Path]:
    return list((node.data / "files").glob("??/*"))


def rows(node: Launched) -> int:
    connection = apsw.Connection(str(node.data / "webchat.db"))
    try:
        return len(connection.execute("SELECT id FROM attachment").fetchall())
    finally:
        connection.close()


def half_an_upload(who: Client, content: bytes) -> socket.socket:
    head = f"POST /api/files?name=a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {who.token}\r\n"
    line = socket.create_connection(who.nodes[0], timeout=10)
    line.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content[: len(content) // 2])
    return line


def test_a_worker_that_is_killed_in_the_middle_leaves_nothing_that_is_seen(node: Launched) -> None:
    who, content = client_of(node), random.randbytes(2 * MIB)
    (worker,) = workers(node)
    with half_an_upload(who, content):
        until("half of it is there", lambda: temporaries(node))
        os.kill(worker, signal.SIGKILL)
        until("another worker", lambda: workers(node) not in ([], [worker]))
    assert (kept(node), rows(node)) == ([], 0)
    (left,) = temporaries(node)
    assert upload(who, content).status == 201
    assert [path.read_bytes() for path in kept(node)] == [content]
    blobs = Blobs(node.data / "files")
    assert blobs.drop_temporaries(LEFT_AFTER) == 0, "for all that the janitor knows, it is in use"
    os.utime(left, (time.time() - LEFT_AFTER,) * 2)
    assert blobs.drop_temporaries(LEFT_AFTER) == 1


def test_a_full_disk_is_told_leaves_nothing_and_heals(node: Launched) -> None:
    """The file-size limit of the worker stands for the disk: its write ends short."""
    who, content = client_of(node), random.randbytes(2 * MIB)
    (worker,) = workers(node)
    limits = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    wal = (node.data / "webchat.db-wal").stat().st_size
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (wal + ROOM, limits[1]))
    answer = upload(who, content)
    assert (answer.status, answer.body["code"]) == (503, "storage_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert (kept(node), rows(node), temporaries(node)) == ([], 0, [])
    resource.prlimit(worker, resource.RLIMIT_FSIZE, limits)
    assert upload(who, content).status == 201
    assert workers(node) == [worker]


def test_a_worker_that_is_told_to_stop_finishes_what_comes_in_time(node: Launched) -> None:
    who, content = client_of(node), random.randbytes(2 * MIB)
    before = workers(node)
    with half_an_upload(who, content) as line:
        until("half of it is there", lambda: temporaries(node))
        node.process.send_signal(signal.SIGHUP)
        until("a new worker", lambda: set(workers(node)) - set(before))
        line.sendall(content[len(content) // 2 :])
        assert line.recv(1000).startswith(b"HTTP/1.1 201 ")
    assert [path.read_bytes() for path in kept(node)] == [content]
