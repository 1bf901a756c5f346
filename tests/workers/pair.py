"""Two gunicorns that differ in nothing but their worker: ours and the stock one. And the wire to them.

Many connections are worked on at once, in steps: connect all, send all their first parts, wait until the servers have
read them, send the second parts, read all answers to their end. So a cut is a cut for the server, without any fixed
time to wait.
"""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.workers.launched import BOOT, ROOT, environ
from webchat.settings import Settings
from workers.processes import spawn, stop

OURS, STOCK = "workers.comet.CometWorker", "gevent"
BATCH = 150  # connections to each server at once
PATIENCE = 10.0  # seconds; an answer takes a millisecond
PROBE = b"GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
Parts = Sequence[bytes]


class Server(NamedTuple):
    worker: str
    address: tuple[str, int]
    process: subprocess.Popen[bytes]
    folder: Path

    def ask(self, *parts: bytes) -> bytes:
        """All that comes back on one connection."""
        return exchange([(self, parts)])[0]

    def log(self, name: str = "error") -> str:
        return (self.folder / f"{name}.log").read_text()


class Pair:
    """Context manager. `settings`: gunicorn's, on top of those that we deploy."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self._folder = folder
        self._settings = settings
        self.ours, self.stock = (self._start(worker) for worker in (OURS, STOCK))

    def _start(self, worker: str) -> Server:
        folder = self._folder / worker.rpartition(".")[2]
        folder.mkdir(parents=True)
        changed = {
            "workers": 1,
            "worker_class": worker,
            "errorlog": str(folder / "error.log"),
            "loglevel": "info",
            "pidfile": str(folder / "pid"),
            "graceful_timeout": 5,
        }
        changed |= self._settings
        if changed.get("accesslog"):
            changed["accesslog"] = str(folder / "access.log")
        config = folder / "gunicorn.conf.py"
        config.write_text(
            "import runpy\n"
            f"globals().update(runpy.run_path({str(ROOT / 'deploy' / 'gunicorn.conf.py')!r}))\n"
            f"globals().update({changed!r})\n"
        )
        with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
            listener.set_inheritable(True)
            descriptor = listener.fileno()
            command = [sys.executable, "-m", "gunicorn", "-c", str(config), "-b", f"fd://{descriptor}"]
            process = spawn(
                [*command, "tests.workers.echo:application"],
                environ=environ() | Settings().environ() | {"PYTHONDONTWRITEBYTECODE": "1"},
                cwd=ROOT,
                keep=[descriptor],
                stderr=subprocess.DEVNULL,
            )
            return Server(worker, listener.getsockname(), process, folder)

    @property
    def servers(self) -> tuple[Server, Server]:
        return self.ours, self.stock

    def __enter__(self) -> Self:
        try:
            for server in self.servers:
                _answers(server)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.servers:
            server.process.send_signal(signal.SIGINT)  # at once, without a drain
        for server in self.servers:
            stop(server.process, 5.0)

    def exchange(self, all_parts: Iterable[Parts]) -> list[tuple[bytes, bytes]]:
        """For each: what ours and what the stock worker gave back for it, on a connection of its own."""
        asked = list(all_parts)
        came = []
        for start in range(0, len(asked), BATCH):
            batch = asked[start : start + BATCH]
            raw = exchange([(server, parts) for parts in batch for server in self.servers])
            came += list(zip(raw[::2], raw[1::2], strict=True))
        return came


def exchange(asked: Sequence[tuple[Server, Parts]]) -> list[bytes]:
    """Send each one's parts, each part when the one before was read, then half-close; all that comes back."""
    lines = []
    try:
        for server, _ in asked:
            line = socket.create_connection(server.address, PATIENCE)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            lines.append(line)
        for turn in range(max(len(parts) for _, parts in asked)):
            if turn:
                all_read({server.address[1] for server, _ in asked})
            for line, (_, parts) in zip(lines, asked, strict=True):
                with contextlib.suppress(OSError):  # it has answered and hung up already
                    if turn < len(parts):
                        line.sendall(parts[turn])
                    if turn == len(parts) - 1:
                        line.shutdown(socket.SHUT_WR)
        return [to_the_end(line) for line in lines]
    finally:
        for line in lines:
            line.close()


def to_the_end(line: socket.socket) -> bytes:
    """All that comes until the other side closes; one that does not is marked."""
    came = b""
    try:
        while chunk := line.recv(1 << 16):
            came += chunk
    except TimeoutError:
        came += b"(and the connection was left open)"
    except OSError:
        pass  # closed with something unread: what came before counts
    return came


def all_read(ports: set[int]) -> None:
    """Wait until these servers' connections have nothing unread in the kernel."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        time.sleep(0.05)
        return
    ours = "|".join(f"{port:04X}" for port in ports)
    # Number, local address, remote address, state (0A: listening), bytes unsent and bytes unread.
    waiting = re.compile(rf"^ *\d+: \w+:(?:{ours}) \w+:\w+ (?!0A)\w\w \w+:0*[1-9A-F]", re.MULTILINE)
    deadline = time.monotonic() + 1.0  # one that is not going to read, as it hangs up, is no reason to wait
    while waiting.search(table.read_text()) and time.monotonic() < deadline:
        time.sleep(0.001)


def _answers(server: Server) -> None:
    """One request, that waits in the listener's queue until there is a worker."""
    with socket.create_connection(server.address, BOOT) as line:
        line.sendall(PROBE)
        assert line.recv(12) == b"HTTP/1.1 200", server.log()
