"""`webchat serve` as a real process, for the tests of the launcher: start it, read it, look for leftovers."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from workers.embedded import socket_path

ROOT = Path(__file__).resolve().parents[2]
BOOT = 20.0  # seconds; a start takes one or two, on a machine that has other things to do more
T = TypeVar("T")


def until(what: str, look: Callable[[], T], seconds: float = 10.0) -> T:
    """The first true result of `look`; fails by name when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)
    return found


def environ(**variables: str) -> dict[str, str]:
    """The environment without settings of whoever runs the tests."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WEBCHAT_")}
    return inherited | {f"WEBCHAT_{name.upper()}": value for name, value in variables.items()}


class Launched:
    """A launcher on `data`; leaving the `with` block ends it, and it must have left nothing."""

    root = ROOT  # the project that is started

    def __init__(self, data: Path, *flags: str, **variables: str) -> None:
        self.data = data
        self._mark = f"{data.name}-{time.monotonic_ns()}"  # every descendant inherits it
        self._stderr = (data.parent / f"{self._mark[-100:]}.log").open("w+")
        command = [sys.executable, "-m", "webchat.cli", "serve", "--port", "0", "--workers", "1"]
        self.process = subprocess.Popen(
            [*command, *flags],
            cwd=self.root,
            env=environ(data=str(data), test_mark=self._mark, **variables),
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            start_new_session=True,
        )
        self.banner = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()
        self._stderr.close()
        if kind is None:
            until("no process is left", lambda: not self.processes())

    def ready(self) -> Self:
        """Wait for the banner."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.banner += line
            if "Ctrl-C" in line:
                return self
        raise AssertionError(f"no banner; exit code {self.process.wait()}: {self.errors()}")

    @property
    def port(self) -> int:
        found = re.search(r"http://127\.0\.0\.1:(\d+)", self.banner)
        assert found, self.banner
        return int(found.group(1))

    def get(self, path: str) -> int:
        """The status of a GET; 0 when it was not answered."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5) as line:
            line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = line.recv(64)
            return int(answer[9:12] or 0)
        return 0

    def errors(self) -> str:
        self._stderr.flush()
        return Path(self._stderr.name).read_text()

    def processes(self) -> dict[int, str]:
        """{pid: command line} of this launcher and all that came of it."""
        return _processes_with(f"WEBCHAT_TEST_MARK={self._mark}")

    def stop(self, signum: int = signal.SIGTERM) -> int:
        self.process.send_signal(signum)
        return self.process.wait(BOOT)


def processes_of(data: Path) -> dict[int, str]:
    """{pid: command line} of every process that works for this data folder, whoever started it."""
    return _processes_with(f"WEBCHAT_DATA={data}", data / "run")


def valkey_of(data: Path) -> int | None:
    """The pid of the Valkey that serves this data folder, if it answers."""
    answer = _ask(socket_path(data / "run"), b"INFO server\r\n")
    found = re.search(rb"process_id:(\d+)", answer)
    return int(found.group(1)) if found else None


def sockets_in(data: Path) -> list[Path]:
    return [path for path in data.rglob("*") if path.is_socket()]


def pings(path: Path) -> bool:
    """Whether a Valkey answers on this socket."""
    return _ask(path, b"PING\r\n") == b"+PONG\r\n"


def _ask(path: Path, command: bytes) -> bytes:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as line:
        line.settimeout(1)
        line.connect(str(path))
        line.sendall(command)
        return line.recv(4096)
    return b""


def _processes_with(variable: str, folder: Path | None = None) -> dict[int, str]:
    """{pid: command line} of the processes with this variable, or, as Valkey overwrites its own, in this folder."""
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (
                variable.encode() in (entry / "environ").read_bytes().split(b"\0")
                or (folder and (entry / "cwd").readlink() == folder)
            ):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return found
