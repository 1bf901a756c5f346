"""The parts of a plot in SVG. Each plot is drawn twice, for a wide and for a narrow window, because text in a plot
that is scaled down cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.load.page.formatting import escape

WIDE, NARROW = 840, 330  # px
GLYPH = 6.4  # px: about the width of a digit in a plot


def centred(at: float, y: float, text: str, width: int) -> str:
    """A text centred at `at`, moved where it would leave the plot."""
    half = GLYPH * len(text) / 2
    return f"<text x={min(max(at, half), width - half):.1f} y={y:.1f} text-anchor=middle>{escape(text)}</text>"


def beside(at: float, y: float, text: str, width: int) -> str:
    """A text on the right of a mark, or on its left where the plot ends."""
    right = at + GLYPH * len(text) + 8 < width
    x, anchor = (at + 4, "start") if right else (at - 4, "end")
    return f"<text class=strong x={x:.1f} y={y} text-anchor={anchor}>{escape(text)}</text>"


def svg(width: int, height: int, what: str, parts: Iterable[str]) -> str:
    inner = "".join(parts)
    return f"<svg viewBox='0 0 {width} {height}' role=img aria-label='{escape(what)}'>{inner}</svg>"


def both(draw: Callable[[int], str]) -> str:
    return f"<div class=wide>{draw(WIDE)}</div><div class=narrow>{draw(NARROW)}</div>"
