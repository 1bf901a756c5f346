"""What the two Socket.IO servers have in common as deployments: when a node is ready.

A node may listen before it has subscribed to Redis (python-socketio does so with its first session), and what other
nodes tell it in that moment is lost. So each is given a session, which is closed again, and is ready once Redis counts
it among the subscribers.
"""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Sequence
from pathlib import Path

import redis

from tests.client import Address, request
from tests.load.peers.deployment import HOST, Deployment, connects
from tests.load.peers.engine_io import PATH, EngineIo

CLOSE = b"1"  # the packet that ends a session


class SocketIoDeployment(Deployment):
    """`channel`: the Redis channel that every node of this kind is subscribed to."""

    def __init__(self, dialect: EngineIo, folder: Path, channel: str) -> None:
        super().__init__(folder, dialect)
        self._channel = channel

    def node(self, port: int, valkey: Path, command: Sequence[str | Path]) -> None:
        address = (HOST, port)
        self.child("worker", command, lambda: connects(address))
        self.until("a session can be opened", lambda: opens(address))
        self.addresses.append(address)
        with redis.Redis(unix_socket_path=str(valkey), protocol=2) as client:
            self.until(
                "the node is subscribed",
                lambda: int(client.pubsub_numsub(self._channel)[0][1]) >= len(self.addresses),
            )


def opens(address: Address) -> bool:
    """Open a session and close it."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        path = PATH.decode()
        answer = request(address, "GET", path, timeout=5)
        if answer.status == 200:
            sid = json.loads(answer.raw[1:])["sid"]
            return request(address, "POST", f"{path}&sid={sid}", CLOSE, timeout=5).status == 200
    return False
