"""webchat as it is really run, in a temporary folder: `webchat serve`, as often as there are nodes, on one data folder.

The first node starts the bundled Valkey, the others join it. The configuration is the one that a stranger gets;
the rate limits alone are raised, and the number of connections where a scenario needs more than a worker takes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path

from tests.faults import processes
from tests.load import seed
from tests.load.dialect import Dialect, Server, User
from tests.load.webchat_dialect import WebchatDialect
from webchat.errors import SetupError
from webchat.settings import PROJECT, Settings
from workers.processes import spawn, stop

BOOT = 40.0  # seconds
END = 10.0  # seconds; a drain takes two
UNLIMITED = "1000000000/second"
NEAR, CIRCLES, FAR = 1_000, 16, 64  # see `circles`


def circles(count: int, senders: int) -> seed.Pairs:
    """Who may send to whom: each of the first users, the senders, has every 16th of the first thousand as friends,
    and about 64 of all others; together they reach everybody of the first thousand.

    Nobody else has friends. Comings and goings are told to friends: with many of them, the arrival of thousands
    takes minutes, and that is not what is measured here.
    """
    pairs = set()
    for sender in range(min(senders, count)):
        near = range(sender % CIRCLES, min(NEAR, count), CIRCLES)
        step = max(1, (count - NEAR) // FAR)
        far = range(NEAR + sender % step, count, step)
        pairs |= {(min(sender, other), max(sender, other)) for other in chain(near, far) if other != sender}
    return pairs


class OwnServer(Server):
    """Nodes of ours. `folder` becomes the data folder's parent; `population`: how many accounts there will be, of
    which the first `senders` have friends to send to; `connections`: of each worker, as a setting; `database_url`: a
    PostgreSQL in SQLite's place. Raises SetupError where a node does not start."""

    def __init__(
        self,
        folder: Path,
        population: int,
        senders: int,
        *,
        nodes: int = 2,
        workers: int = 1,
        connections: int | None = None,
        hold: int | None = None,
        database_url: str = "",
        show: Callable[[str, float], None] = lambda _what, _part: None,
    ) -> None:
        self._data = folder / "data"
        self.settings = Settings.load({}, data=str(self._data), database_url=database_url)
        self._people = seed.seed(self.settings, population, circles(population, senders), show=show)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WEBCHAT_")}
        raised = {f"WEBCHAT_LIMIT_{kind}": UNLIMITED for kind in ("REGISTER", "LOGIN", "SEND", "FRIENDS")}
        if connections is not None:
            raised["WEBCHAT_CONNECTIONS"] = str(connections)
        self._environ = inherited | raised | {"WEBCHAT_DATABASE_URL": database_url}
        self._folder = folder
        self._workers = workers
        self._launchers: list[subprocess.Popen[bytes]] = []
        self.addresses = []
        try:
            for node in range(nodes):
                show("nodes", node / nodes)
                self.addresses.append(self._start(node))
        except BaseException:
            self.close()
            raise
        self.dialect: Dialect = WebchatDialect(f"127.0.0.1:{self.addresses[0][1]}", hold)

    def _start(self, node: int) -> tuple[str, int]:
        log = self._folder / f"node-{node}.log"
        words = ["serve", "--workers", str(self._workers), "--data", str(self._data), "--no-demo", "--port", "0"]
        with log.open("wb") as file:
            launcher = spawn(
                [sys.executable, "-m", "webchat.cli", *words],
                environ=self._environ,
                cwd=PROJECT,
                stdout=file.fileno(),
                stderr=file.fileno(),
            )
        self._launchers.append(launcher)
        deadline = time.monotonic() + BOOT
        while time.monotonic() < deadline and launcher.poll() is None:
            said = log.read_text(errors="replace")
            if found := re.search(r"is ready:\s+http://127\.0\.0\.1:(\d+)", said):
                return "127.0.0.1", int(found.group(1))
            time.sleep(0.05)
        raise SetupError(f"node {node} did not start: {log.read_text(errors='replace')[-600:]}")

    def pids(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {"worker": [], "master": [], "launcher": [], "valkey": []}
        for launcher in self._launchers:
            found["launcher"].append(launcher.pid)
            for child in processes.children(launcher.pid):
                if workers := processes.children(child):
                    found["master"].append(child)
                    found["worker"] += workers
                else:
                    found["valkey"].append(child)
        return {role: of_role for role, of_role in found.items() if of_role}

    def users(self, count: int) -> list[User]:
        if count > len(self._people):
            raise ValueError(f"this deployment has {len(self._people)} users")
        return [person.user() for person in self._people[:count]]

    def close(self) -> None:
        for launcher in reversed(self._launchers):  # the first one has the Valkey
            stop(launcher, END)


class TemporaryFolder:
    """A folder that goes when it is left; short, for a socket's path has little room."""

    def __enter__(self) -> Path:
        self._path = Path(tempfile.mkdtemp(prefix="webchat-load-"))
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)
