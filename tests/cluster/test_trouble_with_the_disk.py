"""The database cannot be written: senders are told so honestly, everybody else notices nothing, and it heals."""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.client import Answer, Client, Reader, until
from tests.conftest import FAST
from tests.workers.launched import Launched
from tests.workers.test_comet import workers

LOCKED = 3.2  # seconds: less than the 5 s that a writer waits for somebody else's lock
SETTLED = 30.0  # seconds; what is waited for takes one or two
LARGE = "x" * 4000  # a message of several pages
ROOM = 40_000  # bytes that still fit: a transaction or two, and a part of the next one

HOLDER = """
import sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.set_busy_timeout(10000)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
connection.close()
"""


class Scene:
    """Two friends on one node: ann writes, bob's poll is parked."""

    def __init__(self, node: Launched) -> None:
        self.node = node
        self.nodes = [("127.0.0.1", node.port)]
        self.ann, self.bob = Client(self.nodes).register(), Client(self.nodes).register()
        self.talk = self.ann.befriend(self.bob)
        self.reader = Reader(self.bob)
        self.acknowledged: dict[str, str] = {}

    @property
    def database(self) -> Path:
        return self.node.data / "webchat.db"

    def send(self, client_id: str, text: str = "hello") -> Answer:
        body = {"conversation": self.talk, "text": text, "client_id": client_id}
        answer = self.ann.call("POST", "/api/messages", body)
        if answer.status == 503:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.body["code"] == "database_unavailable"
        else:
            assert answer.status in (200, 201), answer
            self.acknowledged[client_id] = text
        return answer

    def sent(self, client_id: str, text: str = "hello") -> bool:
        return self.send(client_id, text).status < 300

    def reads_go_on(self) -> None:
        """Snapshot, history and polls answer, with what is committed and nothing else."""
        history = self.ann.history(self.talk)
        assert {message["client_id"]: message["text"] for message in history} == self.acknowledged
        state = self.bob.state()
        assert state["conversations"][0]["last_number"] == len(history)
        assert self.bob.poll(state["cursor"], 0)["events"] == []
        assert self.bob.poll(state["cursor"], 0.1)["events"] == [], "parked for a moment, and answered"

    def all_is_well(self, workers_before: list[int]) -> None:
        """Every acknowledged message once, in order, delivered; nobody's poll failed; nobody was restarted."""
        history = self.bob.history(self.talk)
        assert [message["number"] for message in history] == list(range(1, len(history) + 1))
        assert [(m["client_id"], m["text"]) for m in history] == list(self.acknowledged.items())
        until("all is delivered", partial(_delivered, self.reader, len(history)), SETTLED)
        assert [event["message"] for event in self.reader.of("message")] == history
        assert self.reader.failures == 0
        assert self.reader.answers == [], "no poll was refused"
        assert workers(self.node) == workers_before, "healed without a restart"
        connection = apsw.Connection(str(self.database))
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()


def _delivered(reader: Reader, count: int) -> bool:
    return len(reader.of("message")) >= count


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Launched(tmp_path / "data", **FAST) as node:
        made = Scene(node.ready())
        with made.reader:
            assert made.sent("before")
            until("bob is there", lambda: _delivered(made.reader, 1), SETTLED)
            yield made
        node.stop()


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    """While another process holds the database's write lock, as a backup tool or a forgotten shell may."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            holder.stdin.close()
            holder.wait(SETTLED)


@contextlib.contextmanager
def in_the_background(work: Any) -> Iterator[list[Answer]]:
    """Run `work` in a thread of its own; the list gets its answer, at the latest when the block is left."""
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(work()))
    thread.start()
    try:
        yield answers
    finally:
        thread.join(SETTLED)


def test_senders_wait_for_a_lock_that_is_let_go_of_in_time(scene: Scene) -> None:
    before = workers(scene.node)
    with in_the_background(lambda: scene.send("waited")) as answers:
        with locked(scene.database):
            until_then = time.monotonic() + LOCKED
            while time.monotonic() < until_then and not answers:
                assert scene.bob.poll(scene.bob.cursor(), 0.1)["events"] is not None
                assert scene.ann.history(scene.talk)
        until("it is sent", lambda: answers, SETTLED)
    assert answers[0].status == 201
    assert scene.sent("after")
    scene.all_is_well(before)


def test_senders_are_told_of_a_lock_that_stays_and_the_rest_goes_on(scene: Scene) -> None:
    before = workers(scene.node)
    with locked(scene.database):
        with in_the_background(lambda: scene.send("refused")) as answers:
            while not answers:
                scene.reads_go_on()
        assert answers[0].status == 503
        scene.reads_go_on()
    assert not any(m["client_id"] == "refused" for m in scene.ann.history(scene.talk)), "503: nothing was written"
    until("the same message is taken", partial(scene.sent, "refused"), SETTLED)
    scene.all_is_well(before)


def test_senders_are_told_of_a_full_disk_and_the_rest_goes_on(scene: Scene) -> None:
    """The file-size limit of the worker stands for the disk: SQLite's write ends short, in mid-transaction."""
    before = workers(scene.node)
    (worker,) = before
    wal = scene.database.with_name("webchat.db-wal")
    limits = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (wal.stat().st_size + ROOM, limits[1]))
    refused = []
    for number in range(30):
        if not scene.sent(f"large-{number}", LARGE):
            refused.append(f"large-{number}")
        scene.reads_go_on()
        if len(refused) > 3:
            break
    assert len(refused) > 3, "the disk was full"
    ready = scene.ann.call("GET", "/readyz")
    assert (ready.status, ready.body["status"], ready.body["writes"]) == (200, "degraded", "failing")
    assert workers(scene.node) == before
    resource.prlimit(worker, resource.RLIMIT_FSIZE, limits)
    for client_id in refused:
        until("the same message is taken", partial(scene.sent, client_id, LARGE), SETTLED)
    assert scene.ann.call("GET", "/readyz").body["writes"] == "ok"
    scene.all_is_well(before)
