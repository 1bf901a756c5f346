"""Exact counts: what is sent, acknowledged, delivered, doubled and lost."""

from __future__ import annotations

from tests.load.tally import Delivery, Sender, count, read_stamp, stamp

RUN = b"abc123"


def test_a_stamp_is_read_back_and_no_other_text_is_one() -> None:
    assert read_stamp(RUN, stamp(RUN, 2, 7, 99)) == (2 << 40 | 7, 99)
    assert read_stamp(RUN, stamp(b"another", 2, 7, 99)) is None
    assert read_stamp(RUN, b"hello-there") is None


def test_all_that_was_acknowledged_and_came_once_is_exact() -> None:
    one, other = Sender(RUN, 0), Sender(RUN, 1)
    number, text = one.new(due=1, wanted=1)
    one.acknowledge(number)
    assert other.deliver([text, b"of somebody else"], device=5) == 1
    assert (one.acknowledged, one.expected) == (1, 1)
    found = count([one.take(), other.take()])
    assert found == Delivery(sent=1, acknowledged=1, expected=1, delivered=1)
    assert found.is_exact


def test_a_second_delivery_to_the_same_device_is_doubled_and_to_another_is_not() -> None:
    sender = Sender(RUN, 0)
    number, text = sender.new(due=1, wanted=2)
    sender.acknowledge(number)
    for device in (1, 2, 2):
        sender.deliver([text], device)
    assert count([sender.take()]) == Delivery(sent=1, acknowledged=1, expected=2, delivered=3, doubled=1)


def test_what_was_acknowledged_and_did_not_come_is_lost_and_what_was_not_is_not() -> None:
    sender = Sender(RUN, 0)
    number, text = sender.new(due=1, wanted=3)
    sender.acknowledge(number)
    sender.deliver([text], 1)
    sender.new(due=2, wanted=1)  # nobody knows whether it arrived
    found = count([sender.take()])
    assert found == Delivery(sent=2, acknowledged=1, expected=3, delivered=1, lost=2)
    assert not found.is_exact


def test_an_acknowledgement_that_comes_after_its_phase_counts_for_no_other_message() -> None:
    sender = Sender(RUN, 0)
    late, _ = sender.new(due=1, wanted=1)
    sender.take()
    number, _ = sender.new(due=2, wanted=1)
    sender.acknowledge(late)
    assert (number, sender.acknowledged) == (late + 1, 0)
    assert count([sender.take()]).acknowledged == 0
