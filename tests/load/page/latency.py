"""How long things took: a histogram for each kind, all on one logarithmic axis, so that they can be compared by eye."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tests.load.page.formatting import escape, finite, milliseconds
from tests.load.page.plots import beside, both, centred, svg
from tests.load.page.tables import table

QUANTILES = (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"))


def latency_plots(latency: dict[str, dict[str, Any]]) -> str:
    """One plot for each label, all on one axis, so that they can be compared by eye."""
    if not latency:
        return ""
    buckets = {label: _buckets(data.get("histogram", [])) for label, data in latency.items()}
    edges = [edge for every in buckets.values() for low, high, _ in every for edge in (low, high)]
    marks = [finite(data.get(key)) for data in latency.values() for key, _ in QUANTILES]
    edges += [mark for mark in marks if mark and mark > 0]
    plots = ""
    for label, data in latency.items():
        if buckets[label]:
            plots += f"<h3>{escape(label)}</h3>" + both(_distribution(data, buckets[label], min(edges), max(edges)))
    columns = ["ms", *(shown for _, shown in QUANTILES), "max"]
    keys = [*(key for key, _ in QUANTILES), "max"]
    rows = [[label, *(data.get(key) for key in keys)] for label, data in latency.items()]
    note = "<figcaption>Share of all by time taken; the axis is logarithmic.</figcaption>" if plots else ""
    return f"<figure>{plots}{note}<div class=inside>{table(columns, rows)}</div></figure>"


def _buckets(histogram: Sequence[Sequence[float]]) -> list[tuple[float, float, float]]:
    """(lower ms, upper ms, count) of what is not empty; the first and an endless bucket get their neighbour's width."""
    bounds = sorted((float(upper), count) for upper, count in histogram if upper > 0)
    ends = [upper for upper, _ in bounds if math.isfinite(upper)]
    ratio = ends[1] / ends[0] if len(ends) > 1 else 1.26
    found, low = [], 0.0
    for bound, count in bounds:
        lower = low or (bound / ratio if math.isfinite(bound) else 1.0)
        upper = bound if math.isfinite(bound) else lower * ratio
        if count and upper > lower:
            found.append((lower, upper, float(count)))
        low = upper
    return found


def _distribution(
    data: dict[str, Any], buckets: Sequence[tuple[float, float, float]], least: float, most: float
) -> Callable[[int], str]:
    low, high = math.log10(least) - 0.04, math.log10(most) + 0.04
    heights = [count / math.log10(upper / lower) for lower, upper, count in buckets]  # areas are comparable
    top, base, height = 46, 150, 172

    def draw(width: int) -> str:
        def x(ms: float) -> float:
            return 4 + (math.log10(ms) - low) / (high - low) * (width - 8)

        parts = []
        for tick in _decades(low, high):
            parts.append(f"<line class=grid x1={x(tick):.1f} x2={x(tick):.1f} y1={top} y2={base} />")
            parts.append(centred(x(tick), base + 16, milliseconds(tick), width))
        for (lower, upper, _), tall in zip(buckets, heights, strict=True):
            size = max(1.5, tall / max(heights) * (base - top))  # even one in a million is seen
            left, right = x(lower), x(upper)
            parts.append(
                f"<rect x={left:.1f} y={base - size:.1f} width={max(0.8, right - left - 0.8):.1f} height={size:.1f}"
                " style='fill:var(--c0)' />"
            )
        parts.append(f"<line class=axis x1=0 x2={width} y1={base} y2={base} />")
        for line, (key, shown) in enumerate(QUANTILES):
            if value := finite(data.get(key)):
                at, y = x(value), 11 + 14 * line
                parts.append(f"<line class=mark x1={at:.1f} x2={at:.1f} y1={y - 8} y2={base} />")
                parts.append(beside(at, y, f"{shown} {milliseconds(value)}", width))
        what = "latency distribution: " + ", ".join(
            f"{shown} {milliseconds(data.get(key))}" for key, shown in QUANTILES
        )
        return svg(width, height, what, parts)

    return draw


def _decades(low: float, high: float) -> Iterable[float]:
    """1, 10, 100 … ms; where that makes fewer than three, 2 and 5 of each too."""
    steps: tuple[int, ...] = (1,) if high - low > 2.2 else (1, 2, 5)
    for power in range(math.floor(low), math.ceil(high) + 1):
        for step in steps:
            if low <= math.log10(step * 10.0**power) <= high:
                yield step * 10.0**power
