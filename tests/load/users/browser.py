"""One person's browser: it logs in, opens a tab, and keeps one poll parked while that is open, by a greenlet for it.

As the real one does: it polls again at once, tries again after a failure, and loads the snapshot anew where its cursor
is refused or answered `reset`. A tab that is closed aborts its poll.
"""

from __future__ import annotations

import random
import time
from typing import Any

import gevent

from tests.load.users.accounts import Account
from tests.load.users.connections import Answer, Connection, Refused, Unanswered
from tests.load.users.population import Population
from tests.load.users.tab import Tab

POLL_TIMEOUT = 75.0  # seconds; the server holds 25, and at most 60


class Browser:
    """See the module. `tab`: None while it is closed."""

    def __init__(self, population: Population, account: Account) -> None:
        self._population = population
        self.account = account
        self.tab: Tab | None = None
        self.has_arrived = False
        self._poll: Any = None

    def arrive(self) -> None:
        """Log in, load the snapshot, poll. Until it succeeds."""
        with self._population.act():
            self._population.places.add(self)
            if not self.account.token:
                self._log_in()
            self.open()
            self.has_arrived = True

    def leave(self) -> None:
        self.close()
        self._population.places.discard(self)

    def _log_in(self) -> None:
        body = {"name": self.account.name, "password": self.account.password}
        self.account.token = self._population.until("POST", "/api/tokens", "/api/tokens", 201, body=body)["token"]
        self._population.tokens[self.account.name] = self.account.token

    def open(self) -> None:
        self.tab = self._snapshot()
        self._poll = gevent.spawn(self._keep_polling, self.tab)
        self._poll.link_exception(self._population.break_down)

    def _snapshot(self) -> Tab:
        state = self._population.until("GET", "/api/state", "/api/state", 200, self.account.token)
        return Tab(self.account.name, state)

    def close(self) -> None:
        """Abort the poll, as a browser does whose tab is closed."""
        if self._poll:
            self._poll.kill()
        if self.tab:
            self._population.ledger.close(self.tab)
        self.tab = None

    def _keep_polling(self, tab: Tab) -> None:
        connection = None
        try:
            while True:
                try:
                    if connection is None or not connection.is_open:
                        connection = Connection(random.choice(self._population.pool.urls))
                    answer = self._ask(connection, tab)
                except Unanswered as failure:
                    if not failure.stale:
                        tab = self._stumble(tab, failure)
                    continue
                if answer.status == 200:
                    tab = self._take(tab, answer)
                else:
                    tab = self._stumble(tab, Refused(str(answer)), answer)
        finally:
            if connection is not None:
                connection.close()

    def _ask(self, connection: Connection, tab: Tab) -> Answer:
        self._population.parked += 1
        try:
            path = f"/api/events?after={tab.cursor}"
            return connection.request("GET", path, self.account.token, timeout=POLL_TIMEOUT)
        finally:
            self._population.parked -= 1

    def _take(self, tab: Tab, answer: Answer) -> Tab:
        """What a poll brought; the tab with which to go on."""
        population, news = self._population, answer.body
        population.note("POLL", "/api/events", None, len(answer.raw))
        if news.get("reset"):
            return self._begin_anew(tab)
        for event in news["events"]:
            if event["type"] == "message":
                doubled = population.ledger.doubled
                in_order = tab.bring(event["message"])
                letter = population.ledger.brought(tab.name, event["message"])
                if not in_order and population.ledger.doubled == doubled:
                    population.ledger.disorder += 1
                if letter and letter.sent_at > tab.since:  # else he was not polling when it was sent
                    seconds = time.perf_counter() - letter.sent_at
                    population.wakes.append(seconds * 1000)
                    population.note("WAKE", "from the send to the friend", seconds, 0)
        tab.cursor = news["cursor"]
        if wait := news.get("retry_in"):
            gevent.sleep(wait)
        return tab

    def _stumble(self, tab: Tab, failure: Exception, answer: Answer | None = None) -> Tab:
        """A poll failed: a failure in Locust's statistics, and another try."""
        self._population.note("POLL", "/api/events", None, 0, failure)
        gevent.sleep(random.uniform(0.1, 1) + (answer.wait if answer else 0))
        tab.since = time.perf_counter()
        if answer and answer.status == 401 and self.account.password:
            self._log_in()
        if answer and answer.status == 400:  # the cursor is not understood
            return self._begin_anew(tab)
        return tab

    def _begin_anew(self, tab: Tab) -> Tab:
        self._population.ledger.close(tab)
        self.tab = self._snapshot()
        return self.tab
