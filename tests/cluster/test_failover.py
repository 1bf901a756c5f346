"""Two nodes, a PostgreSQL primary that dies, and the standby that takes its place: nodes find it by themselves.

Replication is synchronous, and nothing that was acknowledged is lost.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.client import Client, Reader, metric, until
from tests.cluster.test_two_nodes import chat, check
from tests.conftest import Cluster, two_nodes
from tests.postgres import Databases, Server, server_and_standby


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, Server]]:
    with server_and_standby() as made:
        yield made


@pytest.fixture(scope="module")
def cluster(servers: tuple[Server, Server], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Its nodes know both servers; the standby is their replica as well."""
    primary, standby = servers
    name = Databases(primary.url).empty().split("?")[0].rpartition("/")[2]
    urls = {
        "database_url": f"postgresql://tests@/{name}?host={primary.folder},{standby.folder}",
        "replica_url": f"postgresql://tests@/{name}?host={standby.folder}",
    }
    with two_nodes(tmp_path_factory.mktemp("failover"), database_statement_timeout="1", **urls) as made:
        primary.do("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.do("SELECT pg_reload_conf()")
        until("replication is synchronous", lambda: _sync_state(primary) == "sync")
        yield made


def _sync_state(primary: Server) -> Any:
    rows = primary.do("SELECT sync_state FROM pg_stat_replication")
    return rows[0][0] if rows else None


def _replica_reads(cluster: Cluster) -> float:
    return metric(cluster.nodes, "webchat_replica_reads_total")


def test_what_the_standby_does_not_have_is_not_acknowledged(cluster: Cluster, servers: tuple[Server, Server]) -> None:
    primary, standby = servers
    ann, bob, talk = cluster.pair()
    chat(ann, talk, "before", 3)
    until("the replica is read", lambda: len(bob.history(talk)) == 3 and _replica_reads(cluster) > 0)
    standby.stop()
    started = time.monotonic()
    body = {"conversation": talk, "text": "alone", "client_id": "alone"}
    answer = Client(cluster.nodes[:1], token=ann.token).call("POST", "/api/messages", body)
    assert (answer.status, answer.body["code"]) == (503, "database_unavailable")
    assert time.monotonic() - started < 8
    assert [message["text"] for message in bob.history(talk)] == ["before 0", "before 1", "before 2"]
    standby.start()
    until("it is acknowledged", lambda: ann.call("POST", "/api/messages", body).status < 300, 20)
    assert [message["text"] for message in bob.history(talk)][3:] == ["alone"]
    until("replication is synchronous", lambda: _sync_state(primary) == "sync")


def test_the_nodes_go_on_with_the_standby_when_the_primary_dies(
    cluster: Cluster, servers: tuple[Server, Server]
) -> None:
    primary, standby = servers
    ann, bob, talk = cluster.pair()
    with Reader(ann) as anns, Reader(bob) as bobs:
        sent = [chat(ann, talk, "before", 5)]
        during: list[list[str]] = []
        sender = threading.Thread(target=lambda: during.append(chat(ann, talk, "during", 60)))
        sender.start()
        until("it is under way", lambda: len(bobs.texts()) > 10)
        primary.stop(signal.SIGQUIT)
        standby.do("SELECT pg_promote()")
        sender.join(60)
        sent += [*during, chat(bob, talk, "after", 5)]
        check([anns, bobs], sent, talk)
    assert {answer.status for answer in anns.answers + bobs.answers} <= {503}
    before = _replica_reads(cluster)
    until(
        "history is read at what is the only server now", lambda: bob.history(talk) and _replica_reads(cluster) > before
    )
    until("one worker has the duty again", lambda: metric(cluster.nodes, "webchat_duty_workers") == 1)
