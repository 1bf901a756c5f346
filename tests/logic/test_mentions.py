"""Who a text may name."""

from __future__ import annotations

import pytest

from webchat.logic.mentions import NAMES_MAX, names


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("hi @bob!", ["bob"]),
        ("@bob, @ann-b", ["bob", "ann-b"]),
        ("ask @bob.", ["bob.", "bob"]),
        ("@a_--", ["a_--", "a_-", "a_"]),
        ("你好@bob你好", ["bob"]),
        ("(@bob) '@ann'", ["bob", "ann"]),
        ("mail bob@example.org or a.@b", []),
        ("@@bob @ bob @b", []),
        ("@bob @bob", ["bob"]),
        ("@" + "x" * 40, []),
        (" ".join(f"@n{n}" for n in range(300)), [f"n{n}" for n in range(NAMES_MAX)]),
    ],
)
def test_names(text: str, named: list[str]) -> None:
    assert names(text) == named
