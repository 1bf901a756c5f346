"""The real thing, in a folder of its own: one Valkey, one database, and nodes that share both.

Each node reaches Valkey through a proxy of its own. Everything listens on loopback, is started by this
process, dies with it (the kernel sees to that), and is ended by its pid.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import random
import secrets
import shutil
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from tests.faults import processes
from tests.faults.databases import Postgres, Sqlite
from tests.faults.node import Node
from tests.faults.people import Person, create_people
from tests.faults.proxy import Proxy
from tests.faults.switches import Switches
from tests.faults.valkey import Valkey
from tests.faults.wire import Address
from webchat.data import database
from webchat.errors import SetupError
from webchat.settings import Settings

LINGER = 2.0  # seconds; short, so that the return to the baseline can be waited for
DEAD_AFTER = 6.0  # seconds
ENDS = 10.0  # seconds in which a launcher ends when it is told to
ENGINES = ("sqlite", "postgres")


class AnyDoorbell(Protocol):
    """What a stage asks of its Valkey, whatever it is built of."""

    def start(self) -> None: ...

    def kill(self) -> None: ...

    def user_channels(self) -> int: ...


class Stage:
    """`hold`: seconds that a poll with no news is held; `logs`: where the nodes' logs are kept.

    Raises SetupError where the engine is not known.
    """

    def __init__(
        self,
        nodes: int,
        workers: int = 1,
        hold: float = 6.0,
        engine: str = "sqlite",
        bug: str = "",
        linger: float = LINGER,
        logs: Path | None = None,
    ) -> None:
        check_engine(engine)
        self.hold = hold
        self._logs = logs
        self.linger = linger
        self.engine = engine
        self.folder = Path(tempfile.mkdtemp(prefix="webchat-faults-"))
        self._mark = f"WEBCHAT_TEST_MARK=faults-{os.getpid()}-{secrets.token_hex(4)}"
        # What `stop` undoes, the newest first: only what has been made by then, wherever the end comes.
        self._made = contextlib.ExitStack()
        self._made.callback(shutil.rmtree, self.folder, ignore_errors=True)
        atexit.register(self.stop)  # for an end in the middle of everything
        try:
            self._make(nodes, workers, bug)
        except BaseException:
            self.stop()
            raise

    def _make(self, nodes: int, workers: int, bug: str) -> None:
        """All that there is before the first process of the chat."""
        (self.folder / "switches").mkdir()
        self.switches = Switches(self.folder / "switches")
        if bug:
            self.switches.on(f"bug.{bug}")
        (self.folder / "data").mkdir()
        self.database = self._make_database()
        self._made.callback(self.database.close)
        self.settings = Settings(data=str(self.folder / "data"), database_url=self.database.url)
        environ = self._environ(self.hold)
        self.valkey = self._make_doorbell(environ)
        self.nodes: list[Node] = []
        self._made.callback(self._keep_logs)
        self.nodes += [self._make_node(n, environ, workers) for n in range(nodes)]
        database.prepare(self.settings)
        self.witness = self.database.witness()
        self._made.callback(self.witness.close)
        self._made.callback(self.end)

    def _make_database(self) -> Postgres | Sqlite:
        return Postgres(self.folder / "pg") if self.engine == "postgres" else Sqlite(self.folder / "data")

    def _make_doorbell(self, environ: dict[str, str]) -> AnyDoorbell:
        return Valkey(self.folder, environ)

    def _make_node(self, number: int, environ: dict[str, str], workers: int) -> Node:
        assert isinstance(self.valkey, Valkey)
        proxy = Proxy(self.valkey.path)
        self._made.callback(proxy.close)
        environ = environ | {"WEBCHAT_REDIS_URL": f"redis://127.0.0.1:{proxy.port}/0"}
        return Node(number, environ, self.folder / f"node{number}.log", workers, proxy=proxy)

    @property
    def entrances(self) -> Sequence[int]:
        """Where clients come in, as numbers for `address`: anywhere."""
        return range(len(self.nodes))

    def address(self, entrance: int) -> Address:
        """A node's, by its number."""
        return self.nodes[entrance].address

    def _environ(self, hold: float) -> dict[str, str]:
        """The environment of all that is started here, without settings of whoever started us."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WEBCHAT_")}
        name, value = self._mark.split("=")
        plenty = "1000000/minute"
        return inherited | {
            name: value,
            "WEBCHAT_TEST_PLANT": "tests.faults.plants",
            "WEBCHAT_TEST_SWITCHES": str(self.switches.folder),
            "WEBCHAT_DATA": self.settings.data,
            "WEBCHAT_DATABASE_URL": self.settings.database_url,
            "WEBCHAT_DATABASE_POOL": "5",
            "WEBCHAT_POLL_HOLD": str(hold),
            "WEBCHAT_LINGER": str(self.linger),
            "WEBCHAT_DEAD_AFTER": str(DEAD_AFTER),
            "WEBCHAT_LIMIT_REGISTER": plenty,
            "WEBCHAT_LIMIT_LOGIN": plenty,
            "WEBCHAT_LIMIT_SEND": plenty,
            "WEBCHAT_LIMIT_FRIENDS": plenty,
            "WEBCHAT_LIMIT_TYPING": plenty,
            "WEBCHAT_LIMIT_UPLOAD": plenty,
            "WEBCHAT_LOG_FORMAT": "json",
            "WEBCHAT_LOG_LEVEL": "warning",
        }

    def __enter__(self) -> Self:
        try:
            self.valkey.start()
            for node in self.nodes:
                node.start()
            for node in self.nodes:
                node.ready()
            processes.until("every doorbell is heard", lambda: all(node.heard() for node in self.nodes))
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.stop()

    def people(self, count: int, pairs: list[tuple[int, int]]) -> list[Person]:
        """Add `count` users, and make friends of these pairs of them; see `create_people`."""
        return create_people(self.settings, count, pairs)

    def workers(self) -> list[int]:
        return [pid for node in self.nodes for pid in node.workers()]

    def a_worker(self, rng: random.Random, node: Node) -> int | None:
        """One worker of the node; None while it has none."""
        found = node.workers()
        return rng.choice(found) if found else None

    def end(self) -> list[int]:
        """End all processes, politely first; the pids of those that had to be killed."""
        for pid in processes.marked(self._mark):
            processes.send(pid, signal.SIGCONT)  # who is frozen does not hear SIGTERM
        started = [node for node in self.nodes if node.is_started]
        for node in started:
            node.terminate()
        for node in started:
            node.wait(ENDS)
        self.valkey.kill()
        left = processes.marked(self._mark)
        processes.end(left)
        return left

    def stop(self) -> None:
        """End all processes and remove the folder."""
        atexit.unregister(self.stop)
        self._made.close()

    def _keep_logs(self) -> None:
        written = [log for log in self._all_logs() if log.exists()]
        if self._logs is not None and written:
            self._logs.mkdir(parents=True, exist_ok=True)
            for log in written:
                shutil.copy(log, self._logs)

    def _all_logs(self) -> list[Path]:
        return [node.log for node in self.nodes]


def check_engine(engine: str) -> None:
    """Raises SetupError, in one line, for an engine that the product does not have."""
    if engine not in ENGINES:
        raise SetupError(f"--engine {engine}: choose from {', '.join(ENGINES)}")
