"""What was acknowledged is on disk: the sync comes before the answer, and a killed stack has lost nothing.

A SIGKILL leaves the kernel's page cache, so that test alone would pass without a single sync; the order of
the system calls is what holds for a power cut.
"""

from __future__ import annotations

import http.client
import logging
import os
import random
import re
import secrets
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest

from tests.client import Client, Reader, until
from tests.conftest import FAST
from tests.workers.launched import Launched, processes_of
from tests.workers.test_comet import workers

SENDERS = 4
KILLS = int(os.environ.get("WEBCHAT_TEST_KILLS", "4"))
SETTLED = 60.0  # seconds; what is waited for takes one or two

log = logging.getLogger(__name__)


# --- the order of the system calls

STRACE = shutil.which("strace")
DATA = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
SYNCS = ("fdatasync", "fsync")
WRITES = ("pwrite64", "pwritev", "write", "writev")
SENDS = ("sendto", "sendmsg", "write", "writev")
WAL_FRAME = 24  # bytes of the header before each page in a WAL
WHOLE = "1000000"  # bytes of a write that are traced: rings are written together, as many as wait


class Call(NamedTuple):
    """A system call that succeeded: the lines on which it began and ended, its file, and what it wrote."""

    began: int
    ended: int
    name: str
    file: str
    data: bytes


def calls_in(trace: str) -> list[Call]:
    """strace's lines (`-f -yy -xx`); a call that another thread interrupts has two."""
    found = []
    halves: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(trace.splitlines()):
        thread, _, rest = line.partition(" ")
        began, text = number, rest.strip().partition(" ")[2]
        if text.endswith("<unfinished ...>"):
            halves[thread] = number, text.removesuffix("<unfinished ...>")
            continue
        if text.startswith("<...") and thread in halves:
            began, first = halves.pop(thread)
            text = first + text.partition("resumed>")[2]
        made = re.match(r"(\w+)\(\d+<(.*?)>(?:,|\)|\s)(.*)= \d", text)
        if made:
            data = b"".join(bytes.fromhex(part.replace("\\x", "")) for part in DATA.findall(made[3]))
            file = re.sub(r"\\x([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), made[2])
            found.append(Call(began, number, made[1], file, data))
    return found


@contextmanager
def traced(pid: int, into: Path) -> Iterator[None]:
    """While strace is attached to the process and all its threads, those to come included."""
    if STRACE is None:
        pytest.skip("no strace: `apt install strace`")
    wanted = ",".join(sorted({*SYNCS, *WRITES, *SENDS}))
    command = [STRACE, "-f", "-tt", "-yy", "-xx", "-s", WHOLE, "-e", f"trace={wanted}", "-o", str(into)]
    with subprocess.Popen([*command, "-p", str(pid)], stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr
        said = strace.stderr.readline()
        if "not permitted" in said:
            pytest.skip("ptrace is not allowed here: `sysctl kernel.yama.ptrace_scope=0`, or `--cap-add SYS_PTRACE`")
        assert "attached" in said, said
        try:
            yield
        finally:
            strace.send_signal(signal.SIGINT)  # it lets go of the process and ends


def first(calls: list[Call], what: str, names: Sequence[str], holds: Callable[[bytes], bool]) -> int:
    """Where the first of these calls is whose data are so."""
    for place, call in enumerate(calls):
        if call.name in names and holds(call.data):
            return place
    raise AssertionError(f"no {what} among {len(calls)} calls")


def is_commit(data: bytes) -> bool:
    """Whether this is the header of a WAL frame that ends a transaction: it tells the size of the database."""
    return len(data) == WAL_FRAME and data[4:8] != bytes(4)


def test_the_commit_is_synced_before_anybody_hears_of_the_message(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with Launched(tmp_path / "data", **FAST) as node:
        node.ready()
        nodes = [("127.0.0.1", node.port)]
        ann, bob = Client(nodes).register(), Client(nodes).register()
        talk = ann.befriend(bob)
        ids = [f"traced-{secrets.token_hex(8)}" for _ in range(5 * SENDERS)]
        names = [client_id.encode() for client_id in ids]
        (worker,) = workers(node)
        with traced(worker, trace):
            senders = [
                threading.Thread(
                    target=lambda part: [ann.send(talk, "hello", i) for i in part], args=(ids[n::SENDERS],)
                )
                for n in range(SENDERS)
            ]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join(SETTLED)
            # An answer reaches the client before strace has seen the end of its call, and a ring waits for no answer.
            until("all of it is in the trace", lambda: is_complete(calls_in(trace.read_text()), names), SETTLED)
        node.stop()
    calls = calls_in(trace.read_text())
    # One thread writes the log: of each page first the header of its frame, then the page. What other threads did
    # meanwhile stands in between in the trace, and does not matter here.
    wal = [call for call in calls if call.file.endswith("webchat.db-wal")]
    for name in names:
        page = first(wal, f"page with {name!r}", WRITES, partial(contains, name))
        commit = page - 1 + first(wal[page - 1 :], f"commit frame from {name!r} on", WRITES, is_commit)
        sync = wal[commit + 2 + first(wal[commit + 2 :], "sync after the commit frame's page", SYNCS, lambda _: True)]
        assert sync.ended < calls[ring_of(calls, name)].began, "synced before it is rung"
        assert sync.ended < calls[answer_of(calls, name)].began, "synced before it is acknowledged"


def contains(name: bytes, data: bytes) -> bool:
    return name in data


def ring_of(calls: list[Call], name: bytes) -> int:
    return first(calls, f"ring of {name!r}", SENDS, lambda data: b"PUBLISH" in data and name in data)


def answer_of(calls: list[Call], name: bytes) -> int:
    """The body of the answer; its head, which says 201, may be a call of its own or in the same one."""
    return first(
        calls,
        f"answer to {name!r}",
        SENDS,
        lambda data: b'{"message":' in data and name in data and b"PUBLISH" not in data,
    )


def is_complete(calls: list[Call], names: list[bytes]) -> bool:
    """Whether each message's ring and answer are there."""
    with suppress(AssertionError):
        return all(ring_of(calls, name) >= 0 and answer_of(calls, name) >= 0 for name in names)
    return False


# --- the whole stack, killed


class Sends:
    """What was sent in one conversation, and what became of it, by client id."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.senders: dict[str, Client] = {}  # a client id is its sender's own
        self.acknowledged: set[str] = set()
        self._lock = threading.Lock()

    def send(self, client: Client, talk: int, client_id: str) -> bool:
        """Whether it was acknowledged; sent again, it goes out as from whoever sent it first."""
        with self._lock:
            client = self.senders.setdefault(client_id, client)
            text = self.texts.setdefault(client_id, f"{client_id} {secrets.token_hex(random.randrange(200))}")
        body = {"conversation": talk, "text": text, "client_id": client_id}
        try:
            answer = client.call("POST", "/api/messages", body)
        except (OSError, http.client.HTTPException):
            return False
        assert answer.status in (200, 201, 503), answer
        if answer.status == 503:
            return False
        assert answer.body["message"]["text"] == text
        with self._lock:
            self.acknowledged.add(client_id)
        return True

    def open(self) -> list[str]:
        """Those of which nobody knows whether they were committed."""
        return sorted(self.texts.keys() - self.acknowledged)

    def check(self, history: list[Any]) -> None:
        """The promise."""
        assert [message["number"] for message in history] == list(range(1, len(history) + 1)), "no hole, in order"
        there = {message["client_id"]: message["text"] for message in history}
        assert [c for c, times in Counter(m["client_id"] for m in history).items() if times > 1] == [], "nothing twice"
        assert self.acknowledged - there.keys() == set(), "no acknowledged message is lost"
        assert there.items() <= self.texts.items(), "nothing that nobody sent, and each with its text"


def load(clients: list[Client], talk: int, sends: Sends, prefix: str, stop: threading.Event) -> None:
    """Send until told to stop, one message after the other."""
    number = 0
    while not stop.is_set():
        number += 1
        if not sends.send(random.choice(clients), talk, f"{prefix}-{number}"):
            time.sleep(0.01)  # the stack is down: the next one is for the next start


def kill_all(node: Launched) -> int:
    """SIGKILL for all processes of the node, children first: none of them lives to see its parent's end."""
    killed = 0
    while alive := processes_of(node.data) | node.processes():
        for pid in sorted(alive, reverse=True):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        with suppress(subprocess.TimeoutExpired):
            node.process.wait(0.05)
    return killed


@contextmanager
def sending(clients: list[Client], talk: int, sends: Sends, prefix: str) -> Iterator[None]:
    stop = threading.Event()
    senders = [
        threading.Thread(target=load, args=(clients, talk, sends, f"{prefix}-{n}", stop)) for n in range(SENDERS)
    ]
    for sender in senders:
        sender.start()
    try:
        yield
    finally:
        stop.set()
        for sender in senders:
            sender.join(SETTLED)


@pytest.mark.timeout(120 + 30 * KILLS)
def test_a_whole_stack_that_is_killed_again_and_again_loses_nothing(tmp_path: Path) -> None:
    """`WEBCHAT_TEST_KILLS=200` for the long run; `docs/durability-run.md` has its numbers."""
    data = tmp_path / "data"
    nodes: list[tuple[str, int]] = []
    ann, bob = Client(nodes), Client(nodes)
    sends, talk, killed, unknown = Sends(), 0, 0, 0
    reader: Reader | None = None
    try:
        for kill in range(KILLS + 1):
            with Launched(data, "--workers", "2", **FAST) as node:
                node.ready()
                nodes[:] = [("127.0.0.1", node.port)]
                if reader is None:
                    talk = ann.register().befriend(bob.register())
                    reader = Reader(bob).__enter__()
                there = stored(data, talk)
                sends.check(there)
                newest = ann.ok("GET", f"/api/conversations/{talk}/messages?limit=50")["messages"]
                assert [message["client_id"] for message in newest] == [m["client_id"] for m in there[-50:]]
                in_doubt = sends.open()
                for client_id in in_doubt[::2]:
                    assert sends.send(ann, talk, client_id), "the same client id again: the same message, or it is new"
                sends.check(stored(data, talk))
                if kill == KILLS:
                    history = bob.history(talk)
                    sends.check(history)
                    until("all has been delivered", partial(_delivered, reader, len(history)), SETTLED)
                    assert [event["message"] for event in reader.of("message")] == history
                    node.stop()
                    break
                before = len(sends.acknowledged)
                with sending([ann, bob], talk, sends, f"k{kill}"):
                    until("it is under load", partial(_acknowledged, sends, before + SENDERS), SETTLED)
                    time.sleep(random.random())  # the moment is what the test draws; nothing is waited for
                    killed += kill_all(node)
                unknown += len(set(sends.open()) - set(in_doubt))
                log.info("kill %d: %d acknowledged, %d unknown", kill + 1, len(sends.acknowledged), unknown)
    finally:
        if reader is not None:
            reader.__exit__()
    log.info(
        "%d kills, %d processes; %d messages sent, %d acknowledged, %d in history, %d unanswered at a kill",
        *(KILLS, killed, len(sends.texts), len(sends.acknowledged), len(history), unknown),
    )


def _acknowledged(sends: Sends, count: int) -> bool:
    return len(sends.acknowledged) >= count


def _delivered(reader: Reader, count: int) -> bool:
    return len(reader.of("message")) >= count


def stored(data: Path, talk: int) -> list[dict[str, Any]]:
    """The conversation as the database has it, after a check of its pages: quicker than page by page of history."""
    connection = apsw.Connection(str(data / "webchat.db"), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(5000)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute(
            "SELECT number, client_id, text FROM message WHERE conversation = ? ORDER BY number", (talk,)
        )
        return [dict(zip(("number", "client_id", "text"), row, strict=True)) for row in rows]
    finally:
        connection.close()
