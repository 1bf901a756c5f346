"""One real Valkey at an address, for what is built of several: `tests.valkey_cluster`, `tests.valkey_sentinel`.

Whoever runs the tests speaks to it through a unix socket beside its files, so that it can be asked and told also where
its address cannot be reached from here: it may run behind a command of its caller's (`ip netns exec host1`).
"""

from __future__ import annotations

import contextlib
import hashlib
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import redis

from tests.client import Address, until
from workers.embedded import find_server
from workers.processes import signal_group, spawn

HIGHEST = 65_535  # port
ACL = Path(__file__).parents[1] / "deploy" / "valkey"
PASSWORD = "ring-and-listen"  # of the shipped files' user, once they are given to a server
NOBODYS = "#" + 64 * "0"
BUS = 10_000  # a cluster's nodes speak to each other on the port that is so much higher
Login = tuple[str, str]  # name and password
ADMIN: Login = ("admin", "admin")
REPLICA: Login = ("replica", "replica")
_ADMIN = "user admin on >admin ~* &* +@all\n"
OTHERS = {"users.acl": f"{_ADMIN}user replica on >replica +psync +replconf +ping\n", "sentinel-users.acl": _ADMIN}


class Server:
    """Made, it does not run: `start`. `folder` is its own, and a short path; `login`: as whom `command` speaks."""

    def __init__(
        self,
        folder: Path,
        address: Address,
        options: Sequence[str | Path] = (),
        within: Sequence[str | Path] = (),
        login: Login | None = None,
    ) -> None:
        self.folder = folder
        self.address = address
        self.socket = folder / "v.sock"
        self._options = [*options]
        self._within = [*within]
        self._login = login
        self._process: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"<Valkey {self.address[0]}:{self.address[1]}>"

    def start(self) -> None:
        """Returns when it answers. It knows what its folder holds: for a cluster's node, who it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        host, port = self.address
        command: list[str | Path] = [*self._within, find_server(), *self._options]
        command += ["--bind", host, "--port", str(port), "--unixsocket", self.socket]
        command += ["--dir", self.folder, "--logfile", self.folder / "log"]
        self._process = spawn(command, cwd=self.folder)
        until(f"{self!r} answers", self._answers)

    def kill(self) -> None:
        if self._process is not None:
            signal_group(self._process, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        if self._process is not None:
            signal_group(self._process, signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process is not None:
            signal_group(self._process, signal.SIGCONT)

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def command(self, *words: str | int) -> Any:
        """Ask it. Raises redis.RedisError where it refuses, or does not answer within 2 s."""
        name, password = self._login or (None, None)
        with redis.Redis(
            unix_socket_path=str(self.socket),
            username=name,
            password=password,
            socket_timeout=2,
            protocol=2,
            decode_responses=True,
        ) as client:
            return client.execute_command(*words)

    def _answers(self) -> bool:
        assert self.runs, f"it ended: {(self.folder / 'log').read_text()}"
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as line:
            line.settimeout(0.5)
            line.connect(str(self.socket))
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith((b"+PONG", b"-NOAUTH"))
        return False


class Servers(ABC):
    """Several that belong together; they run for a `with` block, and end also where one of them does not start."""

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def shipped_acl(folder: Path, name: str = "users.acl") -> Path:
    """The file of that name in `deploy/`, with a password for its user. And one user more, who may do everything, and
    for servers a replica's."""
    shipped = (ACL / name).read_text()
    assert NOBODYS in shipped
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    made = folder / name
    made.write_text(shipped.replace(NOBODYS, f"#{digest}") + OTHERS[name])
    return made


def loopback(count: int) -> list[Address]:
    """Addresses that nobody has now, nor the ports of their cluster buses. Held all at once, so that they differ."""
    with contextlib.ExitStack() as stack:
        found: list[Address] = []
        while len(found) < count:
            line = stack.enter_context(socket.socket())
            line.bind(("127.0.0.1", 0))
            port = int(line.getsockname()[1])
            with contextlib.suppress(OSError):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", bus_port(port)))
                found.append(("127.0.0.1", port))
        return found


def bus_port(port: int) -> int:
    return port + BUS if port + BUS <= HIGHEST else port - BUS
