"""Prometheus metrics. The hot path counts in plain integers; once a second they are copied out from there.

With `PROMETHEUS_MULTIPROC_DIR` set (the launcher does), each worker copies into files of its own there, and `/metrics`
of any worker tells of all workers of the node; see `webchat.web.metrics_files` for those that are no more.
"""

from __future__ import annotations

from collections import Counter as Multiset
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from webchat import __version__
from webchat.data.committer import SIZES
from webchat.tally import SECONDS, Tally
from webchat.web import metrics_files
from webchat.web.calls import BOUNDS, Call

__all__ = ["CONTENT_TYPE", "Numbers", "Publisher", "render"]


class _Everybody(Collector):
    """The numbers of all workers, from their files."""

    def collect(self) -> Iterable[Metric]:
        merged: Iterable[Metric] = MultiProcessCollector.merge(metrics_files.written())  # type: ignore[no-untyped-call]
        return merged


class _Copied(Histogram):
    """A histogram whose counts are made elsewhere."""

    def add(self, counts: Sequence[int], total: float) -> None:
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)
        if total:
            self._sum.inc(total)


def _gauge(name: str, about: str, *labels: str, over: Literal["livesum", "livemax"] = "livesum") -> Gauge:
    return Gauge(f"webchat_{name}", about, labels, multiprocess_mode=over)


GAUGES = {
    "workers": _gauge("workers", "Workers that run"),
    "parked": _gauge("parked_polls", "Polls that wait for news"),
    "places": _gauge("poll_places", "Polls that may wait at the same time"),
    "mailboxes": _gauge("mailboxes", "Users with a mailbox, polling or lingering"),
    "deaf": _gauge("deaf_workers", "Workers that do not hear the doorbell"),
    "failing": _gauge("failing_workers", "Workers whose last write could not be committed"),
    "waiting": _gauge("waiting_writes", "Writes that wait for their transaction"),
    "duty": _gauge("duty_workers", "Workers that tidy up and index, of all that share the database: one"),
    "replica_usable": _gauge("replica_workers", "Workers that read at the replica"),
    "replica_lag": _gauge("replica_lag_seconds", "By how much the replica lags, as of the last look", over="livemax"),
}
COUNTERS = {
    "polls": Counter("webchat_polls", "Polls answered or parked"),
    "wakes": Counter("webchat_wakes", "Parked polls that were answered"),
    "gaps": Counter("webchat_gaps", "Rings that showed a gap, repaired from the database"),
    "late_rings": Counter("webchat_late_rings", "Feeds whose news the clock found before the doorbell"),
    "resets": Counter("webchat_resets", "Polls answered with reset"),
    "deafenings": Counter("webchat_deafenings", "Times that a worker ceased to hear the doorbell"),
    "batches": Counter("webchat_commits", "Committed write transactions"),
    "jobs": Counter("webchat_writes", "Writes in them"),
    "replica_reads": Counter("webchat_replica_reads", "Reads that the replica answered"),
    "replica_behind": Counter("webchat_replica_behind", "Reads for which the replica was not far enough"),
    "replica_failures": Counter(
        "webchat_replica_failures", "Reads at the replica, and looks at it every second, that failed"
    ),
    "failures": Counter("webchat_failed_requests", "Requests answered with a 5xx, held polls among them"),
}
TALLIES = {
    "delivery": _Copied(
        "webchat_delivery_seconds",
        "From the acceptance of a message to the answer of a parked poll that it woke, one wake in 16; across hosts",
        buckets=SECONDS,
    ),
    "doorbell": _Copied("webchat_doorbell_seconds", "From ringing oneself until that is heard", buckets=SECONDS),
    "commit": _Copied("webchat_commit_seconds", "A write transaction, its wait for the lock included", buckets=SECONDS),
    "batch": _Copied("webchat_commit_size", "Writes in one transaction", buckets=SIZES),
}
_BUILD = _gauge("build", "1 for each worker of this release", "version")
_REQUESTS = Counter("webchat_requests", "Requests answered; held polls when taken in", ["route", "method", "status"])
_LATENCY = _Copied(
    "webchat_request_seconds",
    "From a request's head to its answer; held polls until they are held",
    ["route", "method"],
    buckets=BOUNDS,
)


@dataclass(frozen=True)
class Numbers:
    """What a worker has counted since it began, and its state; the keys are those of the tables above."""

    gauges: Mapping[str, float]
    counters: Mapping[str, int]
    tallies: Mapping[str, Tally]
    calls: Mapping[Call, Tally]


class Publisher:
    """Copies the numbers that `read` gives."""

    def __init__(self, read: Callable[[], Numbers]) -> None:
        self._read = read
        self._counted: Multiset[str] = Multiset()
        self._tallied: dict[object, tuple[list[int], float]] = {}
        _BUILD.labels(__version__).set(1)
        self.publish()
        metrics_files.begin()

    def publish(self) -> None:
        now = self._read()
        for name, value in now.gauges.items():
            GAUGES[name].set(value)
        for name, value in now.counters.items():
            COUNTERS[name].inc(value - self._counted[name])
        self._counted = Multiset(now.counters)
        for name, tally in now.tallies.items():
            TALLIES[name].add(*self._grown(name, tally))
        for call, tally in list(now.calls.items()):
            is_new = call not in self._tallied
            counts, total = self._grown(call, tally)
            if is_new or any(counts):
                _REQUESTS.labels(*map(str, call)).inc(sum(counts))
                _LATENCY.labels(call.route, call.method).add(counts, total)

    def _grown(self, key: object, tally: Tally) -> tuple[list[int], float]:
        """What was added since the last time."""
        counts, total = list(tally.counts), tally.total
        before, total_before = self._tallied.get(key, ([0] * len(counts), 0.0))
        self._tallied[key] = (counts, total)
        return [count - old for count, old in zip(counts, before, strict=True)], total - total_before


def render() -> bytes:
    """The text exposition of all workers of this node."""
    if metrics_files.folder() is None:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    registry.register(_Everybody())
    with metrics_files.unchanged():
        return generate_latest(registry)
