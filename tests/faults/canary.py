"""Two clients of the harness's own who tell when all is well again: one is parked, the other sends."""

from __future__ import annotations

import random
import secrets

import gevent

from tests.faults.device import Device
from tests.faults.history import History
from tests.faults.people import Person
from tests.faults.stage import Stage
from tests.faults.wire import Wire

PASSWORD = "correct horse"
SOON = 1.0  # seconds in which a message must arrive, where all is well
GIVE_UP = 40.0


class Canaries:
    """They register and make friends over HTTP, as anybody does."""

    def __init__(self, stage: Stage, history: History, seed: int) -> None:
        self._stage = stage
        self._history = history
        rng = random.Random(f"canaries {seed}")
        names = [f"canary{n}-{secrets.token_hex(3)}" for n in range(2)]
        people = [Person(name, "") for name in names]
        self.devices = [
            Device(stage, history, one, f"canary{n}", random.Random(rng.random())) for n, one in enumerate(people)
        ]
        for device in self.devices:
            body = {"name": device.person.name, "password": PASSWORD}
            device.insist("POST", "/api/users", body)
            token = device.insist("POST", "/api/tokens", body)["token"]
            device.person.token = token
            device.polls, device.calls = Wire(token), Wire(token)
        self.parked, self.sender = self.devices
        self.sender.insist("POST", "/api/friends", {"name": self.parked.person.name})
        friend = self.parked.insist("PUT", f"/api/friends/{self.sender.person.name}")["friend"]
        for one, other in (self.devices, self.devices[::-1]):
            one.person.talks[other.person.name] = friend["conversation"]

    def start(self) -> None:
        for device in self.devices:
            device.start()

    def recover(self) -> float | None:
        """When every doorbell is heard and a message through each node has arrived within a second; None: never.

        In seconds since the run began.
        """
        deadline = self._history.now() + GIVE_UP
        while self._history.now() < deadline:
            nodes = self._stage.nodes
            if all(node.heard() for node in nodes) and all(self._is_well(number) for number in range(len(nodes))):
                return self._history.now()
            gevent.sleep(0.05)
        return None

    def log_in(self) -> None:
        """A log-in by password must work whatever is broken but the database."""
        self.sender.call("POST", "/api/tokens", {"name": self.sender.person.name, "password": PASSWORD})

    def _is_well(self, node: int) -> bool:
        began = self._history.now()
        message = self.sender.send(self.parked.person.name, node, give_up=1.0)
        left = began + SOON - self._history.now()
        return message is not None and left > 0 and self.parked.wait_for(lambda: self.parked.shows(message), left)
