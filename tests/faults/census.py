"""Counts of what a run must give back: parked polls, mailboxes, subscriptions, files, greenlets."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import gevent
import redis

from tests.faults import processes
from tests.faults.oracle.leftovers import MARGIN
from tests.faults.stage import Stage

TAKES = 3.0  # seconds for a worker to count itself


def take(stage: Stage) -> dict[str, Any]:
    """`files` and `greenlets` by the worker's pid, the others for all workers together."""
    workers = stage.workers()
    for pid in workers:
        stage.switches.on(f"census.{pid}")
    counted: dict[int, dict[str, int]] = {}
    with gevent.Timeout(TAKES, False):
        while len(counted) < len(workers):
            gevent.sleep(0.05)
            for pid in workers:
                if said := stage.switches.value(f"census.{pid}.is"):
                    counted[pid] = json.loads(said)
                    stage.switches.off(f"census.{pid}.is")
    channels = -1
    with contextlib.suppress(redis.RedisError):
        channels = stage.valkey.user_channels()
    return {
        "parked": sum(one["parked"] for one in counted.values()),
        "mailboxes": sum(one["mailboxes"] for one in counted.values()),
        "channels": channels,
        "files": {str(pid): processes.open_files(pid) for pid in workers},
        "greenlets": {str(pid): one["greenlets"] for pid, one in counted.items()},
        "resident_kib": {str(pid): processes.resident_kib(pid) for pid in workers},
    }


def is_back(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether the oracle would be content."""
    if any(after[name] > before[name] for name in ("parked", "mailboxes", "channels")):
        return False
    return all(
        max(after[name].values(), default=0) <= max(before[name].values(), default=0) + margin
        for name, margin in MARGIN.items()
    )
