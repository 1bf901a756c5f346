"""The report of a run: a table of faults with their recovery times, the numbers, the verdict."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.history import Record
from tests.faults.oracle import INVARIANTS, Violation
from tests.faults.oracle.facts import SLACK, Facts
from tests.faults.oracle.screens import LATE, lateness

SHOWN = 20  # violations of each invariant that are told in full


def quantile(values: Sequence[float], q: float) -> float:
    """The value below which `q` of the values lie; of few values the highest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else 0.0


def table(facts: Facts) -> Table:
    """Fault kind × times injected × recovery."""
    times: dict[str, list[float]] = defaultdict(list)
    count: Counter[str] = Counter()
    for fault in facts.faults.values():
        count[fault.kind] += 1
        if fault.recovery is not None:
            times[fault.kind].append(fault.recovery)
    made = Table(
        "fault",
        "times",
        "recovery p50",
        "p99",
        title="seconds from the heal until all is fast again (of two faults at once: from both)",
    )
    for column in made.columns[1:]:
        column.justify = "right"
    for kind in sorted(count):
        made.add_row(kind, str(count[kind]), f"{quantile(times[kind], 0.5):.2f}", f"{quantile(times[kind], 0.99):.2f}")
    return made


def numbers(records: Sequence[Record], facts: Facts) -> list[str]:
    """What the run was, in a few lines."""
    every = lateness(facts)
    late = [one[0] for one in every]
    # Whoever polled at a worker that froze or died waited for that; the others only for the doorbell.
    undisturbed = [one[0] for one in every if one[1] <= LATE + SLACK + facts.lag]
    sends = facts.sends.values()
    acknowledged = sum(bool(send.acks) for send in sends)
    tries = [one for send in sends for one in send.tries]
    polls = [record for record in records if record["e"] == "poll"]
    failures = Counter(record["failed"] for record in [*polls, *tries] if "failed" in record)
    refused = sum(record.get("status", 0) >= 500 for record in [*polls, *tries])
    seconds = records[-1]["t"] if records else 0
    failed = ", ".join(f"{how} {n}" for how, n in sorted(failures.items())) or "none"
    sent = f"{len(sends)} messages meant, {acknowledged} acknowledged, in {len(tries)} requests"
    shown = (
        f"p50 {quantile(late, 0.5) * 1000:.0f} ms, p99 {quantile(late, 0.99):.2f} s, worst {max(late, default=0):.2f} s"
    )
    others = f"p99 {quantile(undisturbed, 0.99):.2f} s, worst {max(undisturbed, default=0):.2f} s"
    return [
        f"{sent}; {len(polls)} polls; {len(records)} records in {seconds:.0f} s",
        f"requests that failed: {failed}; honest 503s: {refused}",
        f"from acknowledgement to screen: {shown}, of {len(late)} deliveries",
        f"without those that a killed or frozen worker, or a locked database, may have held up: {others}, of "
        + str(len(undisturbed)),
        f"the harness itself was at worst {facts.lag:.2f} s late",
    ]


def show(console: Console, records: Sequence[Record], violations: Sequence[Violation], path: Path | None) -> None:
    facts = Facts(records)
    if facts.faults:
        console.print(table(facts))
    for line in numbers(records, facts):
        console.print(line, highlight=False)
    show_violations(console, violations)
    if path:
        console.print(f"history: {path}  (judge it again: ./chat faults --judge {path})", highlight=False)


def show_violations(console: Console, violations: Sequence[Violation]) -> None:
    if not violations:
        console.print("[green]no violation[/green]")
        return
    for invariant, count in Counter(violation.invariant for violation in violations).items():
        console.print(f"[red]{invariant}[/red] × {count}; promised: {INVARIANTS[invariant]}", highlight=False)
        for violation in [one for one in violations if one.invariant == invariant][:SHOWN]:
            console.print(f"  {violation.t:8.2f} s  {violation.sentence}", highlight=False, markup=False)
    console.print(f"[red]{len(violations)} violations[/red]")
