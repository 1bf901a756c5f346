"""What an examination finds."""

from __future__ import annotations

from typing import Literal

import msgspec

Level = Literal["ok", "warning", "problem"]


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """`part`: what was looked at. A `problem` must be mended before people come; a `warning` may be meant."""

    part: str
    level: Level
    says: str
    remedy: str = ""


def ok(part: str, says: str) -> Finding:
    return Finding(part, "ok", says)


def warning(part: str, says: str, remedy: str) -> Finding:
    return Finding(part, "warning", says, remedy)


def problem(part: str, says: str, remedy: str) -> Finding:
    return Finding(part, "problem", says, remedy)


def seconds(value: float) -> str:
    """For people: `0.21 ms`, `2.5 s`."""
    return f"{value * 1000:.3g} ms" if abs(value) < 1 else f"{value:.3g} s"
