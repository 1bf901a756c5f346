"""Every peer that is installed, for real: people poll through both nodes, and each message arrives exactly once."""
# ruff: noqa: ARG002  the owner of a line is called with a fixed signature

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.load.dialect import Request, User
from tests.load.net import Line, Net
from tests.load.peers import DIALECTS, SERVERS, missing
from tests.load.responses import Response

PEOPLE, MOUTHS, MESSAGES = 40, 6, 400


class Phone:
    """A device whose every request goes to a node drawn at random, unless the dialect names one."""

    def __init__(self, party: Party, user: User) -> None:
        self.party = party
        self.user = user
        self.is_parked = False
        self._ears: dict[int, Line] = {}

    def ask(self) -> None:
        dialect = self.party.dialect
        request = dialect.greet(self.user) if not self.is_parked else None
        if request is None:
            self.is_parked = True
            request = dialect.poll(self.user)
        self.party.ask(request, self._ears, self)

    def answered(self, line: Line, response: Response) -> None:
        status, headers, body, closes = response
        assert not closes, "a peer that hangs up is not kept alive"
        if self.is_parked:
            self.party.heard += self.party.dialect.polled(self.user, status, headers, body)
        else:
            self.party.dialect.greeted(self.user, status, headers, body)
        self.ask()

    def lost(self, line: Line) -> None:
        raise AssertionError(f"{self.user.name}'s connection was cut")


class Mouth:
    """Sends one message after the other, from one of these people, drawn anew each time, to anybody else."""

    def __init__(self, party: Party, senders: list[User]) -> None:
        self.party = party
        self._lines: dict[int, Line] = {}
        self._senders = senders
        self._sender = senders[0]

    def send(self) -> None:
        party = self.party
        if party.left:
            self._sender = party.random.choice(self._senders)
            receiver = party.random.choice([user for user in party.users if user is not self._sender])
            party.ask(party.dialect.send(self._sender, receiver, party.left.pop()), self._lines, self)

    def answered(self, line: Line, response: Response) -> None:
        assert self.party.dialect.sent(self._sender, response.status, response.body), response
        self.party.acknowledged += 1
        self.send()

    def lost(self, line: Line) -> None:
        raise AssertionError("a sender's connection was cut")


class Party:
    """All devices of a test, and what was said and heard."""

    def __init__(self, name: str, addresses: list[tuple[str, int]], users: list[User], seed: int) -> None:
        self.dialect = DIALECTS[name]
        self.random = random.Random(seed)
        self.users = users
        self.left = [f"{seed}/{number}: “hello”, \\ and ☺".encode() for number in range(MESSAGES)]
        self.said = Counter(self.left)
        self.heard: list[bytes] = []
        self.acknowledged = 0
        self._net = Net(addresses)
        self._nodes = len(addresses)
        self._lines: list[Line] = []
        for place, user in enumerate(users):
            user.node = place % self._nodes

    def ask(self, request: Request, lines: dict[int, Line], owner: Phone | Mouth) -> None:
        node = self.random.randrange(self._nodes) if request.node is None else request.node
        if node not in lines:
            lines[node] = self._net.open(node, owner)
            self._lines.append(lines[node])
        self._net.request(lines[node], request.data)

    def run(self) -> None:
        """All park, then all is said, then all is heard."""
        phones = [Phone(self, user) for user in self.users]
        for phone in phones:
            phone.ask()
        self._until("all are parked", lambda: all(phone.is_parked for phone in phones))
        for mouth in range(MOUTHS):
            Mouth(self, self.users[mouth::MOUTHS]).send()
        self._until("all is acknowledged", lambda: self.acknowledged == MESSAGES)
        self._until("all is heard", lambda: len(self.heard) >= MESSAGES and all(map(is_answered, self.users)))
        settled = time.monotonic() + 0.3  # seconds in which a double would come
        self._until("doubles would have come", lambda: time.monotonic() > settled)

    def leave(self) -> None:
        for line in self._lines:
            self._net.close(line)

    def _until(self, what: str, look: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not look():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within 20 s: {what}; heard {len(self.heard)} of {MESSAGES}")
            self._net.later(0.05, lambda: None)  # a turn in which nothing comes ends then
            self._net.turn()


def is_answered(user: User) -> bool:
    """Whether all emits that asked for an acknowledgement got it; other dialects count none."""
    return bool(user.extras.get("emits", 0) == user.extras.get("acknowledged", 0))


@pytest.mark.parametrize("name", SERVERS)
def test_every_message_arrives_exactly_once(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    if lacking := missing(name):
        pytest.skip(lacking)
    server = SERVERS[name](tmp_path_factory.mktemp("peer"))
    try:
        assert len(server.addresses) == 2
        # The second time the same people come on new devices: what is older must not be told again.
        for seed in (1, 2):
            party = Party(name, server.addresses, [User(user.name) for user in server.users(PEOPLE)], seed)
            try:
                party.run()
            finally:
                party.leave()
            assert Counter(party.heard) == party.said
    finally:
        server.close()
    assert not any(Path(f"/proc/{pid}").exists() for of_role in server.pids().values() for pid in of_role)
