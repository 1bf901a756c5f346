"""Which messages are in the sample, and that what is kept for traces has a bound."""

from __future__ import annotations

from webchat.data.spans import QUEUE_MAX, Spans
from webchat.entities.feed import Entry
from webchat.logic.traces import KEPT, Times, Traces

MESSAGES = range(1, 2001)


def make_traces(share: float, epoch: str = "0123456789ab") -> tuple[Traces, Spans]:
    spans = Spans("http://127.0.0.1:9/v1/traces", "worker", {})
    return Traces(spans, epoch, share), spans


def test_all_workers_draw_the_same_sample_of_about_the_size_asked_for() -> None:
    (one, _), (other, _), (elsewhere, _) = make_traces(0.25), make_traces(0.25), make_traces(0.25, "ba9876543210")
    drawn = {message for message in MESSAGES if one.in_sample(message)}
    assert drawn == {message for message in MESSAGES if other.in_sample(message)}
    assert drawn != {message for message in MESSAGES if elsewhere.in_sample(message)}
    assert 400 < len(drawn) < 600
    assert all(make_traces(1)[0].in_sample(message) for message in MESSAGES)


def test_times_are_kept_for_the_last_messages_and_the_first_one_counts() -> None:
    times = Times()
    for message in range(KEPT + 10):
        times.note(message, message)
        times.note(message, 0)
    assert (len(times), min(times), times[KEPT]) == (KEPT, 10, KEPT)


def test_spans_that_nobody_takes_are_dropped_the_oldest_first() -> None:
    traces, spans = make_traces(1)
    event = b'{"type":"message","message":{"id":7,"conversation":1}}'
    traces.heard([Entry(1, 1, event)])
    for _ in range(QUEUE_MAX + 5):
        traces.answered(traces.told([event], waited=False))
    assert spans.dropped == 5


def test_a_poll_that_did_not_wait_and_reads_what_is_long_past_tells_no_trace() -> None:
    traces, _ = make_traces(1)
    event = b'{"type":"message","message":{"id":7,"conversation":1}}'
    assert traces.told([event], waited=False) == []
    assert [told.message for told in traces.told([event], waited=True)] == [7]
    assert traces.told([b'{"type":"message","message":{"id":7,"kind":"created"}}'], waited=True) == []
