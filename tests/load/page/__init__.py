"""One result of a load test as one HTML page, to be read from the top: the verdict, the figures beside their
goals, what was lost, how long things took, what happened over time, and under which conditions.

The page needs nothing else: no script, no font, no file beside it. Every text of the result is escaped.

Whatever key of the result is absent, its part of the page is absent too. What was not measured is shown as "–", and a
goal for it counts as missed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.load.page.cards import delivery_cards, figure_cards
from tests.load.page.formatting import escape, number
from tests.load.page.goals import judgement, reached, verdict
from tests.load.page.latency import latency_plots
from tests.load.page.tables import conditions_list, details_table, rounds_table
from tests.load.page.timeline import cpu_plot, throughput_plot

__all__ = ["judgement", "number", "page", "reached", "write"]

STYLE = Path(__file__).with_name("style.css")


def write(path: Path, results: dict[str, Any]) -> None:
    """Render the result to `path`, which is replaced. UTF-8."""
    path.write_text(page(results), encoding="utf-8")


def page(results: dict[str, Any]) -> str:
    title = f"Load test: {results['scenario']}"
    series = results.get("series", {})
    parts = [
        f"<h1>{escape(title)}</h1><p class=soft>started {escape(results['started'])}</p>",
        verdict(results),
        _section("Figures", figure_cards(results["figures"])),
        _section("Delivery", delivery_cards(results.get("delivery", {}))),
        _section("Latency", latency_plots(results.get("latency", {}))),
        _section("Throughput over time", throughput_plot(series.get("throughput", []))),
        _section("CPU by process over time", cpu_plot(series.get("cpu", {}))),
        _section("Rounds", rounds_table(results.get("rounds", []))),
        _section("Details", details_table(results.get("rows", {}))),
        _section("Conditions", conditions_list(results["conditions"])),
    ]
    style = STYLE.read_text(encoding="utf-8")
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title><style>\n{style}</style>"
    )
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body><main>{"".join(parts)}</main></body></html>\n'


def _section(title: str, inner: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{inner}</section>" if inner else ""
