"""What people do about themselves and others: the line under their name, and whom they block. By a device, on record.

`deed` is what is meant, `done` each answer to it or failure; `key` ties them together. One device of a person does
all of theirs, so that there is a last one. Only strangers are blocked: a block ends a friendship, and the others chat.
"""

from __future__ import annotations

import random
from typing import Any

import gevent

from tests.faults.device import Device

PATIENCE = 30.0  # seconds for one of them
BLOCKS = 0.5  # of the deeds, where there is a stranger


def act(device: Device, rng: random.Random) -> None:
    if device.person.strangers and rng.random() < BLOCKS:
        name = rng.choice(device.person.strangers)
        block(device, name, name not in device.screen.blocked)
    else:
        change_status(device, f"{device.name} is at {rng.randrange(10**6)}")


def change_status(device: Device, status: str) -> None:
    _insist(device, {"what": "status", "about": "", "value": status}, "PATCH", "/api/me", {"status": status})


def block(device: Device, name: str, on: bool) -> None:
    _insist(device, {"what": "block", "about": name, "value": on}, "PUT" if on else "DELETE", f"/api/blocks/{name}")


def _insist(device: Device, what: dict[str, Any], method: str, path: str, body: Any = None) -> None:
    """Ask until it is answered, or patience ends."""
    history = device.history
    key = f"{device.name}~{len(history.records)}"
    history.note("deed", c=device.name, who=device.person.name, key=key, **what)
    deadline = history.now() + PATIENCE
    while history.now() < deadline:
        answer = device.call(method, path, body)
        if answer is not None and answer.status < 500:
            history.note("done", key=key, status=answer.status)
            return
        history.note("done", key=key, failed=True)
        gevent.sleep(0.2)
