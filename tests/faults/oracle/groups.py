"""Groups and receipts: who is in one in the end, and whether receipts said what was so."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from tests.faults.oracle.facts import Facts, Violation

Line = dict[str, Any]


def check(facts: Facts) -> list[Violation]:
    lines: dict[int, dict[str, tuple[float, Line]]] = defaultdict(dict)  # conversation → person → last line, and when
    for record in facts.finals["final.state"]:
        for line in record["snapshot"]["conversations"]:
            lines[line["id"]][record["snapshot"]["me"]["name"]] = (record["t"], line)
    return [*_members(facts, lines), *_told(facts), *_in_the_end(facts, lines)]


def _members(facts: Facts, lines: dict[int, dict[str, tuple[float, Line]]]) -> list[Violation]:
    """A group's notes tell who is in it: each adds who was not there, or removes who was."""
    found = []
    for group, made in facts.groups.items():
        if group not in facts.histories:
            continue
        inside, removed = set(made["members"]), Counter[str]()
        for note in facts.histories[group]:
            kind, name = note.get("kind"), note["text"]
            if kind == "added" and name not in inside:
                inside.add(name)
            elif kind == "removed" and name in inside:
                inside.remove(name)
                removed[name] += 1
            elif kind in ("added", "removed"):
                found.append(Violation("membership", f"group {group}: {name} was {kind} twice in a row"))
        said = set(lines[group])
        if said != inside:
            found.append(
                Violation("membership", f"group {group} is in the snapshots of {said}, its notes say {inside}")
            )
        acknowledged = Counter(one["name"] for one in facts.seats if one["conv"] == group and not one["add"])
        found += [
            Violation("membership", f"group {group}: {name} was removed {count} times, its notes say {removed[name]}")
            for name, count in acknowledged.items()
            if count > removed[name] and facts.lost is None
        ]
    return found


def _told(facts: Facts) -> list[Violation]:
    """What one client is told of a conversation, from one snapshot to the next, only rises."""
    found = []
    for client, records in facts.of_client.items():
        last: dict[int, tuple[int, int]] = {}
        for record in records:
            if record["e"] == "load":
                last = {}
            for event in record.get("events", ()):
                if event["type"] == "receipt":
                    talk, now = event["conversation"], (event["delivered"], event["read"])
                    was = last.get(talk, (0, 0))
                    said = len(facts.histories[talk]) if talk in facts.histories and facts.lost is None else now[0]
                    if now[0] < was[0] or now[1] < was[1] or not now[1] <= now[0] <= said:
                        sentence = f"{client}, conversation {talk}: {now} after {was}, of {said}"
                        found.append(Violation("receipts", sentence, record["t"]))
                    last[talk] = now
    return found


def _in_the_end(facts: Facts, lines: dict[int, dict[str, tuple[float, Line]]]) -> list[Violation]:
    """No further than the slowest; and where everybody has said that all has arrived, that far."""
    found = []
    for talk, of_person in lines.items():
        history = facts.histories.get(talk)
        if history is None or facts.lost is not None:
            continue
        back = any(one.get("back") for one in facts.reads if one["conv"] == talk)
        slowest = len(history) if back else min(line["read_number"] for _, line in of_person.values())
        got = {
            one["who"]: one["t"] for one in facts.receipts if dict(one["delivered"]).get(str(talk), 0) >= len(history)
        }
        complete = got.keys() >= of_person.keys() and len(of_person) > 1
        for person, (t, line) in of_person.items():
            delivered, read = line.get("delivered", 0), line.get("read", 0)
            if read > min(slowest, delivered) or delivered > len(history):
                said = f"delivered {delivered}, read {read} of {len(history)}; the slowest has read {slowest}"
                found.append(Violation("receipts", f"{person}, conversation {talk}: {said}", t))
            if complete and t > max(got.values()) and delivered != len(history):
                found.append(Violation("receipts", f"{person}, conversation {talk}: {delivered} of {len(history)}", t))
    return found
