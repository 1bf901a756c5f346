"""The README's table of settings, made from `Settings`, so that there is one place to write it.

`python -m webchat.cli settings` prints it; `tests/test_settings.py` holds the README against it.
"""

from __future__ import annotations

import msgspec

from webchat.settings import DEFAULT_DATA, DOCS, PREFIX, PROJECT, Settings


def table() -> str:
    """A Markdown table: variable, default, meaning."""
    return "\n".join(["| Variable | Default | Meaning |", "|---|---|---|", *rows()])


def rows() -> list[str]:
    """One row per field, in the order of the fields."""
    fields = msgspec.structs.fields(Settings)
    return [
        f"| `{PREFIX}{field.name.upper()}` | {shown(field.default)} | {doc} |"
        for field, doc in zip(fields, DOCS, strict=True)
    ]


def shown(default: object) -> str:
    """A default as one would write it in the environment; the data folder relative to the project."""
    if default == str(DEFAULT_DATA):
        return f"`{DEFAULT_DATA.relative_to(PROJECT)}`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`" if default != "" else ""
