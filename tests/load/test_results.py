"""Percentiles, histograms, and figures that are absent rather than invented."""

from __future__ import annotations

import json

import pytest

from tests.load.results import Results, histogram, percentile
from tests.load.tally import Delivery


@pytest.mark.parametrize(
    ("values", "part", "expected"),
    [([], 0.5, None), ([7], 0.999, 7), ([1, 2, 3, 4], 0.5, 2), (list(range(1, 1001)), 0.99, 990), ([1, 2], 1.0, 2)],
)
def test_percentiles(values: list[float], part: float, expected: float | None) -> None:
    assert percentile(values, part) == expected


def test_a_histogram_counts_everything_once_and_begins_at_its_first_bar() -> None:
    values = [0.05, 0.3, 0.31, 5.0, 900.0]
    bars = histogram(values)
    assert sum(number for _, number in bars) == len(values)
    assert [upper for upper, _ in bars] == sorted(upper for upper, _ in bars)
    assert bars[0][0] >= values[0]
    assert bars[-1][0] >= values[-1]
    assert histogram([]) == []
    assert histogram([3.0])[0][1] == 1


def test_a_figure_that_was_not_measured_is_absent() -> None:
    results = Results("nothing")
    results.figure("by nothing", None, "µs")
    results.figure("endless", float("inf"), "µs")
    results.figure("real", 1.5, "µs", 2.0)
    results.latencies("of nobody", [])
    assert results.figures == [{"name": "real", "value": 1.5, "unit": "µs", "goal": 2.0, "better": "less"}]
    assert results.latency == {}
    assert "rounds" not in results.as_json()


def test_what_is_written_is_json_with_the_counts_and_the_conditions() -> None:
    results = Results("some", {"work": "little"})
    results.delivery = Delivery(sent=2, acknowledged=2, expected=2, delivered=1, lost=1)
    results.latencies("a", [1.0, 2.0, 30.0])
    found = json.loads(json.dumps(results.as_json()))
    assert found["delivery"] == {"sent": 2, "acknowledged": 2, "delivered": 1, "doubled": 0, "lost": 1}
    assert found["latency"]["a"]["p50"] == 2.0
    assert found["latency"]["a"]["max"] == 30.0
    assert {"machine", "Python", "versions", "work"} <= found["conditions"].keys()
    assert not results.is_exact
