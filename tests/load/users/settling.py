"""The end of a run, with everybody at his place: no more acts, time for what is still on its way, and then a look into
the history for whatever no open tab should have got. What is in none of these places is lost.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from tests.faults.processes import until
from tests.load.users.connections import TIMEOUT
from tests.load.users.greenlets import each
from tests.load.users.ledger import Letter
from tests.load.users.population import Population

QUIET = 60.0  # seconds, for what an overloaded server still has to bring
TRIES = 8  # of one page of history
AT_ONCE = 8  # conversations


def settle(population: Population) -> None:
    """Close the books: afterwards every letter of the ledger has its verdict."""
    ledger = population.ledger
    population.ending.set()
    with suppress(TimeoutError):
        until("all acts have ended", lambda: population.acting == 0, 2 * TIMEOUT)
    tabs = [place.tab for place in population.places if place.tab]
    with suppress(TimeoutError):  # what is owed then is lost
        until("everything was brought", lambda: not any(ledger.is_owed(tab) for tab in tabs), QUIET)
    for tab in tabs:
        ledger.close(tab, is_end=True)
    letters = ledger.to_verify()
    failures = each(lambda one: _verify(population, one, letters[one]), letters, AT_ONCE)
    population.broken += [f"conversation {one} was not verified: {failure}" for one, failure in failures.items()]


def _verify(population: Population, conversation: int, letters: dict[str, Letter]) -> None:
    """All of them must be in the history of the conversation, once."""
    token = population.tokens[next(iter(letters.values())).sender]
    oldest = min(letter.number for letter in letters.values())
    found: Counter[str] = Counter()
    name, before = "/api/conversations/{id}/messages, to verify", ""
    while True:
        path = f"/api/conversations/{conversation}/messages?limit=100{before}"
        page = population.until("GET", path, name, 200, token, tries=TRIES)
        found.update(message["client_id"] for message in page["messages"])
        if not page["more"] or page["messages"][0]["number"] <= oldest:
            break
        before = f"&before={page['messages'][0]['id']}"
    for client_id, letter in letters.items():
        letter.is_lost = not found[client_id]
        population.ledger.doubled += max(0, found[client_id] - 1)
