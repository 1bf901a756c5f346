"""The oracle on hand-made histories: a clean one passes, and each promise that is broken is found by its name."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.history import History, Record, load
from tests.faults.oracle import INVARIANTS, judge


def message(number: int, text: str, sender: str = "ann", conversation: int = 1) -> dict[str, Any]:
    return {
        "id": number,
        "conversation": conversation,
        "number": number,
        "from": sender,
        "text": text,
        "sent_at": "2026-11-22T10:00:00.000Z",
        "client_id": f"{sender}:{number}",
    }


def snapshot(me: str, last: int, read: int, online: bool = True) -> dict[str, Any]:
    other = "bob" if me == "ann" else "ann"
    talk = {"id": 1, "last_number": last, "read_number": read, "unread": last - read, "open": True, "with": other}
    talk |= {"kind": "direct"}
    friend = {"name": other, "online": online, "conversation": 1}
    return {
        "cursor": f"e.{me}.{last}",
        "me": {"name": me},
        "friends": [friend],
        "requests": [],
        "conversations": [talk],
    }


def edited(text: str, revision: int) -> dict[str, Any]:
    return FIRST | {"text": text, "edited_at": "2026-11-22T10:00:01.000Z", "revision": revision}


def with_an_edit() -> list[Record]:
    """The same, and Ann corrects her first message; Bob, who has it on his screen, reacts before."""
    records = clean()
    reacted = FIRST | {"reactions": {"👍": ["bob"]}, "revision": 1}
    last = edited("won", 2) | {"reactions": {"👍": ["bob"]}}
    here = records.index(the(records, "inject"))

    def change(key: str, who: str, what: str, value: str, told: Any) -> list[Record]:
        meant = {"t": 1.7, "e": "change", "c": who, "who": who, "key": key, "id": 1, "what": what, "value": value}
        return [meant, {"t": 1.8, "e": "changed", "c": who, "key": key, "status": 200, "message": told}]

    events = [{"type": "changed", "message": one} for one in (reacted, last)]
    records[here:here] = [
        *change("b", "bob", "react", "👍", reacted),
        *change("a", "ann", "edit", "won", last),
        {"t": 1.9, "e": "poll", "c": "bob", "n": 1, "t0": 1.6, "hold": 6, "status": 200, "events": events},
    ]
    the(records, "final.history")["messages"][0] = dict(last)
    return records


UNACKNOWLEDGED = {"t": 5, "e": "send", "c": "ann", "cid": "x", "conv": 1, "text": "x", "k": 3, "who": "ann"}
FIRST, SECOND = message(1, "one"), message(2, "two")


def clean() -> list[Record]:
    """Ann sends two messages to Bob, who polls, reads the first, and is polling at the end."""

    def send(number: int, text: str, t: float) -> list[Record]:
        common = {"c": "ann", "cid": f"ann:{number}"}
        return [
            {"t": t, "e": "send", **common, "conv": 1, "text": text, "k": number, "who": "ann"},
            {"t": t + 0.1, "e": "try", **common, "n": 0, "t0": t, "status": 201, "message": message(number, text)},
        ]

    def poll(t0: float, t: float, *messages: Any) -> Record:
        events = [{"type": "message", "message": one} for one in messages]
        return {"t": t, "e": "poll", "c": "bob", "n": 1, "t0": t0, "hold": 6, "status": 200, "events": events}

    empty = {"parked": 0, "mailboxes": 0, "channels": 0, "files": {"7": 20}, "greenlets": {"7": 9}}
    return [
        {"t": 0, "e": "load", "c": "bob", "snapshot": snapshot("bob", 0, 0), "pages": [[1, []]]},
        *send(1, "one", 1.0),
        poll(0.5, 1.2, FIRST),
        {"t": 1.5, "e": "read", "c": "bob", "who": "bob", "conv": 1, "number": 1},
        poll(1.2, 1.6) | {"events": [{"type": "read", "conversation": 1, "read_number": 1}]},
        {"t": 2, "e": "inject", "id": "f", "kind": "kill", "node": 0, "promise": 5, "cuts": True, "stalls": 0.0},
        {"t": 2.1, "e": "heal", "id": "f"},
        {"t": 3, "e": "recovered", "id": "f", "seconds": 0.9},
        *send(2, "two", 9.0),
        poll(8.0, 9.2, SECOND),
        {"t": 10, "e": "final.history", "conv": 1, "messages": [FIRST, SECOND]},
        {"t": 10, "e": "final.polling", "clients": ["bob"]},
        {"t": 10, "e": "final.state", "c": "bob", "snapshot": snapshot("bob", 2, 1)},
        {"t": 11, "e": "final.presence", "online": ["ann", "bob"], "seen": {"bob": {"ann": True}}},
        {"t": 12, "e": "final.baseline", "before": empty, "after": copy.deepcopy(empty)},
        {"t": 12, "e": "final.integrity", "said": "ok"},
        {"t": 12, "e": "final.processes", "pids": []},
    ]


def failed_poll(how: str, t: float) -> Record:
    return {"t": t, "e": "poll", "c": "bob", "n": 0, "t0": t - 0.2, "hold": 6, "failed": how}


def the(records: list[Record], event: str, nth: int = 0) -> Record:
    return [record for record in records if record["e"] == event][nth]


def as_a_group(records: list[Record], kind: str, name: str) -> None:
    """The conversation is a group of both, and its second message is a note."""
    records.append({"t": 0, "e": "group", "conv": 1, "owner": "ann", "members": ["ann", "bob"]})
    the(records, "final.history")["messages"][1] = SECOND | {"kind": kind, "text": name}


def told_receipts(records: list[Record], *numbers: tuple[int, int]) -> None:
    events = [{"type": "receipt", "conversation": 1, "delivered": one, "read": two} for one, two in numbers]
    the(records, "poll", 1)["events"] += events


def all_have_it(records: list[Record]) -> None:
    """Both have said that they have got both messages, and the snapshots know nothing of it."""
    for n, name in enumerate(("ann", "bob")):
        records.insert(-6, {"t": 9.5 + n / 10, "e": "receipts", "c": name, "who": name, "delivered": [["1", 2]]})
    state = {"t": 10, "e": "final.state", "c": "ann", "snapshot": snapshot("ann", 2, 2)}
    records.insert(-4, state)


Change = Callable[[list[Record]], object]

BROKEN: list[tuple[str, str, Change]] = [
    ("acknowledged", "lost", lambda all_: the(all_, "final.history")["messages"].pop()),
    (
        "acknowledged",
        "twice",
        lambda all_: the(all_, "final.history")["messages"].append(message(3, "two")),
    ),
    ("acknowledged", "with another text", lambda all_: the(all_, "try")["message"].update(text="none")),
    (
        "acknowledged",
        "as new again on a retry",
        lambda all_: all_.insert(6, the(all_, "try") | {"t": 1.4, "t0": 1.3}),
    ),
    ("unsent", "from nowhere", lambda all_: the(all_, "final.history")["messages"].append(message(3, "who?"))),
    (
        "at-most-once",
        "unacknowledged twice",
        lambda all_: the(all_, "final.history")["messages"].extend([message(3, "x"), message(4, "x")]),
    ),
    (
        "sender-order",
        "swapped",
        lambda all_: (the(all_, "send", 0).update(k=2), the(all_, "send", 1).update(k=1)),
    ),
    ("committed-first", "acknowledged too soon", lambda all_: the(all_, "try").update(uncommitted=True)),
    ("committed-first", "shown too soon", lambda all_: the(all_, "poll").update(uncommitted=[1])),
    ("slice", "a hole", lambda all_: the(all_, "poll", 0).update(events=[])),
    ("agreement", "another text", lambda all_: the(all_, "poll")["events"][0].update(message=message(1, "won"))),
    ("delivered", "the last is not shown", lambda all_: the(all_, "poll", 2).update(events=[])),
    ("prompt", "late", lambda all_: the(all_, "poll", 2).update(t=9.1 + 4.5)),
    ("snapshot", "differs", lambda all_: the(all_, "final.state")["snapshot"]["friends"][0].update(online=False)),
    ("unread", "wrong", lambda all_: the(all_, "final.state")["snapshot"]["conversations"][0].update(unread=2)),
    (
        "membership",
        "of nobody by its notes",
        lambda all_: all_.append({"t": 0, "e": "group", "conv": 1, "owner": "ann", "members": ["ann"]}),
    ),
    ("membership", "added twice", lambda all_: as_a_group(all_, "added", "bob")),
    ("receipts", "back", lambda all_: told_receipts(all_, (2, 1), (1, 1))),
    ("receipts", "read before it came", lambda all_: told_receipts(all_, (1, 2))),
    ("receipts", "of what was never said", lambda all_: told_receipts(all_, (3, 1))),
    (
        "receipts",
        "ahead of the slowest",
        lambda all_: the(all_, "final.state")["snapshot"]["conversations"][0].update(delivered=2, read=2),
    ),
    ("receipts", "not all the way", all_have_it),
    (
        "unread",
        "a read mark was not kept",
        lambda all_: the(all_, "final.state")["snapshot"]["conversations"][0].update(unread=2, read_number=0),
    ),
    ("honest", "a crash", lambda all_: the(all_, "poll", 1).update(status=500)),
    ("honest", "503 and no word of when", lambda all_: the(all_, "poll", 1).update(status=503)),
    ("honest", "logged out", lambda all_: the(all_, "poll", 1).update(status=401)),
    ("answered", "cut off, and no fault near", lambda all_: the(all_, "poll", 2).update(failed="cut", t=9.05)),
    ("in-time", "held too long", lambda all_: the(all_, "poll", 1).update(t0=-12)),
    (
        "cursor",
        "garbage accepted",
        lambda all_: all_.append({"t": 4, "e": "claim", "invariant": "cursor", "holds": False, "sentence": "!"}),
    ),
    (
        "revoked",
        "polls on",
        lambda all_: all_.append({"t": 4, "e": "claim", "invariant": "revoked", "holds": False, "sentence": "!"}),
    ),
    ("recovery", "slow", lambda all_: the(all_, "recovered").update(seconds=7.5)),
    ("recovery", "never", lambda all_: all_.remove(the(all_, "recovered"))),
    ("presence", "a ghost", lambda all_: the(all_, "final.presence").update(online=["bob"])),
    ("resources", "a mailbox is left", lambda all_: the(all_, "final.baseline")["after"].update(mailboxes=1)),
    ("resources", "files are left", lambda all_: the(all_, "final.baseline")["after"].update(files={"8": 40})),
    ("integrity", "broken", lambda all_: the(all_, "final.integrity").update(said="row 7 missing")),
    ("integrity", "a process is left", lambda all_: the(all_, "final.processes").update(pids=[7])),
]


def with_a_file(status: int = 200, digest: str = "d", deleted: bool = False) -> list[Record]:
    """The same, and Ann's first message brings a file, which Bob asks for in the end."""
    records = clean()
    sent = FIRST | {"files": [{"id": "f", "name": "a", "type": "text/plain", "size": 1}]}
    the(records, "send").update(file={"id": "f", "digest": "d"})
    for record in records:
        if record["e"] in ("try", "poll", "load", "final.history"):
            _replace(record, FIRST, sent)
    if deleted:
        gone: dict[str, Any] = {name: value for name, value in sent.items() if name != "files"}
        gone["text"], gone["deleted"], gone["revision"] = "", True, 1
        the(records, "final.history")["messages"][0] = gone
        the(records, "poll", 2)["events"].append({"type": "changed", "message": gone})
    got = {"status": status, "digest": digest if status == 200 else None}
    return [*records, {"t": 9.8, "e": "final.file", "c": "bob", "id": "f"} | got]


def _replace(value: Any, old: Any, new: Any) -> None:
    """Wherever it stands in there."""
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        if each == old:
            value[key] = new
        elif isinstance(each, dict | list):
            _replace(each, old, new)


def with_deeds(*more: Record) -> list[Record]:
    """The same, and Ann writes under her name that she is away; Bob blocks Eve."""
    records = clean()
    deeds = []
    for who, what, about, value in (("ann", "status", "", "away"), ("bob", "block", "eve", True)):
        deeds.append(deed(who, what, about, value, f"{who}1"))
        deeds.append({"t": 1.6, "e": "done", "key": f"{who}1", "status": 200})
    records[3:3] = [*deeds, *more]
    told: list[Any] = [{"type": "profile", "name": "ann", "display_name": "", "status": "away", "avatar": ""}]
    told.append({"type": "blocked", "name": "eve", "blocked": True})
    the(records, "poll", 2)["events"].extend(told)
    for record in records:
        if record["e"] == "final.state" and record["c"] == "bob":
            record["snapshot"]["friends"][0]["status"] = "away"
            record["snapshot"]["blocked"] = ["eve"]
    return records


def deed(who: str, what: str, about: str, value: Any, key: str) -> Record:
    return {"t": 1.5, "e": "deed", "c": who, "who": who, "key": key, "what": what, "about": about, "value": value}


EDIT_BROKEN: list[tuple[str, Change]] = [
    ("the edit is lost", lambda all_: the(all_, "final.history")["messages"].__setitem__(0, FIRST)),
    ("the edit is not told", lambda all_: the(all_, "poll", 2)["events"].pop()),
    ("told backwards", lambda all_: the(all_, "poll", 2)["events"].reverse()),
    ("another text", lambda all_: the(all_, "final.history")["messages"][0].update(text="one", revision=3)),
    ("the reaction is lost", lambda all_: the(all_, "final.history")["messages"][0].update(reactions={}, revision=3)),
    ("changed by nobody", lambda all_: the(all_, "final.history")["messages"][0].update(revision=3)),
]


def test_a_clean_history_has_no_violation() -> None:
    assert judge(clean()) == []
    assert judge(with_an_edit()) == []


@pytest.mark.parametrize(("what", "change"), EDIT_BROKEN, ids=[what for what, _ in EDIT_BROKEN])
def test_a_broken_promise_about_changes_is_found(what: str, change: Change) -> None:
    records = with_an_edit()
    change(records)
    assert "changes" in {violation.invariant for violation in judge(records)}, judge(records)


def test_a_failed_edit_may_be_carried_out_later() -> None:
    records = with_an_edit()
    here = records.index(the(records, "inject"))
    meant = the(records, "change", 1) | {"key": "c", "value": "one!"}
    records[here:here] = [meant, {"t": 1.95, "e": "changed", "c": "ann", "key": "c", "failed": True}]
    late = edited("one!", 3) | {"reactions": {"👍": ["bob"]}}
    the(records, "poll", 2)["events"].append({"type": "changed", "message": late})
    the(records, "final.history")["messages"][0] = late
    assert judge(records) == []


@pytest.mark.parametrize(("invariant", "what", "change"), BROKEN, ids=[f"{one}: {two}" for one, two, _ in BROKEN])
def test_each_broken_promise_is_found_by_its_name(invariant: str, what: str, change: Change) -> None:
    records = [*clean(), UNACKNOWLEDGED]
    change(records)
    assert invariant in {violation.invariant for violation in judge(records)}, judge(records)


@pytest.mark.parametrize("records", [with_a_file(), with_a_file(404, deleted=True)], ids=["sent", "deleted"])
def test_a_file_is_there_for_as_long_as_its_message(records: list[Record]) -> None:
    assert judge(records) == []


def test_a_file_that_is_not_what_was_sent_is_found() -> None:
    lost = with_a_file()
    the(lost, "final.history")["messages"][0] = FIRST
    for records in (with_a_file(404), with_a_file(digest="e"), with_a_file(200, deleted=True), lost):
        assert "files" in {violation.invariant for violation in judge(records)}, judge(records)


def test_deeds_are_shown_and_one_that_failed_may_be_carried_out_later() -> None:
    assert judge(with_deeds()) == []
    failed = {"t": 1.7, "e": "done", "key": "ann2", "failed": True}
    assert judge(with_deeds(deed("ann", "status", "", "back", "ann2"), failed)) == []


def test_deeds_that_are_not_shown_are_found() -> None:
    changes: tuple[dict[str, Any], ...] = ({"friends": []}, {"blocked": []})
    for change in changes:
        records = with_deeds()
        for record in records:
            if record["e"] == "final.state" and record["c"] == "bob":
                record["snapshot"] |= change
        assert judge(records)
    for deeds in (deed("ann", "status", "", "back", "2"), deed("bob", "block", "eve", False, "2")):
        records = with_deeds(deeds, {"t": 1.7, "e": "done", "key": "2", "status": 200})
        assert {violation.invariant for violation in judge(records)} == {"people"}


def test_every_invariant_can_be_broken() -> None:
    assert set(INVARIANTS) == {invariant for invariant, _, _ in BROKEN} | {"changes", "files", "people"}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda all_: all_.insert(11, failed_poll("cut", 2.05)), id="a poll is cut by a kill"),
        pytest.param(lambda all_: all_.insert(11, failed_poll("own", 5.0)), id="a client hangs up"),
        pytest.param(lambda all_: all_.insert(11, failed_poll("stale", 5.0)), id="a kept connection ended"),
        pytest.param(lambda all_: all_.insert(4, the(all_, "poll")), id="a message comes twice"),
        pytest.param(
            lambda all_: all_.insert(6, the(all_, "try") | {"t": 1.4, "t0": 1.3, "status": 200}), id="an honest retry"
        ),
        pytest.param(lambda all_: the(all_, "poll", 2).update(t=9.1 + 3.9), id="late, yet within promise and slack"),
        pytest.param(
            lambda all_: all_.append(UNACKNOWLEDGED),
            id="an unacknowledged message is lost",
        ),
    ],
)
def test_what_a_client_must_bear_is_no_violation(change: Change) -> None:
    records = clean()
    change(records)
    assert judge(records) == []


def test_a_restore_excuses_what_was_said_after_the_copy(tmp_path: Path) -> None:
    records = clean()
    the(records, "final.history")["messages"].pop()
    the(records, "final.state")["snapshot"]["conversations"][0].update(last_number=1, unread=0)
    records.insert(-6, {"t": 9.5, "e": "restored", "since": 8.0})
    after = {"t": 9.6, "e": "load", "c": "bob", "snapshot": snapshot("bob", 1, 1), "pages": [[1, [FIRST]]]}
    records.insert(-6, after)
    assert judge(records) == []


def test_a_history_survives_its_file(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    for record in clean():
        history.note(**{("event" if name == "e" else name): value for name, value in record.items() if name != "t"})
    history.close()
    assert load(tmp_path / "history.jsonl") == history.records


def test_what_is_no_history_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no.jsonl"
    path.write_text('{"t": 1, "e": "run"}\n[]\n')
    with pytest.raises(ValueError, match="line 2"):
        load(path)
