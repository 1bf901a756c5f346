"""What is said: times and structs as they go over the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from webchat.entities.talk import Conversation, Message, rfc3339

LAST = 253_402_300_799_999  # ms: the end of the year 9999
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def test_a_time_is_written_in_utc_with_its_milliseconds() -> None:
    assert rfc3339(1_795_339_500_123) == "2026-11-22T09:25:00.123Z"
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(LAST) == "9999-12-31T23:59:59.999Z"


@given(st.integers(0, LAST))
def test_a_time_is_the_same_when_it_is_read_again(milliseconds: int) -> None:
    assert (datetime.fromisoformat(rfc3339(milliseconds)) - EPOCH) / timedelta(milliseconds=1) == milliseconds


@given(st.integers(0, LAST), st.integers(0, LAST))
def test_times_sort_as_text(one: int, other: int) -> None:
    assert (rfc3339(one) < rfc3339(other)) == (one < other)


def test_python_s_reserved_words_are_plain_on_the_wire() -> None:
    message = Message(7, 1, 2, "ann", "hello", rfc3339(0), "c1")
    line = Conversation(1, "direct", "bob", True, 2, 1, 1, message)
    assert msgspec.to_builtins(message)["from"] == "ann"
    assert msgspec.to_builtins(line)["with"] == "bob"
    assert msgspec.json.decode(msgspec.json.encode(line), type=Conversation) == line
