"""Metrics: of a whole node, whichever of its workers is asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.client import Address, Client, request, until
from tests.conftest import FAST
from tests.workers.launched import Launched

SERIES = {
    "webchat_parked_polls": "gauge",
    "webchat_mailboxes": "gauge",
    "webchat_deaf_workers": "gauge",
    "webchat_polls": "counter",
    "webchat_wakes": "counter",
    "webchat_gaps": "counter",
    "webchat_late_rings": "counter",
    "webchat_resets": "counter",
    "webchat_commits": "counter",
    "webchat_writes": "counter",
    "webchat_requests": "counter",
    "webchat_failed_requests": "counter",
}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """A node of two workers, and nobody else on it: so that its numbers can be known."""
    with Launched(tmp_path_factory.mktemp("metrics") / "data", "--workers", "2", **FAST) as launched:
        launched.ready()
        yield launched
        launched.stop()


def scrape(address: Address) -> dict[str, float]:
    answer = request(address, "GET", "/metrics")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(answer.raw.decode())
        for sample in family.samples
        if not sample.labels
    }


def workers_of(node: Launched) -> set[str]:
    """The processes whose numbers `/metrics` adds up."""
    return {path.stem.rsplit("_", 1)[1] for path in Path(node.data).rglob("counter_*.db")}


def test_every_series_is_there(node: Launched) -> None:
    address = ("127.0.0.1", node.port)
    text = request(address, "GET", "/metrics").raw.decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {name: families[name].type for name in SERIES if name in families} == SERIES
    assert all(families[name].documentation for name in SERIES)


def test_both_workers_are_counted(node: Launched) -> None:
    address = ("127.0.0.1", node.port)
    until("both workers have written numbers", lambda: len(workers_of(node)) == 2)
    before = scrape(address)["webchat_requests_total"]
    for _ in range(60):
        request(address, "GET", "/healthz")  # each on a connection of its own: both workers get some
    time.sleep(1.5)  # the numbers are copied out once a second
    assert scrape(address)["webchat_requests_total"] >= before + 60


def test_what_happens_shows_in_the_numbers(node: Launched) -> None:
    address = ("127.0.0.1", node.port)
    one, other = Client([address]).register(), Client([address]).register()
    conversation = one.befriend(other)
    before = scrape(address)
    cursor = other.cursor()
    one.send(conversation, "hello")
    other.poll(cursor, 0)
    other.poll(cursor.rsplit(".", 2)[0] + ".999.0", 0)

    def counted() -> bool:
        now = scrape(address)
        grown = {name for name in now if now[name] > before.get(name, 0.0)}
        wanted = {f"webchat_{name}_total" for name in ("polls", "resets", "writes", "commits", "requests")}
        return wanted | {"webchat_mailboxes"} <= grown

    until("polls, resets, writes, commits, requests and mailboxes have grown", counted)
    now = scrape(address)
    assert now["webchat_failed_requests_total"] == 0
    assert now["webchat_deaf_workers"] == 0
    assert now["webchat_parked_polls"] == 0
