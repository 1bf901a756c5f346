"""The oracle: from a history alone to the list of promises that were broken. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.faults.history import Record
from tests.faults.oracle import changes, files, groups, leftovers, messages, people, requests, screens
from tests.faults.oracle.facts import Facts, Violation

__all__ = ["INVARIANTS", "Violation", "judge"]

CHECKS: tuple[Callable[[Facts], list[Violation]], ...] = (
    messages.check,
    changes.check,
    files.check,
    screens.check,
    groups.check,
    people.check,
    requests.check,
    leftovers.check,
)
# What a violation is called, and what then does not hold.
INVARIANTS: dict[str, str] = {
    "acknowledged": "every acknowledged message is in history exactly once, with its text",
    "unsent": "nothing is in history that nobody sent",
    "at-most-once": "an unacknowledged message is there once or not at all",
    "sender-order": "each client's own messages stand in the order sent",
    "changes": "everybody ends with the last acknowledged change of a message, and is told of none after a later one",
    "files": "a file is what was uploaded, for the other members, for as long as its message is there",
    "people": "everybody is shown the last acknowledged line under a name, and whom they block",
    "committed-first": "nothing was shown or acknowledged before it was committed",
    "slice": "what a client showed is a gap-free slice of the conversation's one order",
    "agreement": "and the same for all members",
    "delivered": "in the end every polling client showed all there is",
    "prompt": "and showed it in time",
    "snapshot": "snapshot plus events equals a fresh snapshot",
    "unread": "unread counts equal a recount",
    "membership": "a group is in the snapshots of those whom its notes make members, and of nobody else",
    "receipts": "receipts only rise, are never ahead of what was said and read, and reach the end",
    "honest": "no 5xx but 503 with Retry-After; nobody is refused or logged out without a cause",
    "answered": "no request was cut off but by a fault that cuts",
    "in-time": "no request hung past its time",
    "cursor": "a cursor that is stale, from the future, or garbage is answered so",
    "revoked": "a log-out ends the session's polls",
    "recovery": "after each fault, everything was fast again in the time promised",
    "presence": "who is online is right at the end",
    "resources": "all counts are back at their start",
    "integrity": "the database is whole, and no process was left behind",
}


def judge(records: Sequence[Record]) -> list[Violation]:
    """Every violation, in the order of the invariants' checks."""
    facts = Facts(records)
    return [violation for check in CHECKS for violation in check(facts)]
