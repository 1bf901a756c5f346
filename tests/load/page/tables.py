"""What is to be looked up: rounds, rows and conditions as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tests.load.page.formatting import escape, number


def rounds_table(rounds: Sequence[dict[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for one in rounds for name in one))
    rows = [[index, *(one.get(name) for name in columns)] for index, one in enumerate(rounds, 1)]
    return f"<div class=scroll>{table(['round', *columns], rows)}</div>" if rounds else ""


def details_table(rows: dict[str, Any]) -> str:
    return f"<div class=scroll>{table(rows['columns'], rows['rows'])}</div>" if rows.get("rows") else ""


def conditions_list(conditions: dict[str, Any]) -> str:
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in conditions.items())
    return f"<dl>{items}</dl>" if items else ""


def table(columns: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(_cell(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else number(value)
