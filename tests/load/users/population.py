"""What all people of a run share: the servers, the ledger, the clocks' readings, and Locust's statistics.

Every request but a poll goes through `call`, so that Locust counts it. Whoever acts does so inside of `act`: at the
end of a run nobody begins to, and the count waits for those who have begun.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import gevent
from gevent.event import Event

from tests.load.users.accounts import Account
from tests.load.users.connections import Answer, ConnectionPool, Refused, Unanswered
from tests.load.users.ledger import Ledger
from tests.load.users.tab import Tab


class Place(Protocol):
    """Where a person sits: the tab, while one is open, and whether it ever was."""

    tab: Tab | None
    has_arrived: bool


class Population:
    """See the module. `think`: seconds between acts; `fire`: Locust's event for a request."""

    def __init__(self, urls: list[str], accounts: list[Account], think: float, fire: Callable[..., None]) -> None:
        self.pool = ConnectionPool(urls)
        self.accounts = accounts
        self.think = think
        self.begin()
        self._fire = fire

    def begin(self) -> None:
        """A new run: nothing was sent yet."""
        self.ledger = Ledger()
        self.present = {account.name for account in self.accounts}
        self.tokens = {account.name: account.token for account in self.accounts}
        self.places: set[Place] = set()
        self.ending = Event()  # nobody acts any more; whoever is away comes back
        self.acting = 0
        self.parked = 0
        self.wakes: list[float] = []  # ms
        self.sends: list[float] = []  # ms
        self.broken: list[str] = []  # errors of this program

    @contextmanager
    def act(self) -> Iterator[bool]:
        """Around everything that a person does beside his poll; False at the end of the run."""
        self.acting += 1
        try:
            yield not self.ending.is_set()
        finally:
            self.acting -= 1

    def call(self, method: str, path: str, name: str, token: str = "", body: Any = None) -> Answer:
        """One request in Locust's statistics, under `name`. Raises Unanswered."""
        start = time.perf_counter()
        try:
            answer = self.pool.request(method, path, token, body)
        except Unanswered as failure:
            self.note(method, name, time.perf_counter() - start, 0, failure)
            raise
        seconds = time.perf_counter() - start
        self.note(method, name, seconds, len(answer.raw), None if answer.status < 300 else Refused(str(answer)))
        return answer

    def until(
        self, method: str, path: str, name: str, wanted: int, token: str = "", body: Any = None, tries: float = math.inf
    ) -> Any:
        """Ask until the answer is the wanted one, and give its body. Raises Refused after that many tries."""
        while True:
            wait = random.uniform(0.2, 2)
            try:
                answer = self.call(method, path, name, token, body)
                if answer.status == wanted:
                    return answer.body
                wait, why = wait + answer.wait, str(answer)
            except Unanswered as failure:
                why = str(failure)
            tries -= 1
            if tries <= 0:
                raise Refused(why)
            gevent.sleep(wait)

    def note(self, kind: str, name: str, seconds: float | None, size: int, failure: Exception | None = None) -> None:
        self._fire(
            request_type=kind,
            name=name,
            response_time=None if seconds is None else seconds * 1000,
            response_length=size,
            exception=failure,
            context={},
        )

    def break_down(self, greenlet: Any) -> None:
        """For greenlets that must not fail."""
        self.broken.append(repr(greenlet.exception))
