"""Clients come, and many of them vanish without a word. What they leave behind in the end: nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from redis import Redis

from tests.client import Client, request, until
from tests.conftest import FAST
from tests.workers.launched import Launched
from tests.workers.test_comet import workers
from webchat.entities.feed import Alarm
from workers.embedded import socket_path

POLLS = int(os.environ.get("WEBCHAT_TEST_POLLS", "1000"))
VANISHING = 0.3  # of all polls
AT_ONCE = 120  # polls under way
USERS = 20
HOLD = 0.3  # seconds that a poll which stays asks for, at most; the vanishing ask for `STAY`
STAY = 30.0  # long enough that nobody else ends a poll whose client has vanished
EVERY = 200  # polls for each message that somebody sends
FILES_LATE = 4  # connections that a slow machine had no need of during the warm-up
RSS_COUNTS = 50_000  # polls from which on memory is compared: fewer are within what an allocator does by itself
RSS_GROWTH = 0.05
RESET = struct.pack("ii", 1, 0)  # SO_LINGER that makes a close a reset

log = logging.getLogger(__name__)


class Held(NamedTuple):
    """What a node holds on to."""

    parked: int
    mailboxes: int
    files: dict[int, int]  # open file descriptors by worker
    channels: dict[bytes, int]  # subscribers by channel


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Launched]:
    with Launched(tmp_path / "data", "--workers", "2", **FAST) as launched:
        yield launched.ready()
        launched.stop()


def held(node: Launched) -> Held:
    metrics = request(("127.0.0.1", node.port), "GET", "/metrics").raw.decode()

    def gauge(name: str) -> int:
        return sum(int(float(line.split()[-1])) for line in metrics.splitlines() if line.startswith(name))

    files = {pid: len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in workers(node)}
    with contextlib.closing(Redis(unix_socket_path=str(socket_path(node.data / "run")))) as valkey:
        names: Any = valkey.pubsub_channels()
        subscribers: Any = valkey.pubsub_numsub(*names)
    return Held(gauge("webchat_parked_polls"), gauge("webchat_mailboxes"), files, dict(subscribers))


def at_rest(now: Held) -> bool:
    """Nobody is parked or lingers, and only the workers' own channels are listened to.

    A channel is given back a moment after its mailbox.
    """
    alarm = b":%d" % Alarm().user
    return now.parked == now.mailboxes == 0 and all(
        b":worker:" in channel or channel.endswith(alarm) for channel in now.channels
    )


def memory(node: Launched) -> int:
    """KiB that the workers have in memory."""
    status = [Path(f"/proc/{pid}/status").read_text() for pid in workers(node)]
    return sum(int(text.partition("VmRSS:")[2].split()[0]) for text in status)


class Crowd:
    """Polls on raw connections, `AT_ONCE` at a time."""

    def __init__(self, address: tuple[str, int], users: list[Client], cursors: list[str]) -> None:
        self.address = address
        self.heads = [
            f"/api/events?after={cursor}&timeout=%.3f HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Authorization: Bearer {user.token}\r\n\r\n"
            for user, cursor in zip(users, cursors, strict=True)
        ]
        self.vanished = self.answered = 0
        self.wrong: list[bytes] = []

    def come(self, polls: int, talk: tuple[Client, int]) -> None:
        # On a thread of its own: the browser tests' loop may still run on this one.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(self._come(iter(range(polls)), talk))).result()

    async def _come(self, polls: Iterator[int], talk: tuple[Client, int]) -> None:
        await asyncio.gather(*(self._one_after_the_other(polls, talk) for _ in range(AT_ONCE)))

    async def _one_after_the_other(self, polls: Iterator[int], talk: tuple[Client, int]) -> None:
        sender, conversation = talk
        for number in polls:
            if number % EVERY == 0:
                await asyncio.to_thread(sender.send, conversation, f"message {number}")
            await self._poll(random.random() < VANISHING)

    async def _poll(self, vanishes: bool) -> None:
        reader, writer = await asyncio.open_connection(*self.address)
        seconds = STAY if vanishes else random.random() * HOLD
        writer.write(b"GET " + (random.choice(self.heads) % seconds).encode())
        if vanishes:
            # At any moment: before it is read, while the mailbox is opened, when it is parked, in mid-answer.
            await asyncio.sleep(random.choice((0.0, random.random() * HOLD)))
            if random.random() < 0.5:
                line: socket.socket = writer.get_extra_info("socket")
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
            self.vanished += 1
            return
        answer = await reader.read()
        self.answered += 1
        if not answer.startswith(b"HTTP/1.1 200 "):
            self.wrong.append(answer[:200])
        writer.close()


@pytest.mark.timeout(120 + POLLS // 50)
def test_polls_that_vanish_leave_nothing_behind(node: Launched) -> None:
    """`WEBCHAT_TEST_POLLS=100000` for the long run; `docs/durability-run.md` has its numbers."""
    address = ("127.0.0.1", node.port)
    users = [Client([address]).register() for _ in range(USERS)]
    talk = users[0].befriend(users[1])
    # The cursors stay behind: later polls of these two are answered at once, from the tail or the database.
    crowd = Crowd(address, users, [user.cursor() for user in users])
    crowd.come(max(POLLS // 10, 2 * AT_ONCE), (users[0], talk))  # connections, threads and caches that are to stay
    until("the warm-up is over", lambda: at_rest(held(node)), 60)
    before, kib = held(node), memory(node)
    started, gone, stayed = time.monotonic(), crowd.vanished, crowd.answered
    crowd.come(POLLS, (users[0], talk))
    took = time.monotonic() - started
    assert crowd.wrong == []
    assert crowd.vanished - gone > POLLS * VANISHING / 2
    # Compared by pytest, which shows what differs: a connection that was opened late is no leak, more than that is.
    until("everybody is let go of", lambda: at_rest(held(node)), 60)
    left = held(node)
    assert left._replace(files=before.files) == before
    assert sum(left.files.values()) <= sum(before.files.values()) + FILES_LATE
    grown = memory(node) / kib - 1
    log.info(
        "%d polls in %.0f s: %d answered, %d vanished; %d KiB before, grown by %.2f %%; left: %s",
        *(POLLS, took, crowd.answered - stayed, crowd.vanished - gone, kib, 100 * grown, left),
    )
    if POLLS >= RSS_COUNTS:
        assert grown <= RSS_GROWTH
