"""Socket.IO over HTTP long polling, as a client speaks it (Engine.IO protocol 4, Socket.IO protocol 5).

https://socket.io/docs/v4/engine-io-protocol and /socket-io-protocol:

    GET  → 0{"sid": …}                 open
    POST 40{"user": NAME} → ok         connect to the main namespace; the server puts the socket into the user's room
    GET  → 40{"sid": …}                connected
    GET  → packets, \\x1e between them: 42["message", TEXT], 43ID[] (an acknowledgement), 2 (a ping)
    POST 3                             the pong, which is due before the next poll
    POST 42ID["send", NAME, TEXT] → ok an emit that asks for an acknowledgement

A session lives on one node, so every request names it: the one that the engine gave the user. The POST's "ok" says that
the packet has arrived; the acknowledgement of the handler comes with the sender's own poll, and is counted in `extras`.
A device that sends needs two connections: HTTP/1.1 answers nothing on the one that its poll is parked on.
"""
# ruff: noqa: ARG002  a dialect is called with a fixed signature

from __future__ import annotations

import json

from tests.load.dialect import Dialect, Request, User

PATH = b"/socket.io/?EIO=4&transport=polling"


class EngineIo(Dialect):
    """`acknowledged`: whether an emit asks for an acknowledgement, as "Delivery guarantees" says it must where it may
    not be lost. Without, a send has less behind it, and costs less: nothing goes back to the sender's device."""

    def __init__(self, name: str, *, acknowledged: bool = True) -> None:
        self.name = name
        self._acknowledged = acknowledged

    # The cursor is the step of the handshake that was done last; a device without one begins anew.

    def greet(self, user: User) -> Request | None:
        if not user.cursor:
            return Request(user.node, b"GET %b HTTP/1.1\r\nHost: peer\r\n\r\n" % PATH)
        if user.cursor == "open":
            return self._post(user, b"40" + json.dumps({"user": user.name}).encode())
        return Request(user.node, user.extras["poll"]) if user.cursor == "connecting" else None

    def greeted(self, user: User, status: int, headers: dict[bytes, bytes], body: bytes) -> None:
        if status != 200:
            raise ValueError(f"the handshake was answered {status}: {body[:200]!r}")
        if not user.cursor:
            sid = json.loads(body[1:])["sid"].encode()
            user.extras["poll"] = b"GET %b&sid=%b HTTP/1.1\r\nHost: peer\r\n\r\n" % (PATH, sid)
            user.extras["post"] = b"POST %b&sid=%b HTTP/1.1\r\nHost: peer\r\n" % (PATH, sid)
            user.extras["pong"] = False
            user.cursor = "open"
        elif user.cursor == "open":
            user.cursor = "connecting"
        elif body.startswith(b"40"):
            user.cursor = "connected"
        else:
            raise ValueError(f"the connection was refused: {body[:200]!r}")

    def poll(self, user: User) -> Request:
        if user.extras["pong"]:
            return self._post(user, b"3")
        return Request(user.node, user.extras["poll"])

    def polled(self, user: User, status: int, headers: dict[bytes, bytes], body: bytes) -> list[bytes]:
        if status != 200:
            raise ValueError(f"a poll was answered {status}: {body[:200]!r}")
        if user.extras["pong"]:  # then this is the answer to it
            user.extras["pong"] = False
            return []
        texts = []
        for packet in body.split(b"\x1e"):
            if packet.startswith(b"42"):
                texts.append(json.loads(packet[2:])[1].encode())
            elif packet.startswith(b"43"):
                user.extras["acknowledged"] = user.extras.get("acknowledged", 0) + 1
            elif packet == b"2":
                user.extras["pong"] = True
            elif packet != b"6":  # a noop: an answer for its own sake
                raise ValueError(f"a poll was answered {packet[:200]!r}")
        return texts

    def send(self, sender: User, receiver: User, text: bytes) -> Request:
        number = b""
        if self._acknowledged:
            emits = sender.extras["emits"] = sender.extras.get("emits", 0) + 1
            number = b"%d" % emits
        event = json.dumps(["send", receiver.name, text.decode()], separators=(",", ":"), ensure_ascii=False)
        return self._post(sender, b"42%b%b" % (number, event.encode()))

    def sent(self, sender: User, status: int, body: bytes) -> bool:
        return status == 200 and body.lower() == b"ok"

    def _post(self, user: User, packet: bytes) -> Request:
        head = b"%bContent-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n"
        return Request(user.node, head % (user.extras["post"], len(packet)) + packet)
