"""What a node said of itself at two moments, and what follows for the time in between."""

from __future__ import annotations

import http.client
import math
import time
import urllib.request
from collections.abc import Mapping
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

PATIENCE = 2.0  # seconds for an answer
_Labels = tuple[tuple[str, str], ...]


class Reading(NamedTuple):
    """One answer of `/metrics`: name → labels → value; `at` in seconds, on the monotonic clock."""

    at: float
    samples: Mapping[str, Mapping[_Labels, float]]

    def sum(self, name: str, **labels: str) -> float:
        """Of all samples of the name that have these labels."""
        wanted = set(labels.items())
        return math.fsum(value for has, value in self.samples.get(name, {}).items() if wanted <= set(has))


def read(url: str) -> Reading:
    """Ask the node at `url`. Raises OSError where it does not answer like one."""
    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=PATIENCE) as answer:  # noqa: S310  http or https, see command
            text = answer.read().decode()
        return Reading(time.monotonic(), parsed(text))
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(f"not a node of webchat: {error}") from None


def parsed(text: str) -> dict[str, dict[_Labels, float]]:
    samples: dict[str, dict[_Labels, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    if "webchat_workers" not in samples:
        raise ValueError("it has other numbers")
    return samples


class Span(NamedTuple):
    """From one reading of a node to the next. A counter that went back has begun anew."""

    before: Reading
    now: Reading

    @property
    def seconds(self) -> float:
        return max(self.now.at - self.before.at, 1e-9)

    def grown(self, name: str, **labels: str) -> float:
        before, now = self.before.sum(name, **labels), self.now.sum(name, **labels)
        return now - before if now >= before else now

    def rate(self, name: str, **labels: str) -> float:
        """A second."""
        return self.grown(name, **labels) / self.seconds

    def quantile(self, share: float, name: str) -> float | None:
        """Of what was observed in the histogram in this time; None where nothing was.

        As Prometheus reckons: evenly spread within a bucket; what is above the last bound is the last bound.
        """
        buckets = sorted(
            (float(dict(labels)["le"]), self.grown(f"{name}_bucket", le=dict(labels)["le"]))
            for labels in self.now.samples.get(f"{name}_bucket", {})
        )
        return quantile(share, buckets)


def quantile(share: float, buckets: list[tuple[float, float]]) -> float | None:
    """`buckets`: (upper bound, how many were at most that), the last with no bound."""
    if not buckets or buckets[-1][1] <= 0:
        return None
    rank = share * buckets[-1][1]
    lower, below = 0.0, 0.0
    for bound, count in buckets:
        if count >= rank:
            if math.isinf(bound):
                return lower
            return lower + (bound - lower) * (rank - below) / max(count - below, 1e-9)
        lower, below = bound, count
    return lower
