"""A doorbell over TLS: a node on a cluster whose every connection is encrypted, and what it says of a stranger."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client import request, until
from tests.conftest import FAST
from tests.deploy.conftest import certificate
from tests.deploy.proxies import Certificate
from tests.tls import tls_door
from tests.valkey import loopback
from tests.valkey_cluster import ValkeyCluster
from tests.workers.launched import Launched
from webchat.errors import SetupError
from workers import doorbell

__all__ = ["certificate"]


@pytest.fixture(scope="module")
def door(certificate: Certificate) -> Iterator[str]:
    """The address of a cluster of two masters, which say of themselves where their TLS is."""
    behind = loopback(4)
    nodes, doors = behind[:2], behind[2:]
    folder = Path(tempfile.mkdtemp(prefix="webchat-tls-"))  # not pytest's: a socket's path is short
    try:
        with contextlib.ExitStack() as stack:
            cluster = stack.enter_context(ValkeyCluster(folder, nodes))
            for node, outside in zip(cluster.nodes, doors, strict=True):
                node.command("CONFIG", "SET", "cluster-announce-port", outside[1])
                stack.enter_context(tls_door(outside, node.address, certificate.chain, certificate.key))
            until("both know both doors", lambda: all(_knows(node, doors) for node in cluster.nodes))
            yield f"{doors[0][0]}:{doors[0][1]}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _knows(node: object, doors: list[tuple[str, int]]) -> bool:
    told = str(node.command("CLUSTER", "SLOTS"))  # type: ignore[attr-defined]
    return all(str(port) in told for _, port in doors)


def test_a_node_rings_and_hears_over_tls(door: str, certificate: Certificate, tmp_path: Path) -> None:
    url = f"rediss+cluster://{door}?ssl_ca_certs={certificate.chain}"
    with Launched(tmp_path / "data", redis_url=url, **FAST) as node:
        where = ("127.0.0.1", node.ready().port)
        until("every shard is heard", lambda: request(where, "GET", "/readyz").body["doorbell"] == "heard")
        node.stop()


def test_a_certificate_that_nobody_knows_is_named(door: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell, "PATIENCE", 0.0)  # it will not be known later
    with pytest.raises(SetupError, match="certificate verify failed"):
        doorbell.check(f"rediss+cluster://{door}")
