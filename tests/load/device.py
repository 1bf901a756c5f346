"""One person's device: a connection that polls for ever, and another one for sends once there is something to send.

new → greeting → parked ⇄ answered
"""

# ruff: noqa: ARG002  an owner of lines is called with a fixed signature
from __future__ import annotations

from collections import deque
from typing import Protocol

from tests.load.dialect import Dialect, Later, User
from tests.load.net import Line, Net
from tests.load.responses import Response
from tests.load.tally import Sender

AGAIN = 0.2  # seconds until a device tries again what failed
STALE = 30.0  # seconds after which an unused connection for sends is not trusted any more


class Crowd(Protocol):
    """What a device shares with all others of its process."""

    net: Net
    dialect: Dialect
    sender: Sender
    parked: int  # devices whose poll is under way
    answers: int  # polls that were answered

    def is_parked(self, device: Device) -> None:
        """Its first poll since it was told to park is under way."""

    def may_send(self, device: Device) -> None:
        """Its last send was answered (or never will be), and no other waits."""


class Device:
    """`index` numbers the devices of all processes."""

    __slots__ = ("_ear", "_greeting", "_mouth", "_queue", "_under_way", "crowd", "index", "node", "stopped", "user")

    def __init__(self, crowd: Crowd, index: int, user: User, node: int) -> None:
        self.crowd = crowd
        self.index = index
        self.user = user
        self.node = node  # of the connection for sends
        self.stopped = True
        self._greeting = True
        self._ear: Line | None = None
        self._mouth: Mouth | None = None
        self._queue: deque[tuple[User, int, int]] = deque()
        self._under_way = 0

    # --- hearing

    def park(self) -> None:
        """Connect and poll, from now on."""
        self.stopped = False
        self._ask()

    def drop(self) -> None:
        """Close the polling connection, as a client does whose network is gone."""
        self.stopped = True
        if self._ear is not None:
            self._leave()
            self.crowd.net.close(self._ear)
            self._ear = None

    def _ask(self) -> None:
        if self.stopped:
            return
        crowd = self.crowd
        request = crowd.dialect.greet(self.user) if self._greeting else None
        if request is None:
            first, self._greeting = self._greeting, False
            request = crowd.dialect.poll(self.user)
        else:
            first = False
        node = self.user.node if request.node is None else request.node
        line = self._ear
        if line is not None and line.node != node:
            crowd.net.close(line)
            line = None
        if line is None:
            try:
                line = self._ear = crowd.net.open(node, self)
            except OSError as error:
                crowd.sender.record.complain(str(error))
                crowd.net.later(AGAIN, self._ask)
                return
            first = True
        crowd.net.request(line, request.data)
        if not self._greeting:
            crowd.parked += 1
            if first:
                crowd.is_parked(self)

    def _leave(self) -> None:
        if not self._greeting and self._ear is not None and self._ear.busy:
            self.crowd.parked -= 1

    def answered(self, line: Line, response: Response) -> None:
        """An answer to the greeting or to the poll."""
        crowd = self.crowd
        status, headers, body, closes = response
        if closes:
            crowd.net.close(line)
            self._ear = None
        try:
            if self._greeting:
                crowd.dialect.greeted(self.user, status, headers, body)
            else:
                crowd.parked -= 1
                crowd.answers += 1
                texts = crowd.dialect.polled(self.user, status, headers, body)
                if texts:
                    crowd.sender.deliver(texts, self.index)
        except Later as error:
            crowd.sender.record.refused += 1
            crowd.sender.record.complain(f"{self.user.name}: {error}")
            crowd.net.later(error.seconds, self._ask)
            return
        except ValueError as error:
            crowd.sender.record.complain(f"{self.user.name}: {error}")
            self._begin_anew()
            return
        self._ask()

    def _begin_anew(self) -> None:
        """Its cursor is worth nothing any more."""
        self.crowd.sender.record.resets += 1
        self.user.cursor = ""
        self._greeting = True
        self.crowd.net.later(AGAIN, self._ask)

    def lost(self, line: Line) -> None:
        """The polling connection is gone."""
        self._ear = None
        if not self._greeting:
            self.crowd.parked -= 1
        if not self.stopped:
            self.crowd.sender.record.broken += 1
            self.crowd.net.later(AGAIN, self._ask)

    # --- speaking

    def send(self, receiver: User, due: int, wanted: int = 1) -> None:
        """Send a message that is due at that moment (ns); it waits until the one before it was answered."""
        if self._mouth is None:
            self._mouth = Mouth(self)
        if self._mouth.busy:
            self._queue.append((receiver, due, wanted))
        else:
            self._mouth.send(receiver, due, wanted)

    def spoken(self) -> None:
        if self._queue and self._mouth is not None:
            self._mouth.send(*self._queue.popleft())
        else:
            self.crowd.may_send(self)


class Mouth:
    """The connection for sends. A send whose connection breaks is not repeated: nobody knows whether it arrived."""

    __slots__ = ("_device", "_line", "_number", "busy")

    def __init__(self, device: Device) -> None:
        self._device = device
        self._line: Line | None = None
        self._number = 0
        self.busy = False

    def send(self, receiver: User, due: int, wanted: int) -> None:
        device, net = self._device, self._device.crowd.net
        self._number, text = device.crowd.sender.new(due, wanted)
        node, data = device.crowd.dialect.send(device.user, receiver, text)
        node = device.node if node is None else node
        line = self._line
        if line is not None and (line.node != node or net.idle(line) > STALE):
            net.close(line)
            line = None
        self.busy = True
        if line is None:
            try:
                line = self._line = net.open(node, self)
            except OSError as error:
                device.crowd.sender.record.complain(str(error))
                self._failed()
                return
        net.request(line, data)

    def answered(self, line: Line, response: Response) -> None:
        crowd = self._device.crowd
        if response.closes:
            crowd.net.close(line)
            self._line = None
        if crowd.dialect.sent(self._device.user, response.status, response.body):
            crowd.sender.acknowledge(self._number)
            self.busy = False
            self._device.spoken()
        else:
            crowd.sender.record.refused += 1
            crowd.sender.record.complain(f"a send was answered {response.status}: {response.body[:120]!r}")
            self._failed()

    def lost(self, line: Line) -> None:
        self._line = None
        if self.busy:
            self._device.crowd.sender.record.broken += 1
            self._failed()

    def _failed(self) -> None:
        """Go on, but not at once: a server that refuses is not to be flooded."""

        def again() -> None:
            self.busy = False
            self._device.spoken()

        self._device.crowd.net.later(AGAIN, again)
