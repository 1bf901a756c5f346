"""The page of a load test: verdict, goals, escaping, and whatever a result may lack."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.load.page import judgement, number, page, reached, write

LEAST: dict[str, Any] = {"scenario": "parked", "started": "2026-11-24T12:00:00Z", "conditions": {}, "figures": []}
VOID = {"meta", "br", "path", "line", "rect"}


class Outline(HTMLParser):
    """What a browser would see: tags, headings, texts. A tag that is not closed fails."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.headings: list[str] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.texts.append(data)
        if self._open[-1:] == ["h2"]:
            self.headings.append(data)


def figure(value: float | None, goal: float | None = None, better: str = "less", name: str = "p99") -> dict[str, Any]:
    return {"name": name, "value": value, "unit": "ms", "goal": goal, "better": better}


def everything() -> dict[str, Any]:
    return LEAST | {
        "conditions": {"cores": "2"},
        "figures": [figure(4.2, 5)],
        "delivery": {"sent": 12_345, "acknowledged": 12_345, "delivered": 12_345, "doubled": 0, "lost": 0},
        "latency": {
            "wake": {"p50": 1.5, "p99": 4.2, "p999": 30, "max": 41.0, "histogram": [[1, 0], [2, 90], [5, 9], [50, 1]]},
            "send": {"p50": 0.5, "p99": 0.5, "p999": 0.5, "max": 0.5, "histogram": [[1, 1]]},
        },
        "series": {
            "throughput": [[second, 100 + second % 7] for second in range(1000)],
            "cpu": {f"worker {n}": [[0, 10], [1, 12.5], [2, n]] for n in range(8)},
        },
        "rounds": [{"webchat": 1.0, "nchan": 2.0}, {"webchat": 1.1}],
        "rows": {"columns": ["system", "µs"], "rows": [["webchat", 101.2]]},
    }


def test_everything_has_its_part_in_order() -> None:
    outline = Outline(page(everything()))
    assert outline.headings == [
        "Figures",
        "Delivery",
        "Latency",
        "Throughput over time",
        "CPU by process over time",
        "Rounds",
        "Details",
        "Conditions",
    ]
    assert {"12,345", "p99 4.2 ms", "p99.9 30 ms", "worker 7: mean 9.83 %", "101", "cores"} <= set(outline.texts)
    assert "Nothing lost, nothing doubled. The goal is reached." in outline.texts


@pytest.mark.parametrize("key", ["delivery", "latency", "series", "rounds", "rows"])
def test_whatever_is_absent_leaves_no_heading(key: str) -> None:
    results = everything()
    del results[key]
    every = Outline(page(everything())).headings
    assert len(Outline(page(results)).headings) == len(every) - (2 if key == "series" else 1)


def test_the_least_result_is_a_page() -> None:
    outline = Outline(page(LEAST))
    assert outline.headings == []
    assert "Measured; no goals were set." in outline.texts
    half = LEAST | {"latency": {"wake": {"p50": 1.0}}, "series": {"throughput": [[0, 1]], "cpu": {"worker": []}}}
    assert Outline(page(half)).headings == ["Latency"]


def test_nothing_of_a_result_is_read_as_html() -> None:
    evil = "<script>alert('1')</script> & \"x\""
    results = everything() | {
        "scenario": evil,
        "started": evil,
        "conditions": {evil: evil},
        "figures": [figure(2, 1, name=evil) | {"unit": evil}],
        "delivery": {evil: 1, "lost": evil},
        "latency": {evil: everything()["latency"]["wake"]},
        "series": {"cpu": {evil: [[0, 1], [1, 2]]}},
        "rounds": [{evil: evil}],
        "rows": {"columns": [evil], "rows": [[evil]]},
    }
    source = page(results)
    outline = Outline(source)
    assert "script" not in outline.tags
    assert not {name for name, _ in outline.attributes if name.startswith("on")}
    assert source.count("<script>") == 0
    assert outline.texts.count(evil) >= 10


def test_nothing_is_loaded_from_elsewhere() -> None:
    source = page(everything())
    assert not {"script", "link", "img", "iframe", "object"} & set(Outline(source).tags)
    assert "http" not in source
    assert "url(" not in source
    assert "@import" not in source


def test_plots_are_drawn_within_their_frame() -> None:
    outline = Outline(page(everything()))
    drawn = [float(value) for name, value in outline.attributes if name in {"x", "x1", "x2"} and value]
    assert drawn
    assert min(drawn) >= 0
    assert max(drawn) <= 840
    for part in page(everything()).split("<svg ")[1:]:
        assert "nan" not in part
        assert "inf" not in part


def test_a_long_series_is_thinned() -> None:
    assert len(page(LEAST | {"series": {"throughput": [[n, n] for n in range(100_000)]}})) < 60_000


@pytest.mark.parametrize(
    ("value", "goal", "better", "said"),
    [
        (1.0, 1.0, "less", "goal ≤ 1: reached"),
        (0.91, 1.0, "less", "goal ≤ 1: reached"),
        (1.23, 1.0, "less", "goal ≤ 1: missed by 0.23 (23%)"),
        (900, 1000, "more", "goal ≥ 1,000: missed by 100 (10%)"),
        (1000, 1000, "more", "goal ≥ 1,000: reached"),
        (1.0001, 1.0, "less", "goal ≤ 1: missed by 0.0001"),
        (3, 0, "less", "goal ≤ 0: missed by 3"),
        (None, 3, "less", "goal ≤ 3: not measured"),
        (float("nan"), 3, "less", "goal ≤ 3: not measured"),
    ],
)
def test_goals(value: float | None, goal: float, better: str, said: str) -> None:
    one = figure(value, goal, better)
    assert judgement(one) == said
    assert reached(one) is said.endswith("reached")
    kind = "good" if reached(one) else "bad"
    source = page(LEAST | {"figures": [one]})
    assert f"<div class='verdict {kind}'>" in source
    assert f"<div class='card {kind}'>" in source


def test_a_missed_goal_is_told_first_and_by_name() -> None:
    texts = Outline(page(LEAST | {"figures": [figure(1, 2, name="a"), figure(3, 2, name="b"), figure(9)]})).texts
    assert texts.index("1 of 2 goals missed.") < texts.index("b: goal ≤ 2: missed by 1 (50%)") < texts.index("Figures")


def test_loss_is_told_first_even_where_every_goal_is_reached() -> None:
    counts = {"sent": 10, "acknowledged": 10, "delivered": 9, "doubled": 2, "lost": 1}
    source = page(LEAST | {"figures": [figure(1, 2)], "delivery": counts})
    assert "Messages went wrong: 1 lost and 2 doubled. The goal is reached." in Outline(source).texts
    assert "<div class='verdict bad'>" in source
    assert source.count("<div class='card bad'>") == 2


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (12345, "12,345"),
        (812.4, "812"),
        (13.64, "13.6"),
        (4.567, "4.57"),
        (0.01234, "0.0123"),
        (2e-9, "2e-09"),
        (-1.5, "-1.5"),
        (None, "–"),
        (float("inf"), "–"),
    ],
)
def test_numbers_are_short(value: float | None, shown: str) -> None:
    assert number(value) == shown


def test_write_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("older")
    write(path, everything())
    assert path.read_text(encoding="utf-8") == page(everything())
