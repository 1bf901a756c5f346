"""What no interface shows: how many greenlets a worker has, but those that wait to be lent again. Asked by
`census.PID`, answered by `census.PID.is`."""

from __future__ import annotations

import gc
import json
import os

import gevent
from gevent import Greenlet
from gevent.threadpool import ThreadPool

from tests.faults.switches import Switches
from webchat.node import Node
from workers.greenlets import Greenlets

LOOK_EVERY = 0.2  # seconds


def install(node: Node, switches: Switches) -> None:
    gevent.spawn(_answer, node, switches, f"census.{os.getpid()}")


def _answer(node: Node, switches: Switches, name: str) -> None:
    while True:
        gevent.sleep(LOOK_EVERY)
        if switches.take(name):
            gc.collect()
            things = gc.get_objects()
            kept = sum(thing.kept for thing in things if isinstance(thing, Greenlets))
            counted = {
                "greenlets": sum(isinstance(thing, Greenlet) and not thing.dead for thing in things) - kept,
                "pools": sum(isinstance(thing, ThreadPool) for thing in things),
                "mailboxes": node.hub.mailboxes,
                "parked": node.hub.parked,
            }
            switches.on(f"{name}.is", json.dumps(counted))
