"""What a person does beside his poll: writes to friends, marks as read, reads back, closes the tab and comes back.

Each act is one step of a scenario, and does nothing where it cannot: at the end of a run, or in a closed tab.
"""

from __future__ import annotations

import random
import secrets
import time
from contextlib import suppress

import gevent

from tests.load.users.accounts import Account
from tests.load.users.browser import Browser
from tests.load.users.connections import Unanswered
from tests.load.users.ledger import Letter
from tests.load.users.population import Population

AWAY = (2.0, 15.0)  # seconds that a closed tab stays closed
TRIES = 8  # of one message, under the same client id
WORDS = ("yes", "no", "maybe", "tonight", "coffee", "train", "late", "meeting", "photo", "dinner", "rain", "thanks")


class Person:
    """One person, in front of one browser."""

    def __init__(self, population: Population, account: Account) -> None:
        self._population = population
        self.account = account
        self.browser = Browser(population, account)

    def chat(self) -> None:
        """Write to a friend, sooner to the one who wrote last."""
        with self._population.act() as may:
            tab = self.browser.tab
            friends = [name for name in tab.friends if name in self._population.present] if tab else []
            if not may or not tab or not friends:
                return
            friend = tab.last_writer if tab.last_writer in friends and random.random() < 0.5 else random.choice(friends)
            self._send(friend, tab.friends[friend], " ".join(random.choices(WORDS, k=random.randint(1, 25))))

    def _send(self, friend: str, conversation: int, text: str) -> None:
        """Until it is acknowledged or refused; always under the same client id."""
        population, client_id = self._population, secrets.token_hex(8)
        body = {"conversation": conversation, "text": text, "client_id": client_id}
        population.ledger.sent(client_id, Letter(self.account.name, friend, conversation, time.perf_counter()))
        for attempt in range(TRIES):
            start = time.perf_counter()
            wait = random.uniform(0.1, 0.3) * (attempt + 1)
            with suppress(Unanswered):
                answer = population.call("POST", "/api/messages", "/api/messages", self.account.token, body)
                if answer.status in (200, 201):
                    population.sends.append((time.perf_counter() - start) * 1000)
                    population.ledger.acknowledged(client_id, answer.body["message"])
                    return
                if answer.status < 500 and answer.status != 429:
                    return
                wait += answer.wait
            gevent.sleep(wait)

    def look_back(self) -> None:
        """A page of history, sometimes the one before it, too."""
        with self._population.act() as may, suppress(Unanswered):
            tab = self.browser.tab
            if not may or not tab or not tab.top:
                return
            path = f"/api/conversations/{random.choice(list(tab.top))}/messages?limit=50"
            answer = self._population.call("GET", path, "/api/conversations/{id}/messages", self.account.token)
            if answer.status == 200 and answer.body["more"] and random.random() < 0.3:
                path += f"&before={answer.body['messages'][0]['id']}"
                self._population.call("GET", path, "/api/conversations/{id}/messages", self.account.token)

    def mark_read(self) -> None:
        """Say how far he has read, where something is new."""
        with self._population.act() as may, suppress(Unanswered):
            tab = self.browser.tab
            unread = [one for one, top in tab.top.items() if top > tab.read.get(one, 0)] if tab else []
            if not may or not tab or not unread:
                return
            conversation = random.choice(unread)
            tab.read[conversation] = tab.top[conversation]
            path, body = f"/api/conversations/{conversation}/read", {"number": tab.top[conversation]}
            self._population.call("PUT", path, "/api/conversations/{id}/read", self.account.token, body)

    def go_away(self) -> None:
        """Close the tab; come back later, and before the run ends."""
        with self._population.act() as may:
            if may:
                self.browser.close()
                self._population.ending.wait(random.uniform(*AWAY))
                self.browser.open()
