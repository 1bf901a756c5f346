"""The seam between the load engine and a chat server: the same work, spoken in each server's own words.

A dialect is pure: bytes out, bytes in, no sockets and no clocks. The engine keeps one connection per user for
polls and, for those who send, another one for sends; on each it has one request under way at a time. A device's
way through a dialect:

    greet → greeted → … until `greet` has nothing more to ask → poll → polled → poll → polled → …
    send → sent, at any time after the greeting

A dialect that owes the server a word of its own (the pong to a ping, say) lets `poll` return that request first;
`polled` gets the answer to it like any other. Client processes get dialects and users pickled: both must be plain.
"""

# ruff: noqa: ARG002  a dialect is called with a fixed signature
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol


class Later(Exception):
    """`polled` raises it where the server asks for patience: the same poll again, after so many seconds."""

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds


class Request(NamedTuple):
    """One HTTP request, ready to be written. `node`: an index into the server's addresses; None: any of them."""

    node: int | None
    data: bytes


@dataclass(slots=True)
class User:
    """A person with one device. `cursor` and `extras` belong to the dialect: how far the device has come, session
    ids and the like. `friends`: the names that this user may send to; empty: anybody's. `node`: where the engine
    makes this device's connection for polls, unless a request names another node; set before the first `greet`."""

    name: str
    token: str = ""
    cursor: str = ""
    friends: list[str] = field(default_factory=list)
    extras: dict[str, Any] = field(default_factory=dict)
    node: int = 0


class Dialect(Protocol):
    """How one kind of server is spoken to. Names of headers are in lower case."""

    name: str

    def greet(self, user: User) -> Request | None:
        """What is to be asked before the next poll, on the poll's connection; None: nothing (more)."""
        return None

    def greeted(self, user: User, status: int, headers: dict[bytes, bytes], body: bytes) -> None:
        """The answer to the last `greet`. Raises ValueError where it is not what was asked for."""
        return

    def poll(self, user: User) -> Request:
        """The next long poll of this user's device."""
        ...

    def polled(self, user: User, status: int, headers: dict[bytes, bytes], body: bytes) -> list[bytes]:
        """The texts that were delivered; moves the device on. Raises ValueError where the device must begin anew:
        the engine then empties `user.cursor`, counts it, and greets again. Raises Later."""
        ...

    def send(self, sender: User, receiver: User, text: bytes) -> Request:
        """A message to one person; or to the conversation that `receiver.extras["conversation"]` names."""
        ...

    def sent(self, sender: User, status: int, body: bytes) -> bool:
        """Whether the server acknowledged the message."""
        ...


class Server(Protocol):
    """A deployment that runs: nodes and what they rest on (all of it counts as server CPU)."""

    addresses: list[tuple[str, int]]  # one per node
    dialect: Dialect

    def pids(self) -> dict[str, list[int]]:
        """Role ("worker", "redis", …) → the processes whose CPU and memory count."""
        ...

    def users(self, count: int) -> list[User]:
        """People that may send to one another (each to all, or to the `friends` of each). Asked again, the same
        people, and more where `count` grew."""
        ...

    def close(self) -> None: ...
