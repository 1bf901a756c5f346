"""The servers that webchat is measured against, each set up as its own documentation says for nodes, Redis and polling.

All are deployed alike: two nodes of one worker process each, and one Redis (the Valkey that comes along), on loopback.
Each module says what was chosen, and what was chosen in the peer's favour.

Socket.IO takes part twice. Its emits ask for an acknowledgement by the handler, for only that says what webchat's 201
and nchan's 201 say: the server has it. Over polling, that is one more answer to the sender's own poll. The
`-unacknowledged` ones spare themselves that, as many applications do: the cheapest that Socket.IO can be.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.load.dialect import Dialect, Server
from tests.load.peers import nchan, socketio_node, socketio_python
from tests.load.peers.engine_io import EngineIo
from tests.load.peers.nchan import Nchan, NchanDialect
from tests.load.peers.socketio_node import SocketIo
from tests.load.peers.socketio_python import PythonSocketIo

_nchan = NchanDialect()
_node = EngineIo("socketio")
_node_less = EngineIo("socketio-unacknowledged", acknowledged=False)
_python = EngineIo("python-socketio")
_python_less = EngineIo("python-socketio-unacknowledged", acknowledged=False)

DIALECTS: dict[str, Dialect] = {each.name: each for each in (_nchan, _node, _node_less, _python, _python_less)}

SERVERS: dict[str, Callable[[Path], Server]] = {
    _nchan.name: partial(Nchan, _nchan),
    _node.name: partial(SocketIo, _node),
    _node_less.name: partial(SocketIo, _node_less),
    _python.name: partial(PythonSocketIo, _python),
    _python_less.name: partial(PythonSocketIo, _python_less),
}

_MISSING: dict[str, Callable[[], str | None]] = {
    _nchan.name: nchan.missing,
    _node.name: socketio_node.missing,
    _node_less.name: socketio_node.missing,
    _python.name: socketio_python.missing,
    _python_less.name: socketio_python.missing,
}


def missing(name: str) -> str | None:
    """What this peer lacks here, and how to get it, in one line; None: nothing."""
    return _MISSING[name]()
