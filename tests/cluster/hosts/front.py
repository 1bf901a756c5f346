"""nginx on a host of its own, in front of the nodes, as `deploy/` has it; without TLS, which `tests/deploy` tests."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.client import Address, until
from tests.cluster.hosts.network import Host
from tests.deploy.proxies import Nginx, lay_nginx
from tests.load.peers.deployment import connects
from workers.processes import spawn, stop

CHAT, REDIRECT = 8080, 80  # ports
PATIENCE = 3.0  # seconds until an nginx that was told to end is killed


class Front:
    """Made, it does not run: `start`."""

    program = Nginx.program

    def __init__(self, host: Host, folder: Path, nodes: Sequence[Address]) -> None:
        self.address: Address = (host.address, CHAT)
        self._host = host
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        listen = f"listen {host.address}:{CHAT} backlog=4096;\nserver_name localhost;\n"
        lay_nginx(folder, listen, nodes, redirect=(host.address, REDIRECT))

    def start(self) -> None:
        with (self._folder / "said").open("wb") as said:
            command: list[str | Path] = [*self._host.within, "nginx", "-e", "stderr", "-c", self._folder / "nginx.conf"]
            command += ["-g", "daemon off;"]
            self._process = spawn(command, cwd=self._folder, stdout=said.fileno(), stderr=said.fileno())
        until("nginx listens", lambda: connects(self.address))

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process, PATIENCE)
            self._process = None
