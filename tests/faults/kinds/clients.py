"""Clients that vanish, reset, dawdle, come all at once, repeat themselves, or bring nonsense."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import gevent

from tests.faults.device import Device
from tests.faults.kinds.kind import Kind
from tests.faults.wire import RESET, Failed, Wire

MANY = 50
FORGED = "0" * 12  # the epoch of no database


class ClientsVanish(Kind):
    """a third of the clients hang up in mid-poll"""

    promise = 1.0

    def inject(self) -> None:
        for device in self.scene.fleet.some(len(self.scene.fleet.devices) // 3, self.rng):
            device.polls.hang_up()


class ReconnectStorm(Kind):
    """all clients reset their connections at once, and come back"""

    promise = 3.0
    stalls = 1.0

    def inject(self) -> None:
        for device in self.scene.fleet.devices:
            device.polls.hang_up(reset=True)


class ResetInAnswer(Kind):
    """RST in the middle of an answer, many times"""

    promise = 1.0

    def inject(self) -> None:
        for _ in range(MANY):
            with contextlib.suppress(OSError), _ask(self, "/api/openapi.json") as line:
                line.recv(100)
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


class SlowReader(Kind):
    """clients that read one byte a second"""

    promise = 1.0
    lasts = (3.0, 3.0)

    def inject(self) -> None:
        self.reading = [gevent.spawn(self._read) for _ in range(10)]

    def heal(self) -> None:
        gevent.killall(self.reading)

    def _read(self) -> None:
        with contextlib.suppress(OSError), _ask(self, "/api/openapi.json") as line:
            while line.recv(1):
                gevent.sleep(1)


class RepeatedPosts(Kind):
    """acknowledged sends are posted again, to other nodes"""

    promise = 1.0

    def inject(self) -> None:
        devices = {device.name: device for device in self.scene.fleet.devices}
        sends = {record["cid"]: record for record in self.scene.history.records if record["e"] == "send"}
        acknowledged = sorted(
            {
                record["cid"]
                for record in self.scene.history.records
                if record["e"] == "try" and record.get("status", 999) < 300 and record["c"] in devices
            }
        )
        # Their clients have connections of their own for this: one request at a time on each.
        for client_id in self.rng.sample(acknowledged, min(MANY, len(acknowledged))):
            send = sends[client_id]
            body = {"conversation": send["conv"], "text": send["text"], "client_id": client_id}
            body |= {"files": [send["file"]["id"]]} if send["file"] else {}
            gevent.spawn(_again, devices[send["c"]], body)


def _again(device: Device, body: dict[str, Any]) -> None:
    wire = Wire(device.calls.token)
    device.try_send(body, wire=wire)
    wire.close()


class BadCursors(Kind):
    """stale, future and garbage cursors: answered `reset`, `reset` and 400"""

    promise = 1.0

    def inject(self) -> None:
        canary = self.scene.canaries[0]
        if canary.cursor is None:
            return
        epoch, user, number, mark = canary.cursor.split(".")
        self._poll("stale", f"{FORGED}.{user}.{number}.{mark}", 200)
        self._poll("from the future", f"{epoch}.{user}.{int(number) + 10**6}.{mark}", 200)
        self._poll("somebody else's", f"{epoch}.{int(user) + 1}.{number}.{mark}", 200)
        for garbage in ("", "garbage", f"{epoch}.{user}.-1.{mark}", f"{canary.cursor}.1", "%00"):
            self._poll(f"garbage {garbage!r}", garbage, 400)

    def _poll(self, what: str, cursor: str, status: int) -> None:
        canary = self.scene.canaries[0]
        node = self.rng.choice(self.stage.nodes)
        wire = Wire(canary.polls.token)
        try:
            answer = wire.request(node.address, "GET", f"/api/events?after={cursor}&timeout=0")
        except Failed:
            return  # another fault was at work
        finally:
            wire.close()
        if answer.status == 503:
            return
        holds = answer.status == status and (status != 200 or answer.body.get("reset") is True)
        self.scene.claim("cursor", holds, f"a cursor that is {what} was answered {answer.status} {answer.raw[:100]!r}")


def _ask(kind: Kind, path: str) -> socket.socket:
    """A connection on which a request was sent; its small buffer leaves most of the answer with the server."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    line.settimeout(5)
    line.connect(kind.node.address)
    line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    return line
