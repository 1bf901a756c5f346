"""What commands print: tables for people, JSON for programs.

Names and texts were written by others: what could speak to the terminal is shown and not sent.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

_KEPT = "\n\u200d"  # line ends, and what joins emoji
WIDE = 10_000  # columns, where there is no terminal: nothing is cut or wrapped for a program or a file


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned columns; the last one wraps where the terminal ends."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(*head, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in made.columns[:-1]:
        column.no_wrap = True
    for row in rows:
        made.add_row(*(Text(plain(cell)) for cell in row))
    console = Console(highlight=False, markup=False, soft_wrap=False, width=None if sys.stdout.isatty() else WIDE)
    with console.capture() as captured:
        console.print(made)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def as_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))


def plain(text: str) -> str:
    """The text, with control and format characters written out."""
    return "".join(character if _speaks_to_people(character) else f"<{ord(character):04x}>" for character in text)


def _speaks_to_people(character: str) -> bool:
    return character in _KEPT or unicodedata.category(character) not in ("Cc", "Cf")


def local(milliseconds: int) -> str:
    """Unix ms in the operator's time zone; `-` for none."""
    if not milliseconds:
        return "-"
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone():%Y-%m-%d %H:%M}"
