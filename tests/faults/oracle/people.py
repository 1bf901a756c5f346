"""What people did about themselves and others, against what everybody is shown in the end.

As with changes of messages, an outcome is right that the last acknowledged deed explains, or any that failed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from tests.faults.oracle.facts import Facts, Violation

Key = tuple[str, str, str]  # who did what about whom


@dataclass
class Deed:
    value: Any
    t: float
    failed: bool = False
    acknowledged: bool = False


def check(facts: Facts) -> list[Violation]:
    right = _right(facts)
    found = []
    for record in facts.finals["final.state"]:
        snapshot, client = record["snapshot"], record["c"]
        shown: dict[Key, Any] = {(snapshot["me"]["name"], "status", ""): snapshot["me"].get("status", "")}
        shown |= {(friend["name"], "status", ""): friend.get("status", "") for friend in snapshot["friends"]}
        me, blocked = snapshot["me"]["name"], snapshot.get("blocked", [])
        shown |= {key: key[2] in blocked for key in right if key[:2] == (me, "block")}
        found += [
            Violation("people", f"{client} is shown {' '.join(key)} as {value!r}, right is {right[key]}", record["t"])
            for key, value in shown.items()
            if key in right and value not in right[key]
        ]
    return found


def _right(facts: Facts) -> dict[Key, list[Any]]:
    """What each may have come to."""
    deeds: dict[Key, list[Deed]] = defaultdict(list)
    by_key: dict[str, Deed] = {}
    for record in facts.deeds:
        if record["e"] == "deed":
            by_key[record["key"]] = Deed(record["value"], record["t"])
            deeds[record["who"], record["what"], record["about"]].append(by_key[record["key"]])
        elif record.get("failed"):
            by_key[record["key"]].failed = True
        else:
            by_key[record["key"]].acknowledged = record["status"] < 300
    right = {}
    for key, every in deeds.items():
        if any(facts.is_lost(deed.t) for deed in every):
            continue
        last = next((deed.value for deed in reversed(every) if deed.acknowledged), "" if key[1] == "status" else False)
        right[key] = [last, *(deed.value for deed in every if deed.failed or not deed.acknowledged)]
    return right
