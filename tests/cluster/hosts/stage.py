"""The fault harness's stage on several hosts: its clients come in through nginx, and through it alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.cluster.hosts import network
from tests.cluster.hosts.front import Front
from tests.cluster.hosts.network import Network
from tests.cluster.hosts.shards import Shards
from tests.deploy import proxies
from tests.faults.databases import Postgres
from tests.faults.node import Node
from tests.faults.stage import AnyDoorbell, Stage
from tests.faults.wire import Address
from webchat.errors import SetupError

FRONT, DATABASE, DOORBELL, FIRST_NODE = 2, 3, 4, 11  # the last numbers of the hosts' addresses
PORT = 8000
THROUGH_THE_FRONT = -1  # as an entrance; the others are the nodes themselves


class Hosts(Stage):
    """See `tests.cluster.hosts`. Raises SetupError where this cannot be had."""

    def _make(self, nodes: int, workers: int, bug: str) -> None:
        if why := missing_here():
            raise SetupError(f"--hosts: {why}")
        self.network = Network()
        # By the numbers of their nodes:
        self.hosts = [self.network.host(FIRST_NODE + number) for number in range(nodes)]
        self._front_host = self.network.host(FRONT)
        super()._make(nodes, workers, bug)
        self.front = Front(self._front_host, self.folder / "nginx", [node.address for node in self.nodes])
        self._made.callback(self.front.stop)

    def _make_database(self) -> Postgres:
        host = self.network.host(DATABASE)
        return Postgres(self.folder / "pg", host.address, host.within)

    def _make_doorbell(self, _: dict[str, str]) -> AnyDoorbell:
        self.shards = Shards(self.network.host(DOORBELL), self.folder / "v")
        return self.shards

    def _make_node(self, number: int, environ: dict[str, str], workers: int) -> Node:
        host = self.hosts[number]
        environ = environ | {
            "WEBCHAT_DATA": str(self.folder / f"host{number}"),
            "WEBCHAT_FILES": str(self.folder / "files"),
            "WEBCHAT_REDIS_URL": self.shards.url,
            "WEBCHAT_FORWARDED_ALLOW_IPS": self._front_host.address,
        }
        log = self.folder / f"node{number}.log"
        return Node(number, environ, log, workers, (host.address, PORT), within=host.within)

    def _all_logs(self) -> list[Path]:
        return [*super()._all_logs(), *(self.folder / "nginx").glob("*.log")]

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self.front.start()
        except BaseException:
            self.stop()
            raise
        return self

    @property
    def entrances(self) -> Sequence[int]:
        return (THROUGH_THE_FRONT,)

    def address(self, entrance: int) -> Address:
        return self.front.address if entrance == THROUGH_THE_FRONT else super().address(entrance)


def missing_here() -> str:
    """Why this stage cannot be had; empty where it can."""
    return network.missing() or proxies.missing(proxies.Nginx) or ""
