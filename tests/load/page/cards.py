"""What is to be seen at a glance: a card for each figure, with its goal, and one for each count of messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.load.page.formatting import escape, finite, number
from tests.load.page.goals import judgement, reached


def figure_cards(figures: Sequence[dict[str, Any]]) -> str:
    cards = "".join(_card(figure) for figure in figures)
    return f"<div class=cards>{cards}</div>" if cards else ""


def _card(figure: dict[str, Any]) -> str:
    kind = {None: "", True: "good", False: "bad"}[reached(figure)]
    goal = f"{_bar(figure)}<div class=goal>{escape(judgement(figure))}</div>" if kind else ""
    value = f"{escape(number(figure['value']))} <small>{escape(figure.get('unit', ''))}</small>"
    name = f"<div class=name>{escape(figure['name'])}</div>"
    return f"<div class='card {kind}'>{name}<div class=value>{value}</div>{goal}</div>"


def _bar(figure: dict[str, Any]) -> str:
    """The value as a bar, the goal as a tick across it."""
    value, goal = finite(figure["value"]), figure["goal"]
    top = 1.25 * max(value or 0, goal)
    if value is None or value < 0 or goal < 0 or top <= 0:
        return ""
    return f"<div class=bar><i style='width:{value / top:.1%}'></i><b style='left:{goal / top:.1%}'></b></div>"


def delivery_cards(delivery: dict[str, Any]) -> str:
    cards = ""
    for name, count in delivery.items():
        kind = ("bad" if count else "good") if name in ("lost", "doubled") else ""
        value = f"<div class='value count'>{escape(number(count))}</div>"
        cards += f"<div class='card {kind}'><div class=name>{escape(name)}</div>{value}</div>"
    return f"<div class='cards counts'>{cards}</div>" if cards else ""
