"""One emoji, and nothing else."""

from __future__ import annotations

import pytest

from webchat.errors import Invalid
from webchat.logic import emoji

ONES = ("👍", "👍🏽", "❤", "❤️", "☺️", "🇩🇪", "#️⃣", "7⃣", "👩‍🚀", "👨‍👩‍👧‍👦", "👩🏽‍❤️‍💋‍👨🏽", "🏴‍☠️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🫩", "©️", "㊗️")
OTHERS = (
    "",
    " ",
    "a",
    "1",
    "#",
    "👍👍",
    "👍 ",
    "🇩",
    "🇩🇪🇩",
    "\u200d",
    "\ufe0f",
    "🏽",
    "℃",
    "👍a",
    "👍\u200d",
    "👍\n",
    "👍" * 11,
)


@pytest.mark.parametrize("text", ONES)
def test_one(text: str) -> None:
    emoji.check(text)


@pytest.mark.parametrize("text", OTHERS)
def test_anything_else(text: str) -> None:
    with pytest.raises(Invalid):
        emoji.check(text)


def test_the_selector_makes_no_difference() -> None:
    assert emoji.same("❤", "❤️")
    assert not emoji.same("❤️", "👍")
