"""Bars from zero upwards, some panels side by side, as an SVG file that stands alone: for a document."""

from __future__ import annotations

from collections.abc import Mapping

from tests.load.page.formatting import escape, number

PANEL, HEIGHT, TOP, BASE = 280, 210, 44, 160  # px
STYLE = "text{font:12px system-ui,sans-serif;fill:#555}.bar{fill:#3b7dd8}.value{fill:#222}rect.back{fill:#fff}"


def bars(panels: Mapping[str, Mapping[str, float | None]], note: str) -> str:
    """`panels`: title → label → value; None is not drawn. `note` stands below."""
    width = PANEL * len(panels)
    parts = [f'<rect class="back" width="{width}" height="{HEIGHT}" />']
    for place, (title, values) in enumerate(panels.items()):
        left, step = place * PANEL + 20, (PANEL - 40) / max(1, len(values))
        most = max([value for value in values.values() if value] or [1.0])
        parts.append(f'<text x="{left}" y="20">{escape(title)}</text>')
        for index, (label, value) in enumerate(values.items()):
            middle = left + step * (index + 0.5)
            parts.append(f'<text x="{middle:.1f}" y="{BASE + 16}" text-anchor="middle">{escape(label)}</text>')
            if value is None:
                continue
            tall = max(0.0, value / most * (BASE - TOP))
            at = f'x="{middle - step * 0.3:.1f}" y="{BASE - tall:.1f}" width="{step * 0.6:.1f}" height="{tall:.1f}"'
            parts.append(f'<rect class="bar" {at} />')
            said = escape(number(value))
            parts.append(
                f'<text class="value" x="{middle:.1f}" y="{BASE - tall - 5:.1f}" text-anchor="middle">{said}</text>'
            )
    parts.append(f'<text x="20" y="{HEIGHT - 12}">{escape(note)}</text>')
    inner = "\n".join(parts)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" role="img">'
    return f"{head}\n<style>{STYLE}</style>\n{inner}\n</svg>\n"
