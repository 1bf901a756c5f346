"""Two nodes on one PostgreSQL: any node delivers to anybody, and what breaks, heals without a restart."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.client import Answer, Client, Reader, until
from tests.cluster.test_two_nodes import MESSAGES, chat, check
from tests.conftest import Cluster, two_nodes
from tests.postgres import Databases, Server, server
from tests.workers.test_comet import workers


@pytest.fixture(scope="module")
def machine() -> Iterator[Server]:
    with server() as made:
        yield made


@pytest.fixture(scope="module")
def cluster(machine: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Its database is created empty: the nodes migrate it."""
    folder = tmp_path_factory.mktemp("postgres")
    with two_nodes(folder, database_url=Databases(machine.url).empty(), database_pool="6") as made:
        yield made


def test_two_chat_through_nodes_drawn_at_random(cluster: Cluster) -> None:
    ann, bob, talk = cluster.pair()
    sent: dict[str, list[str]] = {}
    with Reader(ann) as anns, Reader(bob) as bobs:
        threads = [
            threading.Thread(target=lambda: sent.update(ann=chat(ann, talk, "ann"))),
            threading.Thread(target=lambda: sent.update(bob=chat(bob, talk, "bob"))),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        check([anns, bobs], [sent["ann"], sent["bob"]], talk)
    assert bob.state()["conversations"][0]["last_number"] == 2 * MESSAGES


def test_a_file_uploaded_on_one_node_is_sent_once_and_shown_on_the_other(cluster: Cluster) -> None:
    """The nodes share the folder, as hosts must."""
    ann, bob, talk = cluster.pair()
    content = os.urandom(300_000)
    for turn in range(5):
        file = Client(cluster.nodes[:1], token=ann.token).call("POST", "/api/files?name=a", content).body["file"]["id"]
        body = {"conversation": talk, "text": "", "client_id": f"file-{turn}", "files": [file]}
        answers: list[Answer] = []
        start = threading.Barrier(4)

        def send(node: int, body: dict[str, object] = body, answers: list[Answer] = answers) -> None:
            start.wait(10)  # noqa: B023  all threads of this turn end in it
            answers.append(Client([cluster.nodes[node]], token=ann.token).call("POST", "/api/messages", body))

        threads = [threading.Thread(target=send, args=(number % 2,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(answer.status for answer in answers) == [200, 200, 200, 201], answers
        shown = Client(cluster.nodes[1:], token=bob.token).call("GET", f"/api/files/{file}")
        assert shown.raw == content
    assert len(bob.history(talk)) == 5


def test_retries_at_the_same_time_on_both_nodes_give_one_result(cluster: Cluster) -> None:
    ann, _, talk = cluster.pair()
    for turn in range(5):
        body = {"conversation": talk, "text": "once", "client_id": f"the-same-{turn}"}
        answers: list[Answer] = []
        start = threading.Barrier(4)

        def send(node: int, body: dict[str, object] = body, answers: list[Answer] = answers) -> None:
            start.wait(10)  # noqa: B023  all threads of this turn end in it
            answers.append(Client([cluster.nodes[node]], token=ann.token).call("POST", "/api/messages", body))

        threads = [threading.Thread(target=send, args=(number % 2,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(answer.status for answer in answers) == [200, 200, 200, 201]
        assert len({answer.raw for answer in answers}) == 1
    assert len(ann.history(talk)) == 5


def test_presence_is_told_across_nodes(cluster: Cluster) -> None:
    ann, bob, _ = cluster.pair()
    ann.nodes, bob.nodes = [cluster.nodes[0]], [cluster.nodes[1]]
    with Reader(ann) as anns:
        with Reader(bob):
            until("bob came", lambda: anns.of("presence") == [{"type": "presence", "name": bob.name, "online": True}])
        until("bob went", lambda: len(anns.of("presence")) == 2, 15)


def test_a_name_with_nul_is_nobody_s(cluster: Cluster) -> None:
    """PostgreSQL's text cannot hold it: no such name may reach it."""
    ann = cluster.user()
    nul, log_in = "a\0", {"name": "a\0", "password": "correct horse"}
    for status, method, path, body in (
        (200, "GET", "/api/users?query=%00", None),
        (401, "POST", "/api/tokens", log_in),
        (401, "POST", "/api/session", log_in),
        (400, "POST", "/api/users", log_in),
        (404, "POST", "/api/friends", {"name": nul}),
        (404, "PUT", "/api/friends/%00", None),
        (404, "DELETE", "/api/friends/a%00", None),
        (404, "POST", "/api/messages", {"to": nul, "text": "hello", "client_id": "nul"}),
    ):
        answer = ann.call(method, path, body, {"X-Webchat-Session": "main"})
        assert answer.status == status, f"{method} {path}: {answer}"


@pytest.mark.parametrize("casualty", ["a worker", "all sessions", "a restart", "a crash"])
def test_nothing_is_lost_when_something_dies(cluster: Cluster, machine: Server, casualty: str) -> None:
    ann, bob, talk = cluster.pair()
    with Reader(ann) as anns, Reader(bob) as bobs:
        sent = [chat(ann, talk, "before", 5)]
        during: list[list[str]] = []
        sender = threading.Thread(target=lambda: during.append(chat(ann, talk, "during", 60)))
        sender.start()
        time.sleep(0.1)
        _strike(casualty, cluster, machine)
        sender.join(60)
        sent += [*during, chat(bob, talk, "after", 5)]
        check([anns, bobs], sent, talk)
    assert {answer.status for answer in anns.answers + bobs.answers} <= {503}
    assert all("retry-after" in answer.headers for answer in anns.answers + bobs.answers)


def _strike(casualty: str, cluster: Cluster, machine: Server) -> None:
    match casualty:
        case "a worker":
            os.kill(workers(cluster.launched[0])[0], signal.SIGKILL)
        case "all sessions":
            with psycopg.connect(machine.url, autocommit=True) as admin:
                for _ in range(5):
                    admin.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'webchat'"
                    )
                    time.sleep(0.05)
        case "a restart":
            machine.restart()
        case "a crash":
            machine.stop(signal.SIGQUIT)
            machine.start()


def test_an_outage_is_told_at_once_and_a_worker_that_boots_in_it_waits(cluster: Cluster, machine: Server) -> None:
    ann, bob, talk = cluster.pair()
    first = Client([cluster.nodes[0]], token=ann.token)
    with Reader(bob) as bobs:
        machine.stop()
        started = time.monotonic()
        for method, path, body in (
            ("POST", "/api/messages", {"conversation": talk, "text": "x", "client_id": "x"}),
            ("GET", "/api/state", None),
        ):
            answer = first.call(method, path, body)
            assert (answer.status, answer.body["code"]) == (503, "database_unavailable")
            assert answer.headers["retry-after"] == "1"
        ready = first.call("GET", "/readyz")
        assert (ready.status, ready.body["database"]) == (503, "unavailable")
        assert time.monotonic() - started < 3
        old = workers(cluster.launched[0])
        os.kill(cluster.launched[0].process.pid, signal.SIGHUP)
        until("a new worker boots", lambda: set(workers(cluster.launched[0])) - set(old))
        time.sleep(1)  # it tries, and does not take the node with it
        machine.start()
        until("both nodes are well again", lambda: _healthy(cluster), 15)
        check([bobs], [chat(ann, talk, "after", 5)], talk)


def _healthy(cluster: Cluster) -> bool:
    try:
        return all(Client([node]).call("GET", "/readyz").status == 200 for node in cluster.nodes)
    except OSError:
        return False
