"""An upgrade under load: nodes of the release before this one, then of both, then of this one.

The database is migrated by the first new node while the old one goes on serving. Nothing that was acknowledged may be
lost, doubled or out of order, no request may fail, and a retry finds its message whatever release it comes to.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.client import Address, Client, Reader, until
from tests.cluster.release import BEFORE_PARTITIONS, launched_at, unpacked
from tests.conftest import FAST
from tests.valkey import Server, loopback
from tests.workers.launched import Launched

PAIRS = 2
PAUSE = 0.04  # seconds between two messages of one sender: load, and a machine that has something left for a start


class Site:
    """Nodes behind a balancer that takes each out before it is stopped."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.nodes: list[Address] = []  # shared by all clients
        self._data = data
        self._settings = FAST | settings
        self._up: list[Launched] = []
        self._cleanup = contextlib.ExitStack()

    def add(self, kind: type[Launched]) -> None:
        node = self._cleanup.enter_context(kind(self._data, **self._settings)).ready()
        self._up.append(node)
        self.nodes.append(("127.0.0.1", node.port))

    def remove_oldest(self) -> None:
        node = self._up.pop(0)
        self.nodes.pop(0)
        time.sleep(0.2)  # what was just sent to it is still under way, as behind any balancer
        assert node.stop() == 0

    def close(self) -> None:
        for node in self._up:
            node.stop()
        self._cleanup.close()


class Sender:
    """Sends numbered messages in a thread, and each tenth of them twice."""

    def __init__(self, client: Client, talk: int) -> None:
        self.client = client
        self.talk = talk
        self.acknowledged: list[str] = []
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for number in itertools.count():
            if self._stop.wait(PAUSE):
                return
            text = f"{self.client.name} {number}"
            body = {"conversation": self.talk, "text": text, "client_id": f"up-{number}"}
            for turn in range(1 + (number % 10 == 0)):
                try:
                    answer = self.client.call("POST", "/api/messages", body)
                except OSError as error:
                    self.failures.append(f"{text}: {error!r}")
                    continue
                if answer.status != (200 if turn else 201):
                    self.failures.append(f"{text}: {answer}")
            self.acknowledged.append(text)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)


@pytest.fixture(params=["sqlite", "postgres"])
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Site, str]]:
    """One node of the release before, on a database of its own making."""
    url = request.getfixturevalue("postgres_databases").empty() if request.param == "postgres" else ""
    more = {"database_url": url, "database_pool": "5"} if url else {}
    # Of their own: the bundled one would end with the first node.
    with tempfile.TemporaryDirectory(prefix="webchat-up-") as short:
        doorbell = Server(Path(short), loopback(1)[0])
        doorbell.start()
        made = Site(tmp_path / "data", redis_url=f"unix://{doorbell.socket}", **more)
        try:
            made.add(launched_at(unpacked(BEFORE_PARTITIONS, tmp_path / "earlier")))
            yield made, url
        finally:
            made.close()
            doorbell.kill()


def test_nodes_of_two_releases_serve_side_by_side(site: tuple[Site, str]) -> None:
    all_nodes, url = site
    talks: list[tuple[Client, Client, int]] = []
    for _ in range(PAIRS):
        one, other = (Client(all_nodes.nodes).register() for _ in range(2))
        talks.append((one, other, one.befriend(other)))
    early = talks[0][0].send(talks[0][2], "said before", "early")

    with contextlib.ExitStack() as reading:
        readers = {client.name: reading.enter_context(Reader(client)) for *pair, _ in talks for client in pair}
        senders = [Sender(client, talk) for *pair, talk in talks for client in pair]
        spoken(senders)
        all_nodes.add(Launched)  # migrates
        spoken(senders)
        if url:
            assert in_partitions(url)
        retry = {"conversation": talks[0][2], "text": "said before", "client_id": "early"}
        for node in all_nodes.nodes:
            answer = Client([node], token=talks[0][0].token).call("POST", "/api/messages", retry)
            assert (answer.status, answer.body["message"]["id"]) == (200, early["id"])
        spoken(senders)
        all_nodes.remove_oldest()
        spoken(senders)
        for sender in senders:
            sender.stop()
        assert [sender.failures for sender in senders] == [[]] * len(senders)
        for one, other, talk in talks:
            said = sorted(text for sender in senders if sender.talk == talk for text in sender.acknowledged)
            for client in (one, other):
                heard = readers[client.name]
                until("all is heard", lambda heard=heard, said=said: len(heard.texts()) >= len(said))  # type: ignore[misc]
                history = [message for message in client.history(talk) if message["text"] != "said before"]
                assert sorted(message["text"] for message in history) == said, "nothing lost, nothing doubled"
                assert heard.texts() == [message["text"] for message in history], "and in one order for all"
                numbers = [message["number"] for message in client.history(talk)]
                assert numbers == list(range(1, len(numbers) + 1))
                assert (heard.failures, heard.answers) == (0, [])
        for sender in senders:
            mine = [text for text in readers[sender.client.name].texts() if text.startswith(f"{sender.client.name} ")]
            assert mine == sender.acknowledged, "each sender's in the order in which they were acknowledged"


def spoken(senders: list[Sender], more: int = 10) -> None:
    """Wait until every sender has had some more acknowledged."""
    before = [len(sender.acknowledged) for sender in senders]
    until(
        "everybody goes on sending",
        lambda: all(len(sender.acknowledged) >= was + more for sender, was in zip(senders, before, strict=True)),
        30,
    )


def in_partitions(url: str) -> bool:
    with psycopg.connect(url) as admin:
        kinds = admin.execute("SELECT relkind FROM pg_class WHERE relname IN ('message', 'entry')").fetchall()
    return kinds == [("p",), ("p",)]
