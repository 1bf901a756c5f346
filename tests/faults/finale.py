"""The end of a run: everybody falls silent, then everything is read once more, then everybody leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import gevent

from tests.faults import census
from tests.faults.device import GONE, Device
from tests.faults.history import History
from tests.faults.stage import DEAD_AFTER, Stage

QUIET = 15.0  # seconds for the last messages to arrive
PRESENT = DEAD_AFTER * 2 + 10  # seconds for presence to settle: a dead worker is buried after DEAD_AFTER
BASELINE = 60.0


def read_everything(history: History, devices: Sequence[Device], quiet: float = QUIET) -> None:
    """Wait until the screens are whole, then put histories and fresh snapshots on record."""
    members = {talk: device for device in devices for talk in (*device.person.talks.values(), *device.person.owns)}
    for talk, member in members.items():
        _read_history(history, talk, member)
    there = {record["conv"]: record["messages"] for record in history.records if record["e"] == "final.history"}
    with gevent.Timeout(quiet, False):
        while not all(
            shown.is_like(there.get(number, []))
            for device in devices
            if device.is_polling
            for number, shown in device.screen.talks.items()
        ):
            gevent.sleep(0.1)
    history.note("final.polling", clients=[device.name for device in devices if device.is_polling])
    for device in devices:
        if device.is_polling:
            _insist_on_receipts(device)
    _read_states(history, devices)
    _read_files(history, devices)


def _insist_on_receipts(device: Device) -> None:
    """So that all has arrived everywhere, and everybody has said so."""
    with gevent.Timeout(QUIET, False):
        while not device.receive():
            gevent.sleep(0.2)


def _read_states(history: History, devices: Sequence[Device]) -> None:
    for device in devices:
        snapshot = device.insist("GET", "/api/state")
        if snapshot is not None:
            history.note("final.state", c=device.name, snapshot=snapshot)


def _read_files(history: History, devices: Sequence[Device]) -> None:
    """What somebody else in the conversation gets of each file that was sent."""
    sent = {record["cid"]: record for record in history.records if record["e"] == "send" and record["file"]}
    there = {one["cid"] for one in history.records if one["e"] == "try" and one.get("status", 999) < 300}
    for cid, send in sent.items():
        others = (one for one in devices if send["conv"] in one.screen.talks and one.person.name != send["who"])
        reader = next(others, None)
        if reader is None or cid not in there:
            continue
        id = send["file"]["id"]
        answer = reader.call("GET", f"/api/files/{id}", expected=GONE)
        if answer is not None:
            digest = hashlib.sha256(answer.raw).hexdigest() if answer.status == 200 else None
            history.note("final.file", c=reader.name, id=id, status=answer.status, digest=digest)


def _read_history(history: History, talk: int, device: Device) -> None:
    messages: list[Any] = []
    before = ""
    while True:
        page = device.insist("GET", f"/api/conversations/{talk}/messages?limit=100{before}")
        if page is None:
            return
        messages = page["messages"] + messages
        if not page["more"]:
            history.note("final.history", conv=talk, messages=messages)
            return
        before = f"&before={messages[0]['id']}"


def settle_presence(history: History, devices: Sequence[Device], seconds: float = PRESENT) -> None:
    """Wait until fresh snapshots show as online who polls, and nobody else; on record is the last look."""
    online = sorted({device.person.name for device in devices if device.is_polling})
    watchers = {device.person.name: device for device in devices if device.is_polling}.values()
    deadline = history.now() + seconds
    while True:
        seen: dict[str, dict[str, bool]] = {}
        for device in watchers:
            snapshot = device.insist("GET", "/api/state") or {"friends": []}
            seen[device.name] = {friend["name"]: friend["online"] for friend in snapshot["friends"]}
        right = all((name in online) == is_on for friends in seen.values() for name, is_on in friends.items())
        if right or history.now() > deadline:
            history.note("final.presence", online=online, seen=seen)
            return
        gevent.sleep(0.5)


def half_leaves(history: History, devices: Sequence[Device]) -> None:
    """Every second person goes; the others must come to see that, by events and in fresh snapshots."""
    names = sorted({device.person.name for device in devices})
    leaving = set(names[::2])
    gone = [device for device in devices if device.person.name in leaving]
    gevent.joinall([gevent.spawn(device.stop) for device in gone])
    settle_presence(history, devices)
    gevent.sleep(1)  # the last whispers
    stayed = [device for device in devices if device.is_polling]
    history.note("final.polling", clients=[device.name for device in stayed])
    _read_states(history, stayed)


def all_leave(
    stage: Stage, history: History, devices: Sequence[Device], before: dict[str, Any], seconds: float = BASELINE
) -> None:
    """Everybody goes; the counts must come back to `before`."""
    gevent.joinall([gevent.spawn(device.stop) for device in devices if device.is_polling])
    for device in devices:
        device.calls.close()
    deadline = history.now() + seconds
    while True:
        after = census.take(stage)
        if census.is_back(before, after) or history.now() > deadline:
            history.note("final.baseline", before=before, after=after)
            return
        gevent.sleep(0.5)
