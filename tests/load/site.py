"""Where a scenario runs: on nodes of its own (the default), or on somebody's deployment, by its addresses.

A deployment of one's own is given by `--url` (once for each node) and by the file that `./chat load seed` wrote for
its database. What only the server's side knows is then absent, unless it is given too: `--pid` names processes of
this machine whose CPU and memory count, with their descendants; `--data` or WEBCHAT_DATABASE_URL the database, for
the scenarios that need one conversation of many people.
"""

from __future__ import annotations

import http.client
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.faults import processes
from tests.load import seed
from tests.load.crew import Show
from tests.load.dialect import Dialect, Server, User
from tests.load.net import Address
from tests.load.nodes import OwnServer, TemporaryFolder
from tests.load.webchat_dialect import WebchatDialect
from webchat.errors import SetupError
from webchat.settings import Settings

SHARE = 0.8  # of a worker's connections may be parked polls (README, WEBCHAT_CONNECTIONS)
SPARE = 500  # connections besides: sends, and what has just been closed


@dataclass(frozen=True)
class Site:
    """The options; see the module."""

    urls: tuple[str, ...] = ()
    users_file: Path | None = None
    pids: tuple[int, ...] = ()
    data: str | None = None
    nodes: int = 2
    workers: int = 1

    @contextmanager
    def open(
        self, population: int, senders: int, show: Show, *, hold: int | None = None, again: bool = False
    ) -> Iterator[Server]:
        """The server, for as long as the block runs. `senders`: how many of the users will send to friends; `hold`:
        see WebchatDialect; `again`: room for everybody's connection twice. Raises SetupError."""
        if self.urls:
            yield GivenServer(self.urls, self.users_file, self.pids, population, hold)
            return
        with TemporaryFolder() as folder:
            all_workers = self.nodes * self.workers
            each = population / all_workers * (1 if self.workers == 1 else 1.5)  # siblings do not share evenly
            connections = max(10_000, int(each * (2 if again else 1) / SHARE) + SPARE)
            show("accounts", 0.0)
            server = OwnServer(
                *(folder, population, senders),
                nodes=self.nodes,
                workers=self.workers,
                connections=connections,
                hold=hold,
                show=show,
            )
            try:
                yield server
            finally:
                server.close()

    def settings(self, server: Server) -> Settings | None:
        """Those that name the server's database; None where nobody told."""
        if isinstance(server, OwnServer):
            return server.settings
        if self.data or os.environ.get("WEBCHAT_DATA") or os.environ.get("WEBCHAT_DATABASE_URL"):
            return Settings.load(data=self.data)
        return None

    def describe(self) -> dict[str, str]:
        """For the conditions."""
        if self.urls:
            return {"deployment": ", ".join(self.urls)}
        return {"deployment": f"{self.nodes} nodes of {self.workers} worker(s) each on SQLite, rate limits raised"}


class GivenServer(Server):
    """Somebody's deployment of webchat. Raises SetupError where the users do not suffice."""

    def __init__(
        self, urls: tuple[str, ...], users_file: Path | None, pids: tuple[int, ...], population: int, hold: int | None
    ) -> None:
        self.addresses = [address_of(url) for url in urls]
        if users_file is None:
            raise SetupError("--url needs --users-file: a file that `./chat load seed` wrote for that database")
        self._users = seed.read(users_file)
        if len(self._users) < population:
            raise SetupError(f"{users_file} has {len(self._users):,} users, and this needs {population:,}: seed more")
        self._pids = pids
        self.dialect: Dialect = WebchatDialect(urlsplit(urls[0]).netloc, hold)

    def pids(self) -> dict[str, list[int]]:
        found = list(self._pids)
        for pid in found:  # grows as it goes
            found += [child for child in processes.children(pid) if child not in found]
        return {"process": found} if found else {}

    def users(self, count: int) -> list[User]:
        return self._users[:count]

    def close(self) -> None:
        """It is not ours to stop."""


def address_of(url: str) -> Address:
    """Address and port of `http://HOST[:PORT]`, looked up once. Raises SetupError for anything else."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname and parts.path in ("", "/"):
            found = socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
            return str(found[0][4][0]), parts.port or 80
    except OSError as error:
        raise SetupError(f"--url {url}: {error.strerror}") from None
    except ValueError:
        pass
    raise SetupError(f"--url {url}: give http://HOST:PORT (no TLS: measure behind the proxy, not through it)")


class Gauges:
    """The numbers of /metrics, summed over nodes. Kept connections: a new one would queue behind a storm."""

    def __init__(self, addresses: list[Address]) -> None:
        self._lines = [http.client.HTTPConnection(host, port, timeout=30) for host, port in addresses]

    def read(self) -> dict[str, float]:
        """The unlabelled ones. Raises SetupError where there are none."""
        sums: dict[str, float] = {}
        for line in self._lines:
            try:
                line.request("GET", "/metrics")
                answer = line.getresponse()
                text = answer.read().decode()
            except (OSError, http.client.HTTPException) as error:
                raise SetupError(f"{line.host}:{line.port}/metrics cannot be read: {error!r}") from None
            if answer.status != 200:
                raise SetupError(f"{line.host}:{line.port}/metrics was answered {answer.status}")
            for row in text.splitlines():
                name, _, value = row.partition(" ")
                if name[:1] != "#" and "{" not in name:
                    sums[name] = sums.get(name, 0.0) + float(value)
        return sums

    def close(self) -> None:
        for line in self._lines:
            line.close()
