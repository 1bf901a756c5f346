"""All clients of a run: people with a few friends each, some of them on two devices, who chat at random."""

from __future__ import annotations

import random

import gevent
from gevent.event import Event

from tests.faults import changes, deeds
from tests.faults.device import Device
from tests.faults.history import History
from tests.faults.stage import Stage

SECOND_DEVICE = 0.1  # of the people
GIVE_UP = 0.1  # probability per failed try that a client lets a message be
READS = 0.2  # of a client's acts: read marks, some of them back, and receipts
BACK = 0.2  # of the read marks
CHANGES = 0.2  # of a client's acts: edits, deletions, reactions
DEEDS = 0.05  # of a client's acts: a new line under one's name, blocks
FILES = 0.1  # of what is said comes with a file
IN_GROUPS = 0.3  # of what is said, read and changed by those who are in one
GROUP_EVERY = 6  # people, one of whom owns a group of all their friends
SEATS = 0.4  # of an owner's acts: somebody is added, or removed


class Fleet:
    """`clients` devices in all; each acts every `pace` seconds on average."""

    def __init__(self, stage: Stage, history: History, clients: int, seed: int, pace: float) -> None:
        self.stage = stage
        self.pace = pace
        self._rng = random.Random(f"fleet {seed}")
        count = max(4, round(clients / (1 + SECOND_DEVICE)))
        pairs = sorted({tuple(sorted((one, (one + step) % count))) for one in range(count) for step in (1, 3)})
        people = stage.people(count, [(one, other) for one, other in pairs if one != other])
        self._owners = range(0, count, GROUP_EVERY)
        self.devices = [Device(stage, history, one, f"c{n}", self._fork()) for n, one in enumerate(people)]
        self._first = set(self.devices)  # of each person's
        for n in range(max(0, clients - count)):
            owner = people[n % count]
            self.devices.append(Device(stage, history, owner, f"c{n}b", self._fork(), owner.spare[0]))
        self._actors: list[gevent.Greenlet] = []
        self._over = Event()

    def start(self) -> None:
        for device in self.devices:
            device.start()
        for n in self._owners:
            owner = self.devices[n]
            owner.found(f"group of {owner.name}", sorted(owner.person.talks))
        self._actors = [gevent.spawn(self._act, device, self._fork()) for device in self.devices]

    def some(self, count: int, rng: random.Random) -> list[Device]:
        return rng.sample(self.devices, min(count, len(self.devices)))

    def stop_acting(self) -> None:
        """Let everybody finish what they are at; they go on polling."""
        self._over.set()
        gevent.joinall(self._actors)

    def _act(self, device: Device, rng: random.Random) -> None:
        while self._rest(rng.expovariate(1 / self.pace)):
            if device.person.owns and rng.random() < SEATS:
                group, members = next(iter(device.person.owns.items()))
                device.seat(group, rng.choice(members), add=rng.random() < 0.5)
                continue
            talk, act = device.person.talks[rng.choice(sorted(device.person.talks))], rng.random()
            if device.groups and rng.random() < IN_GROUPS:
                talk = rng.choice(device.groups)
            if act < READS:
                device.read(talk, back=rng.random() < BACK)
                device.receive()
            elif act < READS + CHANGES:
                changes.act(device, talk, rng)
            elif act < READS + CHANGES + DEEDS and device in self._first:
                deeds.act(device, rng)
            else:
                file = device.upload() if rng.random() < FILES else None
                device.say(talk, give_up=GIVE_UP, file=file)

    def _rest(self, seconds: float) -> bool:
        """Wait; false where the acting is over."""
        self._over.wait(seconds)
        return not self._over.is_set()

    def _fork(self) -> random.Random:
        return random.Random(self._rng.random())
