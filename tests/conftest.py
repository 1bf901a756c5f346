"""Real parts for all tests: a Valkey, a database file, and two nodes that share both.

pytest itself is not monkey-patched; whatever needs gevent runs in the nodes' processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gevent
import pytest

from tests import postgres
from tests.client import Address, Client
from tests.workers.launched import Launched


@dataclass
class Cluster:
    """Two nodes on one data folder and one Valkey (the first node's; the second joins it)."""

    data: Path
    launched: list[Launched]

    @property
    def nodes(self) -> list[Address]:
        return [("127.0.0.1", node.port) for node in self.launched]

    def client(self) -> Client:
        """A client without an account."""
        return Client(self.nodes)

    def user(self) -> Client:
        """A new user, logged in."""
        return self.client().register()

    def pair(self) -> tuple[Client, Client, int]:
        """Two new friends, and their conversation."""
        one, other = self.user(), self.user()
        return one, other, one.befriend(other)


# Short enough for a test to see a mailbox close; limits out of the way of hundreds of test users.
FAST = {
    "linger": "2",
    "poll_hold": "5",
    "limit_register": "100000/minute",
    "limit_login": "100000/minute",
    "limit_send": "100000/minute",
    "limit_friends": "100000/minute",
    "limit_typing": "100000/minute",
    "limit_upload": "100000/minute",
}


# Files that take longest, most of it in a few tests: they are begun first, so that no process has one of them left when
# the others have nothing more to do.
LONG = (
    "cluster/test_two_nodes.py",
    "deploy/test_proxies.py",
    "cluster/test_durability.py",
    "cluster/test_two_nodes_postgres.py",
    "faults/test_short_run.py",
    "load/test_short_run.py",
    "cluster/test_leaks.py",
    "workers/test_plain.py",
    "workers/test_launcher.py",
    "cluster/test_trouble_with_the_disk.py",
    "workers/test_comet.py",
    "cluster/test_uploads_in_trouble.py",
    "workers/test_plain_contract.py",
    "faults/test_self_test.py",
)
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {HERE / name: number for number, name in enumerate(LONG)}
    if gone := [str(path) for path in place if not path.exists()]:
        raise pytest.UsageError(f"LONG in {__file__} names what is not there: {', '.join(gone)}")
    items.sort(key=lambda item: place.get(item.path, len(LONG)))


@pytest.fixture(autouse=True)
def _loop_time() -> None:
    """gevent's loop reads the clock when it runs; here it stands still between tests, and timers would be late."""
    gevent.get_hub().loop.update_now()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One for the whole run: tests make their own users. What breaks a node needs a cluster of its own."""
    with two_nodes(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture(scope="session")
def postgres_databases() -> Iterator[postgres.Databases]:
    """Databases on one PostgreSQL. What breaks a server needs `postgres.server` of its own."""
    with postgres.databases() as made:
        yield made


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """For a test that kills things."""
    with two_nodes(tmp_path) as made:
        yield made


class two_nodes:  # noqa: N801  used like a function
    """Context manager: two nodes with one worker each, ready."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._data = folder / "data"
        self._settings = FAST | settings
        self._launched: list[Launched] = []

    def __enter__(self) -> Cluster:
        try:
            for _ in range(2):
                node = Launched(self._data, **self._settings)
                self._launched.append(node)
                node.__enter__()
                node.ready()
        except BaseException:
            self.__exit__()
            raise
        return Cluster(self._data, self._launched)

    def __exit__(self, *_: object) -> None:
        for node in reversed(self._launched):
            node.stop()
        for node in self._launched:
            node.__exit__(None, None, None)
