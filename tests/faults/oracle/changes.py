"""What was done to messages later, against what everybody ends with.

The last acknowledged one counts. What failed at least once on its way may have been carried out, also late: a frozen
worker goes on with a request when its client has long asked another one. So an outcome is right that the last
acknowledged change explains, or any that failed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from tests.faults.oracle.facts import Facts, Violation
from tests.faults.screen import Message, revision, same


@dataclass
class Change:
    """One change that a client meant; `told` is the message as it was acknowledged."""

    who: str
    what: str
    value: str
    failed: bool = False
    told: Message | None = None
    t: float = 0.0


@dataclass
class Changes:
    """All changes of one message, in the order in which they were meant."""

    every: list[Change] = field(default_factory=list)

    @property
    def acknowledged(self) -> list[Change]:
        return [one for one in self.every if one.told is not None]


def check(facts: Facts) -> list[Violation]:
    there = {message["id"]: message for history in facts.histories.values() for message in history}
    found = []
    for id, changes in _of_messages(facts).items():
        if any(facts.is_lost(one.t) for one in changes.every):
            continue
        if id in there:
            found += _outcome(there[id], changes)
    return found + [violation for client in facts.of_client for violation in _went_back(facts, client)]


def _of_messages(facts: Facts) -> dict[int, Changes]:
    every: dict[int, Changes] = defaultdict(Changes)
    by_key: dict[str, Change] = {}
    for record in facts.changes:
        if record["e"] == "change":
            by_key[record["key"]] = Change(record["who"], record["what"], record["value"], t=record["t"])
            every[record["id"]].every.append(by_key[record["key"]])
        elif record.get("failed"):
            by_key[record["key"]].failed = True
        else:
            by_key[record["key"]].told = record["message"]
    return every


def _outcome(message: Message, changes: Changes) -> list[Violation]:
    acknowledged = changes.acknowledged
    last = max((one.told for one in acknowledged if one.told), key=revision, default=None)
    if last is None:
        return []
    name = f"message {message['id']}"
    if not same(last, message) or revision(message) < revision(last):
        return [Violation("changes", f"{name} ended as {message}, acknowledged was {last}")]
    failed = [one for one in changes.every if one.failed or one.told is None]
    if revision(message) > revision(last) and not failed:
        return [Violation("changes", f"{name} has revision {revision(message)}, the last told of is {revision(last)}")]
    return _text(name, message, changes, failed) + _reactions(name, message, changes, failed)


def _text(name: str, message: Message, changes: Changes, failed: list[Change]) -> list[Violation]:
    edits = [one for one in changes.acknowledged if one.what in ("edit", "delete")]
    if not edits:
        return []
    last = max(edits, key=lambda one: revision(one.told or {}))
    right = {last.value} | {one.value for one in failed if one.what in ("edit", "delete")}
    if message["text"] in right and bool(message.get("deleted")) == (message["text"] == ""):
        return []
    return [Violation("changes", f"{name} says {message['text']!r}, the last acknowledged edit {last.value!r}")]


def _reactions(name: str, message: Message, changes: Changes, failed: list[Change]) -> list[Violation]:
    if message.get("deleted"):
        wrong = message.get("reactions")
        return [Violation("changes", f"{name} is deleted and has reactions {wrong}")] if wrong else []
    last: dict[tuple[str, str], Change] = {}
    for one in changes.acknowledged:  # of one device, one after the other
        if one.what in ("react", "unreact"):
            last[one.who, one.value] = one
    unsure = {(one.who, one.value) for one in failed}
    found = []
    for (who, emoji), one in last.items():
        is_on = who in message.get("reactions", {}).get(emoji, ())
        if (who, emoji) not in unsure and is_on != (one.what == "react"):
            found.append(Violation("changes", f"{name}: {emoji} of {who} is {is_on}, last was {one.what}"))
    return found


def _went_back(facts: Facts, client: str) -> list[Violation]:
    """In the order in which a client is told of a message, its revision never goes down."""
    told: dict[int, int] = {}
    found = []
    for record in facts.of_client[client]:
        if record["e"] == "load":
            told.clear()
        for event in record.get("events", ()):
            if event["type"] not in ("message", "changed"):
                continue
            id, now = event["message"]["id"], revision(event["message"])
            if now < told.get(id, 0):
                said = f"{client} was told of revision {now} of message {id} after {told[id]}"
                found.append(Violation("changes", said, record["t"]))
            told[id] = now
    return found
