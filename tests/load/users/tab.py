"""What one browser tab knows: from the snapshot, and from its polls. No I/O.

Messages of a conversation are numbered 1, 2, 3, … without gaps: a tab knows the highest number it has, and so sees
what is skipped or comes out of its order.
"""

from __future__ import annotations

import time
from typing import Any


class Tab:
    """`floor`, `top` and `read`: by conversation, the last number in the snapshot, so far, and read."""

    def __init__(self, name: str, state: dict[str, Any]) -> None:
        self.name = name
        self.cursor = str(state["cursor"])
        self.since = time.perf_counter()  # when the poll last had to begin anew
        self.friends: dict[str, int] = {friend["name"]: friend["conversation"] for friend in state["friends"]}
        self.floor: dict[int, int] = {one["id"]: one["last_number"] for one in state["conversations"]}
        self.top = dict(self.floor)
        self.read: dict[int, int] = {one["id"]: one["read_number"] for one in state["conversations"]}
        self.last_writer = ""

    def bring(self, message: dict[str, Any]) -> bool:
        """Take a message from the feed; False where it is out of its order."""
        conversation, number = message["conversation"], message["number"]
        top = self.top.get(conversation, 0)
        self.top[conversation] = max(top, number)
        if message["from"] in self.friends:
            self.last_writer = message["from"]
        # The snapshot's cursor is older than its data: what it held already may come again, once.
        return bool(number == top + 1 or number <= self.floor.get(conversation, 0))
