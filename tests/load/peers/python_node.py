"""One python-socketio node, a process of its own: `python -P python_node.py PORT VALKEY_SOCKET`.

What is chosen, and why, is in socketio_python.py.
"""

from gevent import monkey

monkey.patch_all()  # before anything opens a socket: the Redis manager insists on it

import importlib  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

from gevent import pywsgi  # noqa: E402

BACKLOG = 16384

socketio: Any = importlib.import_module("socketio")  # it has no types, and is not in every environment


def application(valkey: str) -> Any:
    sio = socketio.Server(
        async_mode="gevent",
        client_manager=socketio.RedisManager(f"unix://{valkey}"),
        transports=["polling"],
        http_compression=False,
        async_handlers=False,
    )

    def connect(sid: str, environ: dict[str, Any], auth: dict[str, str]) -> None:
        sio.enter_room(sid, auth["user"])

    def send(sid: str, to: str, text: str) -> None:
        """Its return is the acknowledgement."""
        sio.emit("message", text, to=to)

    sio.on("connect", connect)
    sio.on("send", send)
    return socketio.WSGIApp(sio)


def main(port: str, valkey: str) -> None:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
    listener.bind(("127.0.0.1", int(port)))
    listener.listen(BACKLOG)
    pywsgi.WSGIServer(listener, application(valkey), log=None).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
