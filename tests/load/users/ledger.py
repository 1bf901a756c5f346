"""Every message of a run, and what became of it. What was acknowledged is delivered, caught up or lost: exactly one.

    delivered  a poll brought the message to the friend
    caught up  the friend's tab was closed: the next snapshot covered it, and the history holds it once
    lost       acknowledged, and neither; or skipped by the friend's feed; or due in a tab that is open at the end, and
               not there after a minute of quiet
    doubled    brought twice to the same person, or stored twice under one client id

What was due for 10 s in a tab when it was closed is overdue: a figure of its own, no loss.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from tests.load.users.tab import Tab

LATE = 10.0  # seconds: five times as late as a message may be while the doorbell is broken


@dataclass(slots=True)
class Letter:
    """One message; times are of time.perf_counter()."""

    sender: str
    to: str
    conversation: int
    sent_at: float
    acknowledged_at: float = 0.0
    id: int = 0
    number: int = 0
    is_delivered: bool = False
    is_overdue: bool = False
    is_lost: bool = False


class Ledger:
    """All messages of a run, by client id."""

    def __init__(self) -> None:
        self.letters: dict[str, Letter] = {}
        self.delivered = self.doubled = self.disorder = 0
        self._due: dict[str, dict[str, Letter]] = defaultdict(dict)  # by receiver: sent and not brought yet
        self._brought: set[tuple[str, int]] = set()  # (person, message): senders get their own messages, too

    def sent(self, client_id: str, letter: Letter) -> None:
        self.letters[client_id] = self._due[letter.to][client_id] = letter

    def acknowledged(self, client_id: str, message: dict[str, Any]) -> None:
        letter = self.letters[client_id]
        letter.acknowledged_at = time.perf_counter()
        self._identify(letter, message)

    def brought(self, name: str, message: dict[str, Any]) -> Letter | None:
        """A poll brought it to `name`. The letter, where it is one of this run that `name` was waiting for."""
        letter = self.letters.get(message["client_id"])
        if letter is None or letter.sender != message["from"]:
            return None
        if (name, message["id"]) in self._brought:
            self.doubled += 1
            return None
        self._brought.add((name, message["id"]))
        self._identify(letter, message)
        if name != letter.to or letter.is_delivered:
            return None
        letter.is_delivered = True
        self.delivered += 1
        self._due[name].pop(message["client_id"], None)
        return letter

    def _identify(self, letter: Letter, message: dict[str, Any]) -> None:
        if letter.id not in (0, message["id"]):
            self.doubled += 1
        letter.id, letter.number = message["id"], message["number"]

    def is_owed(self, tab: Tab) -> bool:
        """Whether anything that was acknowledged is still to come to this tab."""
        return any(self._is_due(letter, tab) for letter in self._due[tab.name].values())

    def close(self, tab: Tab, is_end: bool = False) -> None:
        """The tab ends, and with it the chance to bring what was due in it."""
        now = time.perf_counter()
        for letter in self._due[tab.name].values():
            if self._is_due(letter, tab):
                letter.is_lost |= is_end or letter.number <= tab.top.get(letter.conversation, 0)
                letter.is_overdue |= now - max(letter.acknowledged_at, tab.since) > LATE

    def _is_due(self, letter: Letter, tab: Tab) -> bool:
        return letter.acknowledged_at > 0 and letter.number > tab.floor.get(letter.conversation, 0)

    def to_verify(self) -> dict[int, dict[str, Letter]]:
        """By conversation: acknowledged, and brought by no poll, because no tab was open. History must hold them."""
        found: dict[int, dict[str, Letter]] = defaultdict(dict)
        for client_id, letter in self.letters.items():
            if letter.acknowledged_at and not letter.is_delivered and not letter.is_lost:
                found[letter.conversation][client_id] = letter
        return found
