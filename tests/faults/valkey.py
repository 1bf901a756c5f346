"""A Valkey that may be killed, frozen, wiped, and started again empty."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import redis

from tests.faults.processes import until
from workers.embedded import find_server
from workers.processes import spawn


class Valkey:
    """One server on a unix socket in `folder`, which must be a short path."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.path = folder / "valkey.sock"
        self._folder = folder
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers; it knows nothing of the one before it."""
        if self._process is not None:
            return
        self.path.unlink(missing_ok=True)
        command: list[str | Path] = [find_server(), "--port", "0", "--unixsocket", self.path, "--save", ""]
        command += ["--appendonly", "no", "--dir", self._folder, "--logfile", self._folder / "valkey.log"]
        self._process = spawn(command, environ=self._environ)
        until("valkey answers", self._answers)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def command(self, *words: str | int) -> Any:
        """Ask it. Raises redis.RedisError where it does not answer within 2 s."""
        with redis.Redis(unix_socket_path=str(self.path), socket_timeout=2, protocol=2) as client:
            return client.execute_command(*words)

    def user_channels(self) -> int:
        """How many users' channels somebody is subscribed to: `webchat:EPOCH:USER`; workers and alarms aside."""
        names = [bytes(name).rpartition(b":")[2] for name in self.command("PUBSUB", "CHANNELS", "webchat:*")]
        numbers = [name for name in names if name.isdigit() and name != b"0"]
        return len(numbers)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as line:
            line.settimeout(0.5)
            line.connect(str(self.path))
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")
        return False
