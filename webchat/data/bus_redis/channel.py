"""The channels, as they are called on the wire, and a subscription to one of them."""

from __future__ import annotations

from typing import NamedTuple

from gevent.event import Event
from redis.crc import key_slot


class Dialect(NamedTuple):
    """Commands, and the kinds of what is heard. `publish` is a whole command: half of what a ring costs in Python is
    spared by not asking the library to pack it."""

    publish: bytes
    subscribe: bytes
    unsubscribe: bytes
    subscribed: bytes
    unsubscribed: bytes
    message: bytes

    def ring(self, channel: bytes, payload: bytes) -> bytes:
        return self.publish % (len(channel), channel, len(payload), payload)


PLAIN = Dialect(
    b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"subscribe",
    b"unsubscribe",
    b"message",
)
SHARDED = Dialect(
    b"*3\r\n$8\r\nSPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n",
    b"SSUBSCRIBE",
    b"SUNSUBSCRIBE",
    b"ssubscribe",
    b"sunsubscribe",
    b"smessage",
)


class Names:
    """The channels of one database: a user's, and a worker's own."""

    def __init__(self, space: str) -> None:
        self.prefix = f"webchat:{space}:".encode()

    def of(self, user: int) -> bytes:
        return self.prefix + b"%d" % user

    def user(self, channel: bytes) -> int:
        """Raises ValueError for a channel of nobody."""
        return int(channel[len(self.prefix) :])

    def worker(self, worker: str) -> bytes:
        return self.prefix + b"worker:" + worker.encode()


class Channel:
    """A subscription: how many SUBSCRIBEs are on their way, and whether a poll gave up waiting for one."""

    __slots__ = ("confirmed", "late", "outstanding", "slot")

    def __init__(self, name: bytes) -> None:
        self.slot = key_slot(name)
        self.outstanding = 0
        self.late = False
        self.confirmed: Event | None = Event()  # none any more, once it is confirmed

    def wait(self, seconds: float) -> bool:
        return self.confirmed is None or bool(self.confirmed.wait(seconds))

    def confirm(self) -> None:
        if self.confirmed is not None:
            self.confirmed.set()
            self.confirmed = None

    def doubt(self) -> None:
        self.outstanding = 0
        self.confirmed = self.confirmed or Event()
