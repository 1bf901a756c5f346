"""One node as it is really run: `webchat serve`, with its gunicorn and workers, in processes of their own."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.faults import processes
from tests.faults.processes import until
from tests.faults.proxy import Proxy
from tests.faults.wire import Address, Failed, Response, Wire
from webchat.settings import PROJECT
from workers.processes import spawn

BOOT = 90.0  # seconds; a start takes two, on a machine that is being tortured forty


class Node:
    """`environ`: what the launcher gets; `log`: where it writes; `address`: port 0 lets the system choose.

    `proxy`: what stands between it and Valkey, if anything does; `within`: a command that runs another one where the
    address is.
    """

    def __init__(
        self,
        index: int,
        environ: dict[str, str],
        log: Path,
        workers: int,
        address: Address = ("127.0.0.1", 0),
        proxy: Proxy | None = None,
        within: Sequence[str] = (),
    ) -> None:
        self.index = index
        self.log = log
        self.host, self.port = address
        self._environ = environ
        self._count = workers
        self._proxy = proxy
        self._within = within
        self._launcher: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> Address:
        return (self.host, self.port)

    @property
    def proxy(self) -> Proxy:
        assert self._proxy is not None
        return self._proxy

    def start(self) -> None:
        """Start the launcher; on the port of its predecessor, if it had one. `ready` waits for it."""
        words = ["serve", "--host", self.host, "--port", str(self.port), "--workers", str(self._count), "--no-demo"]
        with self.log.open("ab") as log:
            self._told = log.tell()
            self._launcher = spawn(
                [*self._within, sys.executable, "-m", "webchat.cli", *words],
                environ=self._environ,
                cwd=PROJECT,
                stdout=log.fileno(),
                stderr=log.fileno(),
            )

    def ready(self) -> None:
        """Wait for the banner. Raises RuntimeError with the log's last words where the launcher ended."""
        until(f"node {self.index} is ready", self._banner, BOOT)

    def restart(self) -> None:
        """Start again after the launcher's death, as a service manager does: until its port is free again."""

        def again() -> bool:
            if self._launcher is None or self._launcher.poll() is not None:
                self.start()
            with contextlib.suppress(RuntimeError):
                return self._banner()
            return False

        until(f"node {self.index} is back", again, BOOT)

    def _banner(self) -> bool:
        assert self._launcher is not None
        with self.log.open("rb") as log:
            log.seek(self._told)
            said = log.read().decode(errors="replace")
        if found := re.search(rf"is ready:\s+http://{re.escape(self.host)}:(\d+)", said):
            self.port = int(found.group(1))
            return True
        if self._launcher.poll() is not None:
            raise RuntimeError(f"node {self.index} did not start: {said[-600:]}")
        return False

    # --- its processes

    @property
    def is_started(self) -> bool:
        return self._launcher is not None

    @property
    def launcher(self) -> int:
        assert self._launcher is not None
        return self._launcher.pid

    def workers(self) -> list[int]:
        """The pids of the comet workers: the children of the gunicorn master."""
        return [worker for master in processes.children(self.launcher) for worker in processes.children(master)]

    def hup(self) -> None:
        processes.send(self.launcher, signal.SIGHUP)

    def kill_launcher(self) -> None:
        if self._launcher is not None:
            self._launcher.kill()
            self._launcher.wait()

    def terminate(self) -> None:
        processes.send(self.launcher, signal.SIGTERM)

    def wait(self, seconds: float) -> bool:
        """Whether the launcher ended in time."""
        assert self._launcher is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._launcher.wait(seconds)
            return True
        return False

    # --- what it says of itself

    def metrics(self) -> dict[str, float]:
        """The unlabelled numbers of /metrics. Raises Failed."""
        text = self._get("/metrics").raw.decode()
        pairs = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
        return {pair[0]: float(pair[1]) for pair in pairs if "{" not in pair[0]}

    def heard(self) -> bool:
        """Whether the worker that answers serves and hears the doorbell."""
        with contextlib.suppress(Failed, ValueError, KeyError):
            answer = self._get("/readyz")
            return answer.status == 200 and answer.body["doorbell"] == "heard"
        return False

    def _get(self, path: str) -> Response:
        wire = Wire()
        try:
            return wire.request(self.address, "GET", path, timeout=3, fresh=True)
        finally:
            wire.close()
