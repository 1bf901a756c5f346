"""python-socketio: two processes on gevent, polling alone, the Redis manager. Nothing is authenticated or stored.

Set up as its documentation says (https://python-socketio.readthedocs.io/en/stable/server.html, "Gevent" and "Using a
Message Queue"): `async_mode="gevent"`, `socketio.RedisManager`, and gevent's own `pywsgi` server. The documentation
names gunicorn's gevent worker as the alternative; measured here with the same work, it cost 1.4 times the CPU, so the
peer gets pywsgi. See python_node.py, which is one such process.

In its favour: TCP_NODELAY on the listening socket (without it every answer of pywsgi waits 40 ms for a delayed ACK),
handlers run without a greenlet of their own (`async_handlers=False`: ours do not wait for anything but Redis), hiredis,
a unix socket to Redis, no access log, no compression.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from tests.load.peers.deployment import NODES, free_ports
from tests.load.peers.engine_io import EngineIo
from tests.load.peers.sessions import SocketIoDeployment

PROGRAM = Path(__file__).with_name("python_node.py")


def missing() -> str | None:
    if not importlib.util.find_spec("socketio"):
        return "python-socketio is not installed (pip install --require-hashes -r requirements/load.txt)"
    return None


class PythonSocketIo(SocketIoDeployment):
    """Two nodes and a Redis; the dialect says what is asked of them."""

    def __init__(self, dialect: EngineIo, folder: Path) -> None:
        super().__init__(dialect, folder, "socketio")
        with self.closed_on_failure():
            socket = self.valkey()
            for port in free_ports(NODES):
                self.node(port, socket, [sys.executable, "-P", PROGRAM, str(port), socket])
