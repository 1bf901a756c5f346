"""Figures against their goals, and the verdict over the whole result.

A figure without a goal is never judged. One that was not measured has missed its goal.
"""

from __future__ import annotations

from typing import Any

from tests.load.page.formatting import escape, finite, number


def reached(figure: dict[str, Any]) -> bool | None:
    """None where the figure has no goal."""
    if figure.get("goal") is None:
        return None
    value = finite(figure["value"])
    if value is None:
        return False
    return bool(value >= figure["goal"] if _is_more_better(figure) else value <= figure["goal"])


def judgement(figure: dict[str, Any]) -> str:
    """The goal, and by how much it was missed."""
    value, goal = finite(figure["value"]), figure["goal"]
    text = f"goal {'≥' if _is_more_better(figure) else '≤'} {number(goal)}"
    if value is None:
        return f"{text}: not measured"
    if reached(figure):
        return f"{text}: reached"
    away = number(abs(value - goal))
    share = f" ({abs(value / goal - 1):.0%})" if goal and abs(value / goal - 1) >= 0.01 else ""
    return f"{text}: missed by {away}{share}"


def verdict(results: dict[str, Any]) -> str:
    delivery = results.get("delivery", {})
    wrong = [f"{number(delivery[key])} {key}" for key in ("lost", "doubled") if delivery.get(key)]
    goals = [figure for figure in results["figures"] if reached(figure) is not None]
    missed = [figure for figure in goals if not reached(figure)]
    sentences = []
    if wrong:
        sentences.append(f"Messages went wrong: {' and '.join(wrong)}.")
    elif delivery:
        sentences.append("Nothing lost, nothing doubled.")
    if missed:
        sentences.append(f"{len(missed)} of {len(goals)} goals missed.")
    elif goals:
        sentences.append("The goal is reached." if len(goals) == 1 else f"All {len(goals)} goals reached.")
    kind = "bad" if wrong or missed else "good" if sentences else "plain"
    items = "".join(f"<li>{escape(figure['name'])}: {escape(judgement(figure))}</li>" for figure in missed)
    detail = f"<ul>{items}</ul>" if items else ""
    return f"<div class='verdict {kind}'>{escape(' '.join(sentences) or 'Measured; no goals were set.')}{detail}</div>"


def _is_more_better(figure: dict[str, Any]) -> bool:
    return figure.get("better") == "more"
