"""Every single request: answered, in time, and honestly."""

from __future__ import annotations

from tests.faults.history import Record
from tests.faults.oracle.facts import SLACK, Facts, Violation

NO_NODE = (502, 504)  # what the proxy in front says of a node that it lost with the request, or cannot find
QUICK = 3.0  # seconds for anything that is not held; a hash of a password takes the longest


def check(facts: Facts) -> list[Violation]:
    found = [violation for record in facts.requests for violation in _request(facts, record)]
    return found + [
        Violation(claim["invariant"], claim["sentence"], claim["t"]) for claim in facts.claims if not claim["holds"]
    ]


def _request(facts: Facts, record: Record) -> list[Violation]:
    what = f"{record['c']} at node {record['n']}: {record.get('call') or record['e']}"
    begin, end = record["t0"], record["t"]
    found: list[Violation] = []
    limit = record.get("hold", 0) + QUICK + SLACK + facts.lag + facts.stalls(begin, end)
    if end - begin > limit:
        found.append(Violation("in-time", f"{what} took {end - begin:.1f} s of {limit:.1f}", end))
    if record.get("failed") in ("cut", "refused") and not facts.cuts(begin, end):
        found.append(Violation("answered", f"{what} was {record['failed']}", end))
    status = record.get("status", 0)
    if facts.is_spotless(begin, end) and (status >= 500 or record.get("failed", "own") not in ("own", "stale")):
        return [*found, Violation("answered", f"{what} failed: {record.get('failed', status)}", end)]
    if facts.run.get("hosts") and status in NO_NODE:
        return found if facts.cuts(begin, end) else [*found, Violation("answered", f"{what} found no node", end)]
    if status in record.get("expected", ()):
        return found
    if status >= 500 and not (status == 503 and record.get("retry_after")):
        found.append(Violation("honest", f"{what} was answered {status} without Retry-After", end))
    elif 400 <= status < 500:
        found.append(Violation("honest", f"{what} was refused with {status}", end))
    return found
