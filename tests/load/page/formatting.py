"""Numbers and texts as they stand in the page: short, and escaped."""

from __future__ import annotations

import html
import math
from typing import Any


def number(value: Any) -> str:
    """Three significant digits, or all of an integer part: 0.0123, 4.57, 812, 12,345."""
    found = finite(value)
    if found is None:
        return "–" if value is None or isinstance(value, float) else str(value)
    if found == int(found) or abs(found) >= 100:
        return f"{found:,.0f}"
    places = 2 - math.floor(math.log10(abs(found)))
    return f"{found:,.{max(0, places)}f}".rstrip("0").rstrip(".") if places < 8 else f"{found:.2g}"


def finite(value: Any) -> float | None:
    """None for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def milliseconds(value: Any) -> str:
    found = finite(value)
    if found is None:
        return "–"
    return f"{number(found / 1000)} s" if found >= 1000 else f"{number(found)} ms"


def escape(value: Any) -> str:
    return html.escape(str(value))
