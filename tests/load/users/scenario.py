"""The scenario in Locust's terms: a User class whose instances are the people of a population, and whose tasks are
their acts, by weight, with think times between them.
"""

# mypy: disable-error-code="import-not-found, import-untyped"

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import Any

from gevent.event import Event

from tests.load.users.person import Person
from tests.load.users.population import Population


def visitor(population: Population) -> Any:
    """The Locust class whose instances are the people of `population`."""
    from locust import User, task

    accounts = list(reversed(population.accounts))

    class Visitor(User):  # type: ignore[misc, unused-ignore]
        host = population.pool.urls[0]
        person: Person | None = None

        def wait_time(self) -> float:
            return min(6 * population.think, 0.1 * population.think + random.expovariate(1 / (0.9 * population.think)))

        def on_start(self) -> None:
            if not accounts:  # more were asked for, in the web page, than there are accounts
                Event().wait()
            self.person = Person(population, accounts.pop())
            self.person.browser.arrive()

        def on_stop(self) -> None:
            if self.person:
                self.person.browser.leave()
                accounts.append(self.person.account)

    tasks = {Person.chat: 12, Person.mark_read: 6, Person.look_back: 3, Person.go_away: 1}
    Visitor.tasks = []
    for act, weight in tasks.items():

        def do(user: Any, act: Callable[[Person], None] = act) -> None:
            act(user.person)

        Visitor.tasks += weight * [functools.wraps(act)(task(do))]
    return Visitor
