"""All clients of a run: people with a few friends each, some of them on two devices, who chat at random."""

from __future__ import annotations

import random

import gevent
from gevent.event import Event

from tests.faults import changes
from tests.faults.device import Device
from tests.faults.history import History
from tests.faults.stage import Stage

SECOND_DEVICE = 0.1  # of the people
GIVE_UP = 0.1  # probability per failed try that a client lets a message be
READS = 0.2  # of a client's acts
CHANGES = 0.2  # of them: edits, deletions, reactions


class Fleet:
    """`clients` devices in all; each acts every `pace` seconds on average."""

    def __init__(self, stage: Stage, history: History, clients: int, seed: int, pace: float) -> None:
        self.stage = stage
        self.pace = pace
        self._rng = random.Random(f"fleet {seed}")
        count = max(4, round(clients / (1 + SECOND_DEVICE)))
        pairs = sorted({tuple(sorted((one, (one + step) % count))) for one in range(count) for step in (1, 3)})
        people = stage.people(count, [(one, other) for one, other in pairs if one != other])
        self.devices = [Device(stage, history, one, f"c{n}", self._fork()) for n, one in enumerate(people)]
        for n in range(max(0, clients - count)):
            owner = people[n % count]
            self.devices.append(Device(stage, history, owner, f"c{n}b", self._fork(), owner.spare[0]))
        self._actors: list[gevent.Greenlet] = []
        self._over = Event()

    def start(self) -> None:
        for device in self.devices:
            device.start()
        self._actors = [gevent.spawn(self._act, device, self._fork()) for device in self.devices]

    def some(self, count: int, rng: random.Random) -> list[Device]:
        return rng.sample(self.devices, min(count, len(self.devices)))

    def stop_acting(self) -> None:
        """Let everybody finish what they are at; they go on polling."""
        self._over.set()
        gevent.joinall(self._actors)

    def _act(self, device: Device, rng: random.Random) -> None:
        while self._rest(rng.expovariate(1 / self.pace)):
            friend = rng.choice(sorted(device.person.talks))
            talk, act = device.person.talks[friend], rng.random()
            if act < READS:
                device.read(talk)
            elif act < READS + CHANGES:
                changes.act(device, talk, rng)
            else:
                device.send(friend, give_up=GIVE_UP)

    def _rest(self, seconds: float) -> bool:
        """Wait; false where the acting is over."""
        self._over.wait(seconds)
        return not self._over.is_set()

    def _fork(self) -> random.Random:
        return random.Random(self._rng.random())
