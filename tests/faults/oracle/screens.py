"""What the clients showed: replayed from what they were told, and held against history and fresh snapshots."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from tests.faults.history import Record
from tests.faults.oracle.facts import SLACK, Facts, Violation
from tests.faults.screen import Screen, same

LATE = 2.0  # seconds: the promise while the doorbell is broken


def check(facts: Facts) -> list[Violation]:
    found: list[Violation] = []
    for client, records in facts.of_client.items():
        found += _replay(facts, client, records)
    return found + [Violation("prompt", sentence, t) for late, limit, sentence, t in lateness(facts) if late > limit]


def _replay(facts: Facts, client: str, records: list[Record]) -> list[Violation]:
    screen, found = Screen(), []
    pending: dict[str, Any] | None = None  # the fresh snapshot that the model has yet to reach
    told = 0
    for record in records:
        t = record["t"]
        if record.get("uncommitted"):
            found.append(Violation("committed-first", f"{client} was shown messages {record['uncommitted']}", t))
        match record["e"]:
            case "load":
                screen.load(record["snapshot"], dict(record["pages"]))
                found += _agrees(facts, client, [m for _, page in record["pages"] for m in page], t)
            case "poll" if record.get("events"):
                screen.events(record["events"])
                said = [event["message"] for event in record["events"] if event["type"] in ("message", "changed")]
                found += _agrees(facts, client, said, t)
            case "final.state":
                pending = _summary(record["snapshot"])
                found += _recount(facts, client, record["snapshot"], t)
        found += [Violation(invariant, f"{client}: {said}", t) for invariant, said in screen.complaints[told:]]
        told = len(screen.complaints)
        if pending is not None and screen.summary() == pending:
            pending = None
    if pending is not None and _polls_to_the_end(facts, client):
        found.append(Violation("snapshot", f"{client} came to {_difference(screen.summary(), pending)}"))
    return found + (_in_the_end(facts, client, screen) if _polls_to_the_end(facts, client) else [])


def _in_the_end(facts: Facts, client: str, screen: Screen) -> list[Violation]:
    """All there is, and nothing else."""
    found = []
    for number, talk in screen.talks.items():
        history = facts.histories.get(number, [])
        if talk.last < len(history):
            found.append(
                Violation("delivered", f"{client} shows conversation {number} up to {talk.last} of {len(history)}")
            )
        there = {message["number"]: message for message in history}
        found += [
            Violation(
                "changes" if same(message, there.get(shown, {})) else "agreement",
                f"in the end {client} shows {message}, history has {there.get(shown)}",
            )
            for shown, message in talk.shown.items()
            if number in facts.histories and message != there.get(shown)
        ]
    return found


def _agrees(facts: Facts, client: str, shown: list[Any], t: float) -> list[Violation]:
    """Every member shows what history has under that number, then or by now; so all show the same."""
    found: list[Violation] = []
    for message in shown:
        history = facts.histories.get(message["conversation"])
        if history is None or (facts.lost is not None and t <= facts.lost[1]):
            continue
        there = history[message["number"] - 1] if message["number"] <= len(history) else None
        if there is None or not same(message, there):
            found.append(Violation("agreement", f"{client} showed {message}, history has {there}", t))
    return found


def _recount(facts: Facts, client: str, snapshot: Any, t: float) -> list[Violation]:
    found = []
    me = snapshot["me"]["name"]
    for talk in snapshot["conversations"]:
        history = facts.histories.get(talk["id"])
        if history is None:
            continue
        marks = [one for one in facts.reads if one["who"] == me and one["conv"] == talk["id"]]
        own = [message["number"] for message in history if message["from"] == me]
        if any(one.get("back") for one in marks):  # it may be anywhere, then
            marks, own = [], []
        read = max([one["number"] for one in marks if not one.get("asked")] + own, default=0)
        unread = sum(message["number"] > talk["read_number"] for message in history)
        if talk["unread"] != unread or talk["read_number"] < read:
            said = f"unread {talk['unread']}, read up to {talk['read_number']}"
            found.append(Violation("unread", f"{client}, conversation {talk['id']}: {said}; it is {unread}, {read}", t))
    return found


def lateness(facts: Facts) -> list[tuple[float, float, str, float]]:
    """(seconds late, seconds allowed, a sentence, when) for every acknowledged message and client that polled.

    Late counts from the acknowledgement, or from the start of the client's first poll after that.
    """
    first = {cid: send.acks[0] for cid, send in facts.sends.items() if send.acks}
    acknowledged = {ack["message"]["id"]: (cid, ack["t"]) for cid, ack in first.items()}
    found = []
    for client, records in facts.of_client.items():
        first_load = next((record["t"] for record in records if record["e"] == "load"), float("inf"))
        polls = [record for record in records if record["e"] == "poll"]
        seen: set[int] = set()
        ends = [poll["t"] for poll in polls]
        for record in records:
            for number in _messages(facts, record):
                if number in seen or number not in acknowledged:
                    continue
                seen.add(number)
                cid, said = acknowledged[number]
                if said < first_load or said > record["t"]:
                    continue
                at = bisect_left(ends, said)
                begin = max(said, polls[at]["t0"]) if at < len(polls) else said
                limit = LATE + SLACK + facts.lag + facts.stalls(begin, record["t"])
                late = record["t"] - begin
                found.append((late, limit, f"{cid} came to {client} {late:.1f} s late", record["t"]))
    return found


def _messages(facts: Facts, record: Record) -> list[int]:
    """Pages of a group also have what was said before one was there."""
    if record["e"] == "load":
        return [message["id"] for talk, page in record["pages"] if talk not in facts.groups for message in page]
    return [event["message"]["id"] for event in record.get("events", ()) if event["type"] == "message"]


def _polls_to_the_end(facts: Facts, client: str) -> bool:
    return any(client in record["clients"] for record in facts.finals["final.polling"])


def _summary(snapshot: Any) -> dict[str, Any]:
    screen = Screen()
    screen.load(snapshot, {})
    return screen.summary()


def _difference(came: dict[str, Any], fresh: dict[str, Any]) -> str:
    return "; ".join(
        f"{key} {came[part].get(key)}, fresh {fresh[part].get(key)}"
        for part in fresh
        for key in sorted({*came[part], *fresh[part]}, key=str)
        if came[part].get(key) != fresh[part].get(key)
    )
