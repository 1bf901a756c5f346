"""One Valkey on a host of its own, as a stage of the fault harness uses it."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.hosts.network import Host
from tests.valkey import Server

PORT = 6379


class Single:
    """See `tests.faults.stage.AnyDoorbell`. `folder` must be a short path."""

    def __init__(self, host: Host, folder: Path) -> None:
        self._server = Server(folder, (host.address, PORT), ["--save", "", "--protected-mode", "no"], host.within)
        self.url = f"redis://{host.address}:{PORT}/0"

    def start(self) -> None:
        self._server.start()

    def kill(self) -> None:
        self._server.kill()

    def user_channels(self) -> int:
        """How many users' channels somebody is subscribed to: `webchat:EPOCH:USER`."""
        names = [name.rpartition(":")[2] for name in self._server.command("PUBSUB", "CHANNELS", "webchat:*")]
        return sum(name.isdigit() and name != "0" for name in names)
