"""What remains when all is over, and how long it took to get well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.faults.oracle.facts import SLACK, Facts, Violation

MARGIN = {"files": 8, "greenlets": 8}  # per worker: a log, a connection that is just being made


def check(facts: Facts) -> list[Violation]:
    return [*_recoveries(facts), *_presence(facts), *_resources(facts), *_integrity(facts)]


def _recoveries(facts: Facts) -> list[Violation]:
    found = []
    for fault in facts.faults.values():
        if fault.recovery is None:
            found.append(Violation("recovery", f"{fault.kind}: never well again", fault.injected))
        elif fault.recovery > fault.promise + SLACK + facts.lag:
            found.append(
                Violation("recovery", f"{fault.kind}: {fault.recovery:.1f} s of {fault.promise:g}", fault.injected)
            )
    return found


def _presence(facts: Facts) -> list[Violation]:
    return [
        Violation("presence", f"{client} sees {friend} {'online' if online else 'offline'}", record["t"])
        for record in facts.finals["final.presence"]
        for client, friends in record["seen"].items()
        for friend, online in friends.items()
        if online != (friend in record["online"])
    ]


def _resources(facts: Facts) -> list[Violation]:
    found = []
    for record in facts.finals["final.baseline"]:
        before, after = record["before"], record["after"]
        found += [
            Violation("resources", f"{name}: {before[name]} before, {after[name]} after", record["t"])
            for name in ("parked", "mailboxes", "channels")
            if after[name] > before[name]
        ]
        for name, margin in MARGIN.items():
            usual = max(before[name].values(), default=0)
            found += [
                Violation("resources", f"worker {pid} holds {count} {name}; {usual} before", record["t"])
                for pid, count in _above(after[name], usual + margin).items()
            ]
    return found


def _above(counts: Mapping[str, Any], limit: int) -> dict[str, int]:
    return {pid: count for pid, count in counts.items() if count > limit}


def _integrity(facts: Facts) -> list[Violation]:
    found = [
        Violation("integrity", f"integrity_check: {record['said']}", record["t"])
        for record in facts.finals["final.integrity"]
        if record["said"] != "ok"
    ]
    return found + [
        Violation("integrity", f"processes had to be killed: {record['pids']}", record["t"])
        for record in facts.finals["final.processes"]
        if record["pids"]
    ]
