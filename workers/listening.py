"""The node's socket. The launcher holds it, so that a restart of gunicorn refuses nobody.

It takes the address at once and listens from the moment on when the first worker can serve (`workers.comet`): a node
that boots is closed, so that a proxy asks another one, and nobody waits for its boot in a queue.

`reuse_port` stays off: with it, connections that wait in a leaving worker's queue are reset.
"""

from __future__ import annotations

import errno
import socket

from webchat.errors import SetupError

# Connections that wait for `accept`, as `deploy/gunicorn.conf.py` has it; the kernel cuts it to net.core.somaxconn.
BACKLOG = 2048


def bind(host: str, port: int) -> socket.socket:
    """A socket at that address; port 0: the system chooses. SetupError, in one line, when that cannot be."""
    where = f"port {port} on {host}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise SetupError(f"cannot listen on {host}: {error}") from None
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise SetupError(f"{where} is in use; stop what listens there, or choose another with --port") from None
        if error.errno == errno.EACCES:
            raise SetupError(f"{where} needs more rights; choose a port above 1023 with --port") from None
        raise SetupError(f"cannot listen on {where}: {error.strerror}") from None
    return listener


def dial(listener: socket.socket) -> socket.socket:
    """A connection to a socket that listens here, whichever address it has. Raises OSError."""
    host, port = listener.getsockname()[:2]
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return socket.create_connection((local, port), timeout=1.0)


def url(listener: socket.socket, host: str) -> str:
    """The address for a person to open; `host` as it was given, unless it means every address."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}"
