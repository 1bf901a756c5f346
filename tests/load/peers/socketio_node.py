"""Socket.IO on Node: two processes, polling alone, the Redis adapter. Nothing is authenticated, nothing is stored.

Set up as its documentation says (https://socket.io/docs/v4/, pages "Redis adapter", "Using multiple nodes" and
"Performance tuning"):

- `createAdapter` with the `ioredis` package, which the page advises where the `redis` package "seems to have problems".
  The page recommends the sharded adapter for new developments; with one Redis and two nodes it was not the cheaper
  one here, and in its default mode it loses messages to people who have just come back to the same node.
- Sessions are sticky, as polling demands: here the client keeps to its node, where a balancer would.
- No HTTP compression (by default it begins at 1 KiB, for clients that ask for it; none here does), no WebSocket, so
  neither permessage-deflate nor native add-ons matter; the first request of a session is discarded, as advised.
- Unix socket to Redis, keep-alive for an hour in place of Node's 5 seconds, no `DEBUG`.

µWebSockets.js, which the documentation names as a quicker HTTP server, is not on npm, and is left out.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.load.peers.deployment import NODES, free_ports
from tests.load.peers.engine_io import EngineIo
from tests.load.peers.sessions import SocketIoDeployment

NODE = Path(__file__).with_name("node")
PACKAGES = ("socket.io", "@socket.io/redis-adapter", "ioredis")


def missing() -> str | None:
    if not shutil.which("node"):
        return "Node.js 20 or newer is not installed (Debian: apt install nodejs npm)"
    if not all((NODE / "node_modules" / package).is_dir() for package in PACKAGES):
        return "Socket.IO is not installed (npm ci --prefix tests/load/peers/node)"
    return None


class SocketIo(SocketIoDeployment):
    """Two nodes and a Redis; the dialect says what is asked of them."""

    def __init__(self, dialect: EngineIo, folder: Path) -> None:
        super().__init__(dialect, folder, "socket.io-request#/#")
        with self.closed_on_failure():
            socket = self.valkey()
            for port in free_ports(NODES):
                self.node(port, socket, ["node", NODE / "server.mjs", str(port), socket])
