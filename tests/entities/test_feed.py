"""Cursors: what a poll needs, as text that no client can mistake for anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webchat.entities.feed import Cursor

MOST = 10**18 - 1  # what the pattern lets through, and 64 bits hold

cursors = st.builds(
    Cursor,
    epoch=st.text("0123456789abcdef", min_size=12, max_size=12),
    user=st.integers(1, MOST),
    number=st.integers(0, MOST),
    mark=st.integers(0, MOST),
)


@given(cursors)
def test_a_cursor_survives_its_way_through_the_client(cursor: Cursor) -> None:
    assert Cursor.parse(str(cursor)) == cursor


@given(cursors)
def test_a_cursor_needs_no_encoding_in_a_url(cursor: Cursor) -> None:
    assert set(str(cursor)) <= set("0123456789abcdef.")


@given(st.text())
def test_whatever_is_parsed_was_a_cursor(text: str) -> None:
    cursor = Cursor.parse(text)
    assert cursor is None or all(0 <= part <= MOST for part in cursor[1:])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "0123456789ab.1.2",
        "0123456789ab.1.2.3.4",
        "0123456789ab.0.2.3",
        "0123456789ab.01.2.3",
        "0123456789ab.-1.2.3",
        "0123456789AB.1.2.3",
        "0123456789a.1.2.3",
        " 0123456789ab.1.2.3",
        "0123456789ab.1.2.3\n",
        "0123456789ab.1.2." + "9" * 19,
        "0123456789ab.1.\u0662.3",
    ],
)
def test_garbage_is_no_cursor(text: str) -> None:
    assert Cursor.parse(text) is None
