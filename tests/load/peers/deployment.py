"""A peer that runs: one Redis and two nodes of one worker process each, on loopback, in a folder of their own.

Every process is a child that ends with the load test, and counts in `pids`. A node is ready when its port accepts
and its peer's own start-up has come so far that a greeting is answered.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.load.dialect import Dialect, Server, User
from webchat.errors import SetupError
from workers.embedded import LONGEST_PATH, find_server
from workers.processes import describe_exit, spawn, stop

NODES = 2
HOST = "127.0.0.1"
BACKLOG = 16384  # a storm of connections must not meet a full queue; the kernel cuts it to its own somaxconn
START = 20.0  # seconds a process may take until it is ready; the slowest takes one
END = 3.0  # seconds until a process that was told to stop is killed
IDLE = 3600  # seconds a keep-alive connection may be idle: a sender that thinks is not hung up on
UNSET = ("DEBUG", "NODE_OPTIONS", "NODE_DEBUG", "PYTHONDEVMODE", "PYTHONASYNCIODEBUG")  # would slow a peer down


class Deployment(Server):
    """All of a `Server` but its nodes: a subclass starts those in its constructor."""

    def __init__(self, folder: Path, dialect: Dialect) -> None:
        self.dialect = dialect
        self.addresses = []
        self.folder = folder
        self._users: list[User] = []
        self._children: list[subprocess.Popen[bytes]] = []
        self._roles: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)

    def pids(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for role, child in zip(self._roles, self._children, strict=True):
            found.setdefault(role, []).append(child.pid)
        return found

    def users(self, count: int) -> list[User]:
        """No peer knows accounts: a user is a name, and with it a channel or room."""
        self._users += [User(name=f"u{number}") for number in range(len(self._users) + 1, count + 1)]
        return self._users[:count]

    def close(self) -> None:
        for child in reversed(self._children):
            stop(child, END)

    @contextlib.contextmanager
    def closed_on_failure(self) -> Iterator[None]:
        """What was started ends again where the rest does not start."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def valkey(self, *, port: int = 0) -> Path:
        """Start the doorbell. It listens on a unix socket, which is returned, and on `port` if there is one."""
        path = self.folder / "valkey.sock"
        if len(os.fsencode(path)) > LONGEST_PATH:
            raise SetupError(f"the folder's name is too long for a socket: {path}")
        command: list[str | Path] = [find_server(), "--bind", HOST, "--port", str(port), "--unixsocket", path]
        command += ["--save", "", "--appendonly", "no", "--dir", self.folder, "--logfile", self.folder / "valkey.log"]
        self.child("redis", command, lambda: connects(path))
        return path

    def child(self, role: str, command: Sequence[str | Path], ready: Callable[[], bool]) -> None:
        """Start one process; returns when it is `ready`. Raises SetupError with its last words where it is not."""
        environ = {name: value for name, value in os.environ.items() if name not in UNSET}
        log = self.folder / f"{role}-{len(self._children)}.log"
        with log.open("wb") as out:
            child = spawn(command, environ=environ, cwd=self.folder, stdout=out.fileno(), stderr=subprocess.STDOUT)
        self._children.append(child)
        self._roles.append(role)

        def look() -> bool:
            if child.poll() is not None:
                why = describe_exit(child.returncode)
                raise SetupError(f"{Path(command[0]).name} ended ({why}): {log.read_text(errors='replace')[-600:]}")
            return ready()

        self.until(f"{Path(command[0]).name} is ready", look)

    def until(self, what: str, look: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START
        while not look():
            if time.monotonic() > deadline:
                raise SetupError(f"not within {START:g} s: {what}")
            time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    """Ports that nobody has now. Held all at once, so that they differ."""
    with contextlib.ExitStack() as stack:
        ports = []
        for _ in range(count):
            line = stack.enter_context(socket.socket())
            line.bind((HOST, 0))
            ports.append(int(line.getsockname()[1]))
        return ports


def connects(where: Path | tuple[str, int]) -> bool:
    """Whether somebody listens there."""
    family = socket.AF_UNIX if isinstance(where, Path) else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family) as line:
        line.settimeout(1)
        line.connect(str(where) if isinstance(where, Path) else where)
        return True
    return False
