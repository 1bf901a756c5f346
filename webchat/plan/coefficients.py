"""What was measured, from the data file; nothing here is anybody's guess."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("coefficients.json")


class Coefficient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    value: float
    unit: str
    source: str


@cache
def coefficients() -> dict[str, Coefficient]:
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, Coefficient])


def measured(name: str) -> float:
    return coefficients()[name].value
