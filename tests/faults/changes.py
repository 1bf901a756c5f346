"""What clients do to messages later: they edit and delete their own, and react to any. By a device, on record.

`change` is what a client means to do, `changed` each answer to it or failure; `key` ties them together. Every edit is
another text, and every device has an emoji of its own, so that the oracle can tell whose doing it sees.
"""

from __future__ import annotations

import random
from typing import Any, NamedTuple
from urllib.parse import quote

import gevent

from tests.faults.device import Device
from tests.faults.screen import Message

RECENT = 6  # of a conversation's newest messages, one is changed: so that people change the same ones
DELETES = 0.1  # of the changes of one's own
GIVE_UP = 0.1  # probability per failed try that a client lets it be
PATIENCE = 30.0  # seconds for one change
GONE = (404, 409)  # it was deleted meanwhile, or in a group one was removed: refusals that are right


def act(device: Device, talk: int, rng: random.Random) -> None:
    """Change one of the messages that the device shows of this conversation, if there is one."""
    shown = device.screen.talks[talk].shown if talk in device.screen.talks else {}
    recent = [shown[number] for number in sorted(shown)[-RECENT:] if _is_said(shown[number])]
    mine = [message for message in recent if message["from"] == device.person.name]
    if mine and rng.random() < 0.5:
        _own(device, rng.choice(mine), rng)
    elif recent:
        react(device, rng.choice(recent), rng)


def _is_said(message: Message) -> bool:
    return not message.get("deleted") and "kind" not in message


class Act(NamedTuple):
    """One change: `what` and `value` for the record, the rest for the request."""

    what: str
    value: str
    method: str
    path: str = ""
    body: Any = None


def edit(device: Device, message: Message, rng: random.Random) -> Message | None:
    text = f"{device.name} corrects {message['id']} to {rng.randrange(10**9)}"
    return _insist(device, message, Act("edit", text, "PATCH", body={"text": text}), rng)


def react(device: Device, message: Message, rng: random.Random) -> Message | None:
    """Put the device's own emoji on the message, or take it off."""
    emoji = emoji_of(device.name)
    is_on = device.person.name in message.get("reactions", {}).get(emoji, ())
    what, method = ("unreact", "DELETE") if is_on else ("react", "PUT")
    return _insist(device, message, Act(what, emoji, method, f"/reactions/{quote(emoji)}"), rng)


def emoji_of(name: str) -> str:
    """People of the same name have their emoji by the device: 😀… for the first, 🐀… for the second."""
    digits = int("".join(filter(str.isdigit, name)) or 0)
    return chr((0x1F400 if name.endswith("b") else 0x1F600) + digits % 0x40)


def _own(device: Device, message: Message, rng: random.Random) -> None:
    if rng.random() < DELETES:
        _insist(device, message, Act("delete", "", "DELETE"), rng)
    else:
        edit(device, message, rng)


def _insist(device: Device, message: Message, act: Act, rng: random.Random) -> Message | None:
    """Ask until it is answered, or patience ends; the message then."""
    history = device.history
    key = f"{device.name}~{len(history.records)}"
    what = {"id": message["id"], "what": act.what, "value": act.value}
    history.note("change", c=device.name, who=device.person.name, key=key, **what)
    deadline = history.now() + PATIENCE
    while history.now() < deadline:
        path = f"/api/messages/{message['id']}{act.path}"
        is_group = device.is_group(message["conversation"])
        answer = device.call(act.method, path, act.body, expected=GONE if is_group else GONE[1:])
        if answer is not None and answer.status < 500:
            told: Message | None = answer.body["message"] if answer.status == 200 else None
            history.note("changed", c=device.name, key=key, status=answer.status, message=told)
            return told
        history.note("changed", c=device.name, key=key, failed=True)
        if rng.random() < GIVE_UP:
            return None
        gevent.sleep(rng.uniform(0.05, 0.3))
    return None
