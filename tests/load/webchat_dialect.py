"""How webchat itself is spoken to: snapshot, then long polls by cursor; bearer tokens; a send is acknowledged by 201.

Each user has one device, which names itself when it sends and polls, as the browser client does: what it has said
itself is then no reason to answer its poll. It comes with the next answer, and is no delivery to somebody: it is not
counted.
"""

# ruff: noqa: ARG002  a dialect is called with a fixed signature
from __future__ import annotations

import msgspec

from tests.load.dialect import Dialect, Later, Request, User

CLIENT_ID_MAX = 64  # the text serves as client id: it is short and never the same
RETRY = 1.0  # seconds until a poll that a node has no room for comes back


class _Message(msgspec.Struct, rename={"sender": "from"}):
    sender: str
    text: str


class _Event(msgspec.Struct):
    type: str
    message: _Message | None = None


class _News(msgspec.Struct):
    cursor: str
    events: list[_Event]
    reset: bool = False


class _State(msgspec.Struct):
    cursor: str


_read_news = msgspec.json.Decoder(_News).decode
_read_state = msgspec.json.Decoder(_State).decode


class WebchatDialect(Dialect):
    """`host`: what the Host header says. `hold`: seconds that a poll asks to be held; None: the server's default."""

    name = "webchat"

    def __init__(self, host: str, hold: int | None = None) -> None:
        self._host = host.encode()
        self._hold = b"" if hold is None else b"&timeout=%d" % hold

    def greet(self, user: User) -> Request | None:
        if user.cursor:
            return None
        return Request(None, b"GET /api/state HTTP/1.1\r\n%b" % self._headers(user))

    def greeted(self, user: User, status: int, headers: dict[bytes, bytes], body: bytes) -> None:
        if status != 200:
            raise ValueError(f"the snapshot was answered {status}: {body[:200]!r}")
        user.cursor = _read_state(body).cursor

    def poll(self, user: User) -> Request:
        query = b"after=%b&device=%b%b" % (user.cursor.encode(), user.name.encode(), self._hold)
        return Request(None, b"GET /api/events?%b HTTP/1.1\r\n%b" % (query, self._headers(user)))

    def polled(self, user: User, status: int, headers: dict[bytes, bytes], body: bytes) -> list[bytes]:
        if status == 503:
            raise Later(RETRY, f"a poll was answered {status}: {body[:200]!r}")
        if status != 200:
            raise ValueError(f"a poll was answered {status}: {body[:200]!r}")
        news = _read_news(body)
        if news.reset:
            raise ValueError("a poll was answered `reset`")
        user.cursor = news.cursor
        name = user.name
        return [
            event.message.text.encode()
            for event in news.events
            if event.message is not None and event.message.sender != name
        ]

    def send(self, sender: User, receiver: User, text: bytes) -> Request:
        # By the conversation's id, as the browser does, where it is known.
        conversation = receiver.extras.get("conversation") or sender.extras.get("conversations", {}).get(receiver.name)
        to = b'"to":"%b"' % receiver.name.encode() if conversation is None else b'"conversation":%d' % conversation
        device = sender.name.encode()
        body = b'{%b,"text":"%b","client_id":"%b","device":"%b"}' % (to, text, text[:CLIENT_ID_MAX], device)
        head = b"POST /api/messages HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        return Request(None, head + self._headers(sender) + body)

    def sent(self, sender: User, status: int, body: bytes) -> bool:
        return status in (200, 201)

    def _headers(self, user: User) -> bytes:
        return b"Host: %b\r\nAuthorization: Bearer %b\r\n\r\n" % (self._host, user.token.encode())
