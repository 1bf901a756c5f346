"""One client process: its share of the devices, and what they are told to do.

It is told by commands over a pipe and answers each with one value (see `Crew`, the other end). Devices park a few
at a time, for people do not all come in one second either; `back` is for the storm, in which they do.
"""

from __future__ import annotations

import gc
import random
import resource
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from tests.load.device import Device
from tests.load.dialect import Dialect, User
from tests.load.net import Address, Net
from tests.load.tally import Record, Sender

ENTERING_MAX = 32  # devices of one process that greet at the same time


@dataclass
class Share:
    """What one client process is given: the users whose index modulo `processes` is `process`."""

    process: int
    processes: int
    run: bytes
    seed: int
    addresses: list[Address]
    dialect: Dialect
    users: list[User]
    names: list[str]  # of all users, in the order of their indexes


class Status(NamedTuple):
    """Where a process stands; sums over processes make sense."""

    parked: int  # polls under way
    entering: int  # devices that are still to be parked
    answers: int  # polls answered since the start
    sent: int  # since the record was last taken, as all that follow
    acknowledged: int
    expected: int  # deliveries of what was acknowledged
    delivered: int


class Crowd:
    """See the module, and `tests.load.device.Crowd` for what devices know of it."""

    def __init__(self, share: Share, pipe: Connection) -> None:
        self.net = Net(share.addresses)
        self.dialect = share.dialect
        self.sender = Sender(share.run, share.process)
        self.parked = 0
        self.answers = 0
        self._pipe = pipe
        self._random = random.Random(share.seed * 1000 + share.process)
        self._names = share.names
        self._population = 0  # how many of all users take part
        self._receivers: dict[int, list[User]] = {}
        self._devices: dict[int, Device] = {}
        self._nodes = len(share.addresses)
        for_polls, for_sends = self._draw_nodes(len(share.users)), self._draw_nodes(len(share.users))
        for place, user in enumerate(share.users):
            user.node = for_polls[place]
            index = share.process + place * share.processes
            self._devices[index] = Device(self, index, user, for_sends[place])
        self._waiting: deque[Device] = deque()
        self._entering: set[int] = set()
        self._in_loop: set[int] = set()  # devices that send again when their last send was acknowledged
        self._pacing = 0  # the pacing that counts; one of an older number ends by itself
        self._over = False

    def _draw_nodes(self, count: int) -> list[int]:
        """As many on each node as on every other, at random."""
        drawn = [place % self._nodes for place in range(count)]
        self._random.shuffle(drawn)
        return drawn

    def serve(self) -> None:
        """Until the pipe ends or `quit` comes."""
        gc.freeze()  # nothing here is in a circle; a collection of 20,000 devices would stop the clock
        gc.disable()
        self.net.watch(self._pipe.fileno(), self._command)
        while not self._over:
            self.net.turn()

    def _command(self) -> None:
        try:
            name, *arguments = self._pipe.recv()
            command: Callable[..., Any] = getattr(self, f"do_{name}")
            self._pipe.send(command(*arguments))
        except (EOFError, BrokenPipeError):
            self._over = True

    # --- commands

    def do_quit(self) -> None:
        self._over = True

    def do_status(self) -> Status:
        sender, waiting = self.sender, len(self._waiting) + len(self._entering)
        counts = len(sender.record.sent), sender.acknowledged, sender.expected, len(sender.record.here)
        return Status(self.parked, waiting, self.answers, *counts)

    def do_take(self) -> Record:
        return self.sender.take()

    def do_park(self, population: int) -> None:
        """All users below this index take part from now on; who is not parked yet comes, a few at a time."""
        self._population = population
        self._receivers.clear()
        self._waiting.extend(device for index, device in self._devices.items() if index < population and device.stopped)
        self._let_in()

    def do_drop(self) -> None:
        """All close their polling connections, at once."""
        for device in self._devices.values():
            device.drop()

    def do_back(self, anywhere: bool) -> None:
        """All come back, at once; each to any node, or to the one where it was."""
        for index, device in self._devices.items():
            if index < self._population:
                if anywhere:
                    device.user.node = self._random.randrange(self._nodes)
                device.park()

    def do_loop(self, senders: list[int]) -> None:
        """These send to a random friend, and again as soon as that is acknowledged; until `still`."""
        self._in_loop = set(senders) & self._devices.keys()
        for index in self._in_loop:
            self._say(self._devices[index], time.monotonic_ns())

    def do_pace(self, senders: list[int], rate: float, even: bool) -> None:
        """A random one of these sends, so many times a second over all; `even`: else like a Poisson process."""
        ours = [self._devices[index] for index in senders if index in self._devices]
        if not ours:
            return
        share = rate * len(ours) / len(senders)
        self._pacing += 1
        pacing = self._pacing
        due = time.monotonic() + self._random.random() / share

        def send() -> None:
            nonlocal due
            if self._pacing != pacing:
                return
            now = time.monotonic()
            while due <= now:
                self._say(self._random.choice(ours), int(due * 1e9))
                due += 1 / share if even else self._random.expovariate(share)
            self.net.at(due, send)

        self.net.at(due, send)

    def do_say(self, sender: int, receiver: User, wanted: int) -> None:
        """One message of one sender, now, that so many others should get."""
        if sender in self._devices:
            self._devices[sender].send(receiver, time.monotonic_ns(), wanted)

    def do_still(self) -> None:
        """Nobody begins to send any more."""
        self._in_loop = set()
        self._pacing += 1

    # --- what devices tell

    def is_parked(self, device: Device) -> None:
        if device.index in self._entering:
            self._entering.discard(device.index)
            self._let_in()

    def may_send(self, device: Device) -> None:
        if device.index in self._in_loop:
            self._say(device, time.monotonic_ns())

    def _let_in(self) -> None:
        while self._waiting and len(self._entering) < ENTERING_MAX:
            device = self._waiting.popleft()
            self._entering.add(device.index)
            device.park()

    def _say(self, device: Device, due: int) -> None:
        receivers = self._receivers.get(device.index)
        if receivers is None:
            receivers = self._receivers[device.index] = self._receivers_of(device.user)
        if receivers:
            device.send(self._random.choice(receivers), due)
        else:
            self.sender.record.complain(f"{device.user.name} has nobody to send to")

    def _receivers_of(self, user: User) -> list[User]:
        """Those of this user's friends, or of all, who take part."""
        names = self._names[: self._population]
        if user.friends:
            names = sorted(set(names).intersection(user.friends))
        return [User(name) for name in names if name != user.name]


def main(share: Share, pipe: Connection) -> None:
    """The process's main function. Every connection is an open file: as many as the system lets us have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the scenario's business, which closes the pipe
    Crowd(share, pipe).serve()
