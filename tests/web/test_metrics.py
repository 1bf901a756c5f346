"""Metrics: of a whole node, whichever of its workers is asked."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.client import Address, Client, Reader, request, until
from tests.conftest import FAST
from tests.workers.launched import Launched
from webchat.logic.delivery import TIMED

GAUGES = ("workers", "parked_polls", "poll_places", "mailboxes", "deaf_workers", "failing_workers", "waiting_writes")
COUNTERS = ("polls", "wakes", "gaps", "late_rings", "resets", "deafenings", "commits", "writes", "failed_requests")
HISTOGRAMS = ("delivery_seconds", "doorbell_seconds", "commit_seconds", "commit_size", "request_seconds")
SERIES = {f"webchat_{name}": "gauge" for name in (*GAUGES, "build")}
SERIES |= {f"webchat_{name}": "counter" for name in (*COUNTERS, "requests")}
SERIES |= {f"webchat_{name}": "histogram" for name in HISTOGRAMS}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """A node of two workers, and nobody else on it: so that its numbers can be known."""
    with Launched(tmp_path_factory.mktemp("metrics") / "data", "--workers", "2", **FAST) as launched:
        launched.ready()
        yield launched
        launched.stop()


def scrape(address: Address) -> dict[str, float]:
    """The samples by name; those with labels by `name{label="value",…}` as well as, added up, by their name."""
    answer = request(address, "GET", "/metrics")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(answer.raw.decode()):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
            if sample.labels:
                labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
                found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


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
    # The numbers are copied out once a second.
    until("all are counted", lambda: scrape(address)["webchat_requests_total"] >= before + 60)
    assert scrape(address)["webchat_workers"] == 2
    assert scrape(address)["webchat_build"] == 2


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
    assert now["webchat_failing_workers"] == 0


def test_every_call_is_counted_by_its_result_and_timed(node: Launched) -> None:
    address = ("127.0.0.1", node.port)
    one, other = Client([address]).register(), Client([address]).register()
    conversation = one.befriend(other)
    before = scrape(address)
    sends = [{"conversation": conversation, "text": "hello", "client_id": f"counted-{number}"} for number in range(5)]
    for body in (*sends, sends[0], sends[0] | {"text": "another"}):  # five new ones, one again, one contradicted
        one.call("POST", "/api/messages", body)
    request(address, "BREW", "/healthz")
    request(address, "GET", "/nowhere")

    def grown(name: str) -> float:
        return scrape(address).get(name, 0.0) - before.get(name, 0.0)

    def results() -> list[float]:
        sent = 'webchat_requests_total{{method="POST",route="/api/messages",status="{}"}}'
        return [grown(sent.format(status)) for status in (201, 200, 409)]

    until("the results are counted", lambda: results() == [5, 1, 1])
    assert grown('webchat_request_seconds_count{method="POST",route="/api/messages"}') == 7
    assert 0 < grown('webchat_request_seconds_sum{method="POST",route="/api/messages"}') < 7
    assert grown("webchat_commit_seconds_count") >= 5
    assert grown("webchat_commit_size_sum") >= 5
    assert grown('webchat_requests_total{method="GET",route="none",status="404"}') == 1
    until("a doorbell that is heard is timed", lambda: grown("webchat_doorbell_seconds_count") >= 1)
    text = request(address, "GET", "/metrics").raw.decode()
    assert "BREW" not in text, "no label that a client can make up"
    assert "nowhere" not in text


def test_one_wake_in_some_is_timed_from_the_acceptance_of_its_message(node: Launched) -> None:
    address = ("127.0.0.1", node.port)
    one, other = Client([address]).register(), Client([address]).register()
    conversation = one.befriend(other)
    before = scrape(address)
    with Reader(other) as reader:
        for number in range(2 * 2 * TIMED):  # whichever worker holds how many of them
            one.send(conversation, f"m{number}")
            until("it has come", lambda number=number: len(reader.texts()) > number)  # type: ignore[misc]
    until("some are timed", lambda: scrape(address)["webchat_delivery_seconds_count"] > 0)
    now = scrape(address)
    count = now["webchat_delivery_seconds_count"] - before["webchat_delivery_seconds_count"]
    assert count <= 2 * 2 * TIMED / TIMED + 2
    assert now["webchat_delivery_seconds_sum"] / now["webchat_delivery_seconds_count"] < 1


def test_numbers_outlive_workers_and_their_files_do_not_pile_up(tmp_path: Path) -> None:
    with Launched(tmp_path / "data", "--workers", "2", **FAST) as node:
        address = ("127.0.0.1", node.ready().port)
        counted = 0.0

        def requests() -> float:
            """Never fewer than before, whatever happens to the workers."""
            nonlocal counted
            found = scrape(address)["webchat_requests_total"]
            assert found >= counted
            counted = found
            return found

        for number in range(6):
            for _ in range(20):
                request(address, "GET", "/healthz")
            until("they are counted", lambda number=number: requests() >= 20 * (number + 1))  # type: ignore[misc]
            old = workers_of(node)
            if number % 2:
                node.process.send_signal(signal.SIGHUP)
            else:
                os.kill(int(max(old - {"0"})), signal.SIGKILL)
            until("others are there", lambda old=old: (requests(), workers_of(node) - old)[1], 20)  # type: ignore[misc]
            until("two are left", lambda: (requests(), scrape(address)["webchat_workers"])[1] == 2, 20)
        assert "0" in workers_of(node), "the dead are added up"
        assert len(workers_of(node)) <= 1 + 2 * 2, "two that live, and two whose successors began before they ended"
        for file in Path(node.data).rglob(f"counter_{max(workers_of(node))}.db"):
            assert file.stat().st_blocks * 512 >= file.stat().st_size, "no holes: a full disk cannot kill its worker"
        node.stop()
