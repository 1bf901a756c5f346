"""How it looks: one line for each node, and one for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from webchat.top.numbers import Span

State = Span | OSError | None  # what is known of a node: its last span, why it does not answer, or nothing yet

SENT = {"route": "/api/messages", "method": "POST"}
SLOW = 0.25  # seconds of delivery from which on people notice
FULL = 0.8  # of the places for parked polls


# Titles, and the width of terminal from which on each is shown.
COLUMNS = (
    ("workers", 100),
    ("parked", 0),
    ("full", 120),
    ("messages/s", 0),
    ("polls/s", 110),
    ("delivery", 130),
    ("p99", 0),
    ("commit p99", 100),
    ("bell p99", 120),
    ("lost rings/s", 140),
    ("errors/s", 0),
)


def table(nodes: Mapping[str, State], width: int) -> Table:
    """For a terminal of `width` columns."""
    shown = [number for number, (_, least) in enumerate(COLUMNS) if width >= least]
    made = Table(box=None, pad_edge=False, header_style="bold")
    made.add_column("node", no_wrap=True)
    made.add_column("state", no_wrap=True)
    for number in shown:
        made.add_column(COLUMNS[number][0], justify="right", no_wrap=True)

    def add(node: Text | str, state: Text | str, cells: Sequence[Text | str] = ()) -> None:
        made.add_row(node, state, *[cells[number] for number in shown if number < len(cells)])

    for url, state in nodes.items():
        node = url.split("://", 1)[-1]
        if isinstance(state, Span):
            add(node, health(state), _numbers(state))
        else:
            add(node, Text(f"down: {_reason(state)}", "bold red") if state else Text("…", "dim"))
    known = [state for state in nodes.values() if isinstance(state, Span)]
    if len(nodes) > 1 and known:
        made.add_section()
        add(Text("all", "bold"), f"{len(known)} of {len(nodes)}", _sums(known))
    return made


def _reason(error: OSError) -> str:
    """In few words: urllib wraps what the system says."""
    inner = getattr(error, "reason", error)
    return (getattr(inner, "strerror", None) or str(inner)).lower()


def health(span: Span) -> Text:
    """The worst that is known of it."""
    deaf, failing = span.now.sum("webchat_deaf_workers"), span.now.sum("webchat_failing_workers")
    if failing:
        return Text(f"{failing:.0f} cannot write", "bold red")
    if deaf:
        return Text(f"{deaf:.0f} deaf", "yellow")
    return Text("well", "green")


def _numbers(span: Span) -> list[Text | str]:
    parked, places = span.now.sum("webchat_parked_polls"), span.now.sum("webchat_poll_places")
    full = parked / places if places else 0.0
    errors = span.rate("webchat_failed_requests_total")
    lost = span.rate("webchat_gaps_total") + span.rate("webchat_late_rings_total")
    late = span.quantile(0.99, "webchat_delivery_seconds")
    return [
        f"{span.now.sum('webchat_workers'):.0f}",
        f"{parked:,.0f}",
        Text(f"{full:.0%}", "yellow" if full > FULL else ""),
        _rate(span.rate("webchat_requests_total", status="201", **SENT)),
        _rate(span.rate("webchat_polls_total")),
        duration(span.quantile(0.5, "webchat_delivery_seconds")),
        Text(duration(late), "yellow" if late is not None and late > SLOW else ""),
        duration(span.quantile(0.99, "webchat_commit_seconds")),
        duration(span.quantile(0.99, "webchat_doorbell_seconds")),
        Text(_rate(lost), "yellow" if lost else ""),
        Text(_rate(errors), "bold red" if errors else ""),
    ]


def _sums(spans: Sequence[Span]) -> list[Text | str]:
    """What can be added up; latencies cannot."""

    def total(count: Callable[[Span], float]) -> float:
        return sum(map(count, spans))

    parked = total(lambda span: span.now.sum("webchat_parked_polls"))
    places = total(lambda span: span.now.sum("webchat_poll_places"))
    return [
        f"{total(lambda span: span.now.sum('webchat_workers')):.0f}",
        f"{parked:,.0f}",
        f"{parked / places if places else 0:.0%}",
        _rate(total(lambda span: span.rate("webchat_requests_total", status="201", **SENT))),
        _rate(total(lambda span: span.rate("webchat_polls_total"))),
        *[""] * 4,
        _rate(total(lambda span: span.rate("webchat_gaps_total") + span.rate("webchat_late_rings_total"))),
        _rate(total(lambda span: span.rate("webchat_failed_requests_total"))),
    ]


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.1f}"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"
