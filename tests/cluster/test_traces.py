"""One message, two nodes, one trace; and a collector that is broken harms nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.client import Client, Reader, until
from tests.cluster.collector import Collector
from tests.conftest import Cluster, two_nodes
from tests.postgres import Databases

WHOLE = ["answer", "commit", "ring", "send", "wake"]


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made


@pytest.fixture(scope="module")
def two_traced(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., two_nodes]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=chat%20of%20ours")
        patch.setenv("OTEL_SERVICE_NAME", "our-chat")
        folder = tmp_path_factory.mktemp("traced")
        yield partial(two_nodes, folder, traces_url=collector.url, traces_share="1")


@pytest.fixture(scope="module")
def traced(two_traced: Callable[..., two_nodes]) -> Iterator[Cluster]:
    with two_traced() as made:
        yield made


def across(cluster: Cluster) -> tuple[Client, Client, int]:
    """Ann on the first node, Bob on the second."""
    ann, bob, talk = cluster.pair()
    ann.nodes, bob.nodes = [cluster.nodes[0]], [cluster.nodes[1]]
    return ann, bob, talk


def whole(collector: Collector, message: int) -> bool:
    return sorted(collector.trace_of(message)) == WHOLE


def check_one_trace(cluster: Cluster, collector: Collector) -> None:
    ann, bob, talk = across(cluster)
    with Reader(bob) as bobs:
        bob.poll(bobs.cursor, 0)
        plain = ann.send(talk, "across")
        until("it arrived", lambda: bobs.of("message"))
        body = {"conversation": talk, "text": "a reply", "client_id": "reply", "reply_to": plain["id"]}
        reply = ann.ok("POST", "/api/messages", body)["message"]
        until("that, too", lambda: len(bobs.of("message")) == 2)
    for message in (plain, reply):
        until("all of the trace has come", partial(whole, collector, message["id"]))
        trace = collector.trace_of(message["id"])
        assert [len(spans) for spans in trace.values()] == [1] * 5, "each once"
        send, commit, ring, wake, answer = (trace[name][0] for name in ("send", "commit", "ring", "wake", "answer"))
        assert "parentSpanId" not in send.span
        assert commit.span["parentSpanId"] == ring.span["parentSpanId"] == send.span["spanId"]
        assert wake.span["parentSpanId"] == ring.span["spanId"]
        assert answer.span["parentSpanId"] == wake.span["spanId"]
        assert send.start <= commit.start <= commit.end == ring.start <= ring.end <= send.end
        assert ring.start <= wake.start <= wake.end == answer.start <= answer.end
        assert {send.worker, commit.worker, ring.worker}.isdisjoint({wake.worker})
        assert wake.worker == answer.worker
        assert send.said("webchat.conversation") == talk
        assert wake.said("webchat.heard") is True
    assert collector.services == {"our-chat"}
    assert all(headers["x-tenant"] == "chat of ours" for headers in collector.headers)


def test_a_message_is_one_trace_from_its_send_to_the_answer_on_another_node(
    traced: Cluster, collector: Collector
) -> None:
    check_one_trace(traced, collector)


def test_so_it_is_on_postgresql(
    two_traced: Callable[..., two_nodes], postgres_databases: Databases, collector: Collector
) -> None:
    """There, commits and rings are no native thread's."""
    with two_traced(database_url=postgres_databases.empty(), database_pool="6") as cluster:
        collector.forget()  # the numbers of another database's messages
        check_one_trace(cluster, collector)


def test_what_a_group_says_of_itself_is_no_trace(traced: Cluster, collector: Collector) -> None:
    ann, bob, _ = across(traced)
    with Reader(bob) as bobs:
        bob.poll(bobs.cursor, 0)  # the mailbox is open: what comes is heard
        ann.ok("POST", "/api/conversations", {"name": "ours", "members": [bob.name], "client_id": "ours"})
        until("the group is told", lambda: bobs.of("message"))
    group = bob.state()["conversations"][0]["id"]
    note = bobs.of("message")[0]["message"]["id"]
    message = ann.send(group, "after the note")
    until("its send has come", lambda: collector.trace_of(message["id"]))
    assert not collector.trace_of(note)


def test_a_collector_that_refuses_costs_spans_and_nothing_else(traced: Cluster, collector: Collector) -> None:
    ann, bob, talk = across(traced)
    collector.status = 503
    with Reader(bob) as bobs:
        ann.send(talk, "untold")
        until("it arrived all the same", lambda: bobs.of("message"))
        until("its spans were refused", lambda: collector.refused)
        collector.status = 200
        again = ann.send(talk, "again")["id"]
        until("traces come again", lambda: collector.trace_of(again))
    assert "traces are lost" in "".join(node.errors() for node in traced.launched)
