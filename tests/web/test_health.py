"""Health: what a monitor and a load balancer ask."""

from __future__ import annotations

import pytest

from tests.client import request, until
from tests.web.conftest import QuickCluster


def test_a_living_process_says_so(cluster: QuickCluster) -> None:
    for node in cluster.nodes:
        answer = request(node, "GET", "/healthz")
        assert (answer.status, answer.body) == (200, {"status": "alive"})


def test_a_node_that_can_serve_says_so(cluster: QuickCluster) -> None:
    for node in cluster.nodes:
        # A worker hears its own probe a moment after its start.
        until("it is ready", lambda node=node: request(node, "GET", "/readyz").body["status"] == "ready")  # type: ignore[misc]
        answer = request(node, "GET", "/readyz")
        well = {"status": "ready", "database": "ok", "writes": "ok", "doorbell": "heard"}
        assert (answer.status, answer.body) == (200, well)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_monitor_may_ask_without_wanting_a_body(cluster: QuickCluster, path: str) -> None:
    answer = cluster.client().call("HEAD", path)
    assert (answer.status, answer.raw) == (200, b"")
