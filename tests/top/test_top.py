"""`webchat top` on real nodes, and its reckoning on numbers whose result is known."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tests.client import Reader, until
from tests.conftest import Cluster
from tests.workers.launched import environ
from webchat.errors import SetupError
from webchat.settings import PROJECT
from webchat.tally import Tally
from webchat.top.command import Watch, checked
from webchat.top.numbers import Reading, Span, parsed, quantile, read
from webchat.top.table import COLUMNS, State, health, table

NOBODY = "http://127.0.0.1:1"
TEXT = """\
# TYPE webchat_workers gauge
webchat_workers 2
# TYPE webchat_parked_polls gauge
webchat_parked_polls 15000
# TYPE webchat_poll_places gauge
webchat_poll_places 16000
# TYPE webchat_deaf_workers gauge
webchat_deaf_workers {deaf}
# TYPE webchat_failing_workers gauge
webchat_failing_workers {failing}
# TYPE webchat_requests_total counter
webchat_requests_total{{route="/api/messages",method="POST",status="201"}} {sent}
webchat_requests_total{{route="/api/messages",method="POST",status="503"}} 7
"""


def reading(at: float, sent: float = 0, deaf: int = 0, failing: int = 0) -> Reading:
    return Reading(at, parsed(TEXT.format(sent=sent, deaf=deaf, failing=failing)))


def lines(nodes: dict[str, State], width: int) -> list[str]:
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        console = Console(width=width, record=True, file=nowhere)
        console.print(table(nodes, width))
        return console.export_text().splitlines()


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "webchat.cli", "top", *words]
    variables = environ() | {"COLUMNS": "160"}
    return subprocess.run(command, cwd=PROJECT, env=variables, capture_output=True, text=True, check=False, timeout=60)


# --- reckoning


def test_rates_are_of_the_time_between_two_looks() -> None:
    span = Span(reading(10.0, sent=100), reading(12.0, sent=150))
    assert span.rate("webchat_requests_total", status="201") == 25
    assert span.rate("webchat_requests_total") == 25


def test_a_counter_that_went_back_has_begun_anew() -> None:
    assert Span(reading(1.0, sent=100), reading(2.0, sent=30)).rate("webchat_requests_total", status="201") == 30


def test_a_quantile_is_reckoned_as_prometheus_does() -> None:
    buckets = [(0.1, 50.0), (0.5, 90.0), (float("inf"), 100.0)]
    assert quantile(0.5, buckets) == pytest.approx(0.1)
    assert quantile(0.7, buckets) == pytest.approx(0.3)
    assert quantile(0.99, buckets) == 0.5, "above the last bound it says the last bound"
    assert quantile(0.5, [(0.1, 0.0), (float("inf"), 0.0)]) is None


@given(st.lists(st.floats(0.0, 9.9), min_size=1, max_size=200), st.floats(0.01, 1.0))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(amounts: list[float], share: float) -> None:
    tally = Tally()
    for amount in amounts:
        tally.add(amount)
    bounds = [*tally.bounds, float("inf")]
    counts = [float(sum(tally.counts[: place + 1])) for place in range(len(bounds))]
    found = quantile(share, list(zip(bounds, counts, strict=True)))
    assert found is not None
    true = sorted(amounts)[max(0, -int(-share * len(amounts) // 1) - 1)]
    upper = next(bound for bound in bounds if true <= bound)
    lower = max((bound for bound in (0.0, *bounds) if bound < upper), default=0.0)
    assert lower - 1e-9 <= found <= upper + 1e-9


def test_it_says_the_worst_first() -> None:
    assert health(Span(reading(1.0), reading(2.0))).plain == "well"
    assert health(Span(reading(1.0), reading(2.0, deaf=1))).plain == "1 deaf"
    assert health(Span(reading(1.0), reading(2.0, deaf=2, failing=1))).plain == "1 cannot write"


# --- looks


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_a_narrow_terminal_shows_less_and_cuts_nothing(width: int) -> None:
    well = Span(reading(1.0), reading(2.0, sent=12345))
    said = lines({"http://10.0.0.11:8000": well, "http://10.0.0.12:8000": OSError("gone"), "http://x": None}, width)
    assert max(map(len, said)) <= width
    assert "…" not in "".join(line for line in said if not line.startswith("x")), "nothing is cut short"
    titles = said[0]
    assert [title for title, least in COLUMNS if width >= least] == [t for t, _ in COLUMNS if f" {t}" in titles]
    assert "15,000" in said[1]
    assert "12,345" in said[1]
    assert "down: gone" in said[2]
    assert said[-1].startswith("all")


def test_an_address_is_completed_and_nonsense_refused() -> None:
    assert checked("10.0.0.11:8000") == "http://10.0.0.11:8000"
    assert checked("https://node/metrics") == "https://node"
    for nonsense in ("file:///etc/passwd", "http://", "ftp://node"):
        with pytest.raises(SetupError, match="not the address of a node"):
            checked(nonsense)


# --- real nodes


@pytest.fixture
def traffic(cluster: Cluster) -> Iterator[list[str]]:
    """Two people who chat meanwhile; the addresses of the nodes."""
    one, other, conversation = cluster.pair()
    stop = threading.Event()

    def talk() -> None:
        while not stop.is_set():
            one.send(conversation, "hello")
            time.sleep(0.01)

    with Reader(other) as reader:
        thread = threading.Thread(target=talk)
        thread.start()
        until("they chat", lambda: len(reader.texts()) > 5)
        yield [f"http://{host}:{port}" for host, port in cluster.nodes]
        stop.set()
        thread.join(10)


def test_nodes_at_work(traffic: list[str]) -> None:
    watch = Watch([*traffic, NOBODY])
    try:
        first = watch.look()
        assert [first[url] for url in traffic] == [None, None]

        def all_is_seen() -> dict[str, Span] | None:
            looked = watch.look()
            assert isinstance(looked[NOBODY], OSError)
            spans = {url: span for url, span in looked.items() if isinstance(span, Span)}
            sent = [span.rate("webchat_requests_total", route="/api/messages", status="201") for span in spans.values()]
            commits = [span.quantile(0.99, "webchat_commit_seconds") for span in spans.values()]
            return spans if len(sent) == 2 and all(sent) and all(commits) else None

        spans = until("sends and commits on both", all_is_seen, 20)
        assert {health(span).plain for span in spans.values()} == {"well"}
    finally:
        watch.close()


def test_the_command_shows_one_table(traffic: list[str]) -> None:
    said = run(*traffic, NOBODY, "--once", "--every", "2.5")
    assert said.returncode == 0, said.stderr
    title, first, second, down, total = said.stdout.splitlines()
    assert title.split()[:2] == ["node", "state"]
    assert first.split()[1] == second.split()[1] == "well"
    assert "down: connection refused" in down
    assert total.split()[:4] == ["all", "2", "of", "3"]


def test_no_node_at_all_is_a_failure() -> None:
    said = run(NOBODY, "--once", "--every", "0.2")
    assert said.returncode == 1
    assert "connection refused" in said.stdout
    assert run("ftp://x").returncode == 2


def test_what_has_other_numbers_is_no_node(cluster: Cluster) -> None:
    with pytest.raises(OSError, match="404"):
        read(f"http://127.0.0.1:{cluster.nodes[0][1]}/static")
