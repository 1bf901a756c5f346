"""Prometheus metrics. The hot path counts in plain integers; once a second they are copied out from there.

With `PROMETHEUS_MULTIPROC_DIR` set (the launcher does), `/metrics` of any worker tells of all workers of
the node.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

__all__ = ["CONTENT_TYPE", "Publisher", "render"]

_PARKED = Gauge("webchat_parked_polls", "Polls that wait for news", multiprocess_mode="livesum")
_MAILBOXES = Gauge("webchat_mailboxes", "Users with a mailbox, polling or lingering", multiprocess_mode="livesum")
_DEAF = Gauge("webchat_deaf_workers", "Workers that do not hear the doorbell", multiprocess_mode="livesum")
_COUNTERS = {
    "polls": Counter("webchat_polls", "Polls answered or parked"),
    "wakes": Counter("webchat_wakes", "Parked polls that were answered"),
    "gaps": Counter("webchat_gaps", "Rings that showed a gap, repaired from the database"),
    "late_rings": Counter("webchat_late_rings", "Feeds whose news the clock found before the doorbell"),
    "resets": Counter("webchat_resets", "Polls answered with reset"),
    "batches": Counter("webchat_commits", "Committed write transactions"),
    "jobs": Counter("webchat_writes", "Writes in them"),
    "requests": Counter("webchat_requests", "Requests answered"),
    "failures": Counter("webchat_failed_requests", "Requests answered with a 5xx"),
}


class Publisher:
    """Copies the numbers that `read` gives (`parked`, `mailboxes`, `deaf` and those of `_COUNTERS`)."""

    def __init__(self, read: Callable[[], dict[str, int]]) -> None:
        self._read = read
        self._last: dict[str, int] = {}

    def publish(self) -> None:
        now = self._read()
        _PARKED.set(now["parked"])
        _MAILBOXES.set(now["mailboxes"])
        _DEAF.set(now["deaf"])
        for name, counter in _COUNTERS.items():
            counter.inc(now[name] - self._last.get(name, 0))
        self._last = now


def render() -> bytes:
    """The text exposition of all workers of this node."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
