"""gunicorn as a child of the launcher: started, watched until it is ready, reloaded, ended.

The socket comes from the launcher and stays there. Once it listens, connections made while gunicorn restarts wait in
its queue instead of being refused.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from webchat.settings import PROJECT
from workers import listening
from workers.loop import Backoff, Loop
from workers.processes import describe_exit, signal_group, spawn

CONFIG = PROJECT / "deploy" / "gunicorn.conf.py"
APPLICATION = "workers.wsgi:application()"
CANNOT_BOOT = (3, 4)  # gunicorn's codes for a worker that fails to boot and an application that fails to load
PROBE = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
RETRY = 0.05  # seconds between two looks at a server that is not ready
LATE = 10.0  # seconds after which we say what it is that is not ready


class GunicornNode:
    """One gunicorn. `on_ready` is called once, `on_failed` when it cannot boot, `on_stopped` after `stop()`."""

    def __init__(self, listener: socket.socket, environ: Mapping[str, str], loop: Loop, log: logging.Logger) -> None:
        self.on_ready: Callable[[], None] = lambda: None
        self.on_failed: Callable[[], None] = lambda: None
        self.on_stopped: Callable[[], None] = lambda: None
        self._listener = listener
        self._environ = dict(environ)
        self._metrics = Path(self._environ["PROMETHEUS_MULTIPROC_DIR"])
        self._loop = loop
        self._log = log
        self._backoff = Backoff()
        self._child: subprocess.Popen[bytes] | None = None
        self._since = 0.0
        self._ready = False
        self._told_late = False
        self._stopping = False
        self._line: socket.socket | None = None

    def start(self) -> None:
        if self._stopping:
            return
        self.remove_metrics()  # of the run before: its processes are gone
        self._metrics.mkdir(parents=True)
        descriptor = self._listener.fileno()
        command = [sys.executable, "-m", "gunicorn", "-c", str(CONFIG), "-b", f"fd://{descriptor}", APPLICATION]
        # cwd: gunicorn puts its folder in front of the import path
        self._child = spawn(command, environ=self._environ, cwd=PROJECT, keep=[descriptor])
        self._since = time.monotonic()
        if not self._ready:
            self._ask()

    def child_ended(self) -> None:
        """Call it on SIGCHLD: decides between the end, a restart, and giving up."""
        child = self._child
        if child is None or child.poll() is None:
            return
        self._child = None
        uptime = time.monotonic() - self._since
        if self._stopping:
            self.on_stopped()
            return
        if child.returncode in CANNOT_BOOT or (not self._ready and child.returncode > 0):
            self.on_failed()
            return
        signal_group(child, signal.SIGTERM)  # workers without a master: let them drain at once
        wait = self._backoff.after(uptime)
        self._log.warning("gunicorn ended", extra={"why": describe_exit(child.returncode), "restart_in": wait})
        self._loop.later(wait, self.start)

    def reload(self) -> None:
        """New workers, with the application's code as it is now; the old ones drain."""
        if self._child is not None:
            self._child.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Ask it to drain and end; `on_stopped` follows. From now on new connections are refused."""
        self._stopping = True
        self._hang_up()
        self._listener.close()
        if self._child is None:
            self.on_stopped()
        else:
            self._child.terminate()

    def kill(self) -> None:
        """End master and workers now."""
        if self._child is not None:
            signal_group(self._child, signal.SIGKILL)
            self._child.wait()

    def remove_metrics(self) -> None:
        shutil.rmtree(self._metrics, ignore_errors=True)

    # --- is it ready? It refuses connections until a worker listens; then one request waits for its answer.

    def _ask(self) -> None:
        if self._ready or self._stopping:
            return
        if not self._told_late and time.monotonic() - self._since > LATE:
            self._told_late = True
            self._log.warning("not ready yet; /readyz says why")
        try:
            self._line = listening.dial(self._listener)
            self._line.sendall(PROBE)
        except OSError:
            self._hang_up()
            self._loop.later(RETRY, self._ask)
            return
        self._loop.watch(self._line, self._answered)

    def _answered(self) -> None:
        if self._line is None:
            return
        answer = b""
        with contextlib.suppress(OSError):
            answer = self._line.recv(64)
        self._hang_up()
        status = answer[9:12]  # "HTTP/1.1 200 …"
        if status.isdigit() and int(status) < 500:
            self._ready = True
            self.on_ready()
        else:
            self._loop.later(RETRY, self._ask)

    def _hang_up(self) -> None:
        if self._line is not None:
            with contextlib.suppress(KeyError):
                self._loop.unwatch(self._line)
            self._line.close()
            self._line = None


def clean_environ() -> dict[str, str]:
    """Our environment without what would reconfigure gunicorn behind the settings' back."""
    foreign = ("WEBCHAT_", "GUNICORN_", "LISTEN_", "PYTHONHOME")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return environ | {name: value for name, value in os.environ.items() if name.startswith("WEBCHAT_TEST_")}
