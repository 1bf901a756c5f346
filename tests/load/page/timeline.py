"""What happened over time: curves from zero upwards over seconds, of throughput and of the processes' CPU."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tests.load.page.formatting import escape, number
from tests.load.page.plots import GLYPH, both, centred, svg

POINTS_MAX = 400  # of one curve: more than its pixels show nothing
COLOURS = 6  # of the curves, see style.css; further curves are dashed
DASHES = ("", "6 3", "2 3")


def throughput_plot(points: Sequence[Sequence[float]]) -> str:
    if len(points) < 2:
        return ""
    mean = sum(point[1] for point in points) / len(points)
    peak = max(point[1] for point in points)
    note = f"<figcaption>Deliveries per second; mean {number(mean)}, peak {number(peak)}.</figcaption>"
    return f"<figure>{both(_curves([points], 'throughput over time', '/s'))}{note}</figure>"


def cpu_plot(cpu: dict[str, Sequence[Sequence[float]]]) -> str:
    cpu = {label: points for label, points in cpu.items() if len(points) > 1}
    if not cpu:
        return ""
    items = ""
    for index, (label, points) in enumerate(cpu.items()):
        swatch = f"<svg viewBox='0 0 22 8' aria-hidden=true><path class=curve d='M0 4H22' {_stroke(index)} /></svg>"
        mean = sum(point[1] for point in points) / len(points)
        items += f"<li>{swatch}{escape(label)}: mean {number(mean)} %</li>"
    plot = both(_curves(list(cpu.values()), "CPU by process over time", "%"))
    return f"<figure>{plot}<ul class=legend>{items}</ul><figcaption>100 % is one core.</figcaption></figure>"


def _curves(every: Sequence[Sequence[Sequence[float]]], what: str, unit: str) -> Callable[[int], str]:
    """Curves from zero upwards over seconds. A single one is filled."""
    start = min(points[0][0] for points in every)
    end = max(points[-1][0] for points in every)
    ticks = _ticks(max(point[1] for points in every for point in points), 4)
    top, base, height = 14, 196, 220

    def draw(width: int) -> str:
        left = 14 + GLYPH * max(len(_tick(tick, unit)) for tick in ticks)

        def x(seconds: float) -> float:
            return left + (seconds - start) / ((end - start) or 1) * (width - left - 4)

        def y(value: float) -> float:
            return base - value / ticks[-1] * (base - top)

        parts = []
        for tick in ticks:
            parts.append(f"<line class=grid x1={left:.1f} x2={width} y1={y(tick):.1f} y2={y(tick):.1f} />")
            parts.append(f"<text x={left - 8:.1f} y={y(tick) + 4:.1f} text-anchor=end>{_tick(tick, unit)}</text>")
        inside = [tick for tick in _ticks(end - start, 8 if width > 500 else 4) if tick <= end - start]
        parts += [centred(x(start + tick), base + 17, f"{number(tick)} s", width) for tick in inside]
        for index, points in enumerate(every):
            path = " L".join(f"{x(at):.1f} {y(value):.1f}" for at, value in _thin(points))
            if len(every) == 1:
                area = f"M{x(points[0][0]):.1f} {base} L{path} L{x(points[-1][0]):.1f} {base}Z"
                parts.append(f"<path class=area d='{area}' style='fill:var(--c0)' />")
            parts.append(f"<path class=curve d='M{path}' {_stroke(index)} />")
        parts.append(f"<line class=axis x1={left:.1f} x2={width} y1={base} y2={base} />")
        return svg(width, height, what, parts)

    return draw


def _thin(points: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """Means of neighbours, where there are more points than can be seen."""
    size = math.ceil(len(points) / POINTS_MAX)
    groups = [points[at : at + size] for at in range(0, len(points), size)]
    return [(sum(p[0] for p in group) / len(group), sum(p[1] for p in group) / len(group)) for group in groups]


def _ticks(most: float, count: int) -> list[float]:
    """From 0 in round steps to at least `most`; about `count` of them."""
    rough = max(most, 1e-9) / count
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough * 0.999)
    return [step * index for index in range(math.ceil(most / step - 1e-9) + 1)] if most > 0 else [0.0, 1.0]


def _tick(value: float, unit: str) -> str:
    return f"{number(value)} {unit}"


def _stroke(index: int) -> str:
    dash = DASHES[index // COLOURS % len(DASHES)]
    return f"stroke-dasharray='{dash or 'none'}' style='stroke:var(--c{index % COLOURS})'"
