"""A time of day that is wrong: the switch `clock.PID` holds the worker's offset in milliseconds."""

from __future__ import annotations

import os

from tests.faults.switches import Switches
from webchat import node as wiring
from webchat.node import Node


def install(node: Node, switches: Switches) -> None:
    name = f"clock.{os.getpid()}"

    def now() -> int:
        return wiring.now_ms() + int(switches.value(name) or 0)

    node.chat._now = now
    node.accounts._now = now
    node.hub._now = now
