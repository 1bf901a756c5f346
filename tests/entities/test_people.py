"""Names: plain enough for a URL, and unique whatever their case."""

from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webchat.entities.people import NAME, name_key

FIRST = string.ascii_letters + string.digits
names = st.from_regex(NAME, fullmatch=True)


@pytest.mark.parametrize("name", ["ab", "A1", "0x", "a_", "a.", "a-", "a" * 32, "liger_zql"])
def test_these_are_names(name: str) -> None:
    assert NAME.fullmatch(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "a" * 33,
        "..",
        ".a",
        "_a",
        "-a",
        "a b",
        "a/b",
        "a@b",
        "a\n",
        "\u00e4b",
        "a\u0430",
        "a\0",
        "\u0661\u0662",
    ],
)
def test_these_are_none(name: str) -> None:
    assert not NAME.fullmatch(name)


@given(names)
def test_a_name_is_the_same_in_a_url(name: str) -> None:
    assert quote(name, safe="") == name
    assert name[0] in FIRST


@given(names)
def test_a_key_forgets_the_case_and_nothing_else(name: str) -> None:
    key = name_key(name)
    assert key == name_key(name.upper()) == name_key(name.swapcase()) == name_key(key)
    assert len(key) == len(name)


@given(names, names)
def test_two_names_that_differ_in_more_are_two_people(one: str, other: str) -> None:
    assert (name_key(one) == name_key(other)) == (one.casefold() == other.casefold())
