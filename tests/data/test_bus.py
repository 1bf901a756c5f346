"""Rings on the wire: each kind comes out as it went in, and nothing else is taken for one."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from webchat.data.bus import decode, encode
from webchat.entities.feed import Alarm, Entry, Murmur, Revocation, Ring, Whisper
from webchat.entities.talk import DEVICE

ids = st.integers(0, 2**63 - 1)
events = st.binary()
rings: st.SearchStrategy[Ring] = st.one_of(
    st.builds(Entry, user=ids, number=ids, event=events, device=st.from_regex(DEVICE, fullmatch=True) | st.just("")),
    st.builds(Whisper, user=ids, mark=ids),
    st.builds(Murmur, user=ids, event=events),
    st.builds(Revocation, user=ids, session=ids),
)
KINDS: dict[type, bytes] = {Entry: b"E", Whisper: b"W", Murmur: b"M", Revocation: b"R", Alarm: b"A"}


@given(rings)
@example(Entry(1, 2, b'{"text":"a b  c\\n\xc3\xa4"}'))
@example(Entry(1, 2, b""))
@example(Entry(1, 2, b" leading and trailing "))
@example(Alarm())
def test_a_ring_comes_out_as_it_went_in(ring: Ring) -> None:
    again = decode(ring.user, encode(ring))
    assert again == ring
    assert type(again) is type(ring)


@given(rings)
def test_a_ring_s_kind_is_its_first_byte(ring: Ring) -> None:
    assert encode(ring)[:1] == KINDS[type(ring)]


@given(st.binary())
def test_what_is_no_ring_raises_nothing_but_value_error(payload: bytes) -> None:
    with contextlib.suppress(ValueError):
        decode(1, payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"X1 {}",
        b"E",
        b"E1",
        b"Ex {}",
        b"E1 {}",
        b"E1 \xff {}",
        b"W1 ann",
        b"Wx ann {}",
        b"W1 \xff {}",
        b"R",
        b"Rx",
    ],
)
def test_garbage_is_no_ring(payload: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  whatever it says: the listener drops it
        decode(1, payload)
