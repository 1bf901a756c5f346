"""Proxies in front of the nodes of all tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Cluster
from tests.deploy.proxies import KINDS, Certificate, Proxy, missing, running


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    if not shutil.which("openssl"):
        pytest.skip("no openssl (Debian: apt install openssl)")
    return Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session", params=KINDS, ids=lambda kind: kind.program)
def kind(request: pytest.FixtureRequest) -> type[Proxy]:
    found: type[Proxy] = request.param
    if why := missing(found):
        pytest.skip(why)
    return found


@pytest.fixture(scope="session")
def proxy(
    kind: type[Proxy],
    cluster: Cluster,
    tmp_path_factory: pytest.TempPathFactory,
    certificate: Certificate,
) -> Iterator[Proxy]:
    """One proxy of each kind, in front of both nodes."""
    folder: Path = tmp_path_factory.mktemp(kind.program) / "proxy"
    with running(kind, folder, cluster.nodes, certificate) as made:
        yield made
