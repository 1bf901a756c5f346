"""Parts of the Cluster's doorbell that need no cluster: whom one believes, and what a node's answers mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.connection import ConnectionInterface

from webchat.data.bus_redis.channel import Names
from webchat.data.bus_redis.ringer_sharded import ShardRinger, moved_to
from webchat.data.bus_redis.topology import OLDER_MAX, Newest, View
from webchat.entities.feed import Ring, Whisper
from webchat.redis_url import Address

NODE = ("10.0.0.1", 7000)
OTHER = ("10.0.0.2", 7001)


@pytest.mark.parametrize(
    ("error", "target"),
    [
        ("MOVED 3999 10.0.0.2:7001", (3999, OTHER)),
        ("MOVED 3999 :7001", (3999, ("10.0.0.1", 7001))),
        ("MOVED 1 fd00::2:7001", (1, ("fd00::2", 7001))),
        ("CLUSTERDOWN Hash slot not served", None),
        ("NOPERM this user has no permissions to run the 'spublish' command", None),
    ],
)
def test_where_a_slot_has_moved_to(error: str, target: tuple[int, Address] | None) -> None:
    assert moved_to(error, NODE) == target


def test_the_newest_view_is_believed_and_an_older_one_when_nobody_has_that_any_more() -> None:
    newest = Newest()
    views = {epoch: View(epoch, [], []) for epoch in (3, 5)}
    assert newest.takes(views[3])
    assert newest.takes(views[5])
    assert not newest.takes(views[3])
    assert newest.takes(views[5])
    assert [newest.takes(views[3]) for _ in range(OLDER_MAX + 1)] == [False] * OLDER_MAX + [True]
    assert newest.takes(views[3])


def test_what_nobody_serves_is_counted() -> None:
    view = View(1, [(0, 99, NODE), (200, 16_383, OTHER)], [NODE, OTHER])
    assert view.uncovered == 100
    assert view.masters == [NODE, OTHER]


class Wire:
    """The connection below the library's: takes what is written, gives answers in the chunks it is told."""

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self._sock = self
        self._chunks: Iterator[bytes] = iter(chunks)

    def recv(self, _: int) -> bytes:
        return next(self._chunks, b"")

    def sendall(self, data: bytes) -> None: ...


class Notes:
    """A router that writes down what it is told."""

    def __init__(self) -> None:
        self.rung: list[Ring] = []
        self.slots: list[int] = []
        self.losses = 0

    def ring(self, rings: Sequence[Ring]) -> None:
        self.rung += rings

    def moved(self, slot: int, address: Address) -> None:
        assert address == OTHER
        self.slots.append(slot)

    def lost(self) -> None:
        self.losses += 1


ANSWERS = {"taken": b":12\r\n", "moved": b"-MOVED 7 10.0.0.2:7001\r\n", "refused": b"-CLUSTERDOWN x\r\n"}
fates = st.lists(st.sampled_from(sorted(ANSWERS)), max_size=5)


@given(writes=st.lists(fates, max_size=5), cuts=st.lists(st.integers(1, 40), max_size=30))
def test_rings_that_were_in_vain_are_rung_again_however_the_answers_come(
    writes: list[list[str]], cuts: list[int]
) -> None:
    """And no other ones: each answer belongs to the ring that was written at its place. No ring: a probe."""
    notes = Notes()
    ringer = ShardRinger(Names("s"), lambda: 0.0, notes, NODE)
    wire = cast("ConnectionInterface", Wire([]))
    answers, expected = b"", []
    for turn, write in enumerate(writes):
        rings = [Whisper(turn, number) for number in range(len(write))]
        if rings:
            ringer._write(wire, rings)
        else:
            ringer._write_probe(wire)
        answers += b"".join(ANSWERS[fate] for fate in write) or ANSWERS["taken"]
        expected += [ring for ring, fate in zip(rings, write, strict=True) if fate == "moved"]
    ringer._read(cast("ConnectionInterface", Wire(list(_cut(answers, cuts)))))
    assert notes.rung == expected
    assert notes.slots == [7] * len(expected)
    assert not ringer._unanswered
    ringer._write_probe(wire)
    assert notes.losses == any("refused" in write for write in writes), "is told with the next probe"


def _cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    for size in sizes:
        if data[:size]:
            yield data[:size]
        data = data[size:]
    if data:
        yield data
