"""In front of two nodes: every connection goes to one of them, drawn at random. Nothing is sticky."""

from __future__ import annotations

import contextlib
import random
import socket
import threading

CHUNK = 65_536


class Balancer:
    """Listens on a loopback port of the system's choice until `close`; `ports` are the nodes'."""

    def __init__(self, *ports: int) -> None:
        self._ports = ports
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                try:
                    node = socket.create_connection(("127.0.0.1", random.choice(self._ports)))
                except OSError:
                    client.close()
                    continue
                for source, sink in ((client, node), (node, client)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Until one of the two ends; then the other ends as well."""
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
    source.close()
