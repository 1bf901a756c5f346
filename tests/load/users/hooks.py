"""What is to be done when Locust starts a run, has everybody there, and stops it: once, or as often as its web page
says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from tests.faults.processes import until
from tests.load.users.population import Population
from tests.load.users.reporter import Reporter
from tests.load.users.settling import settle

ARRIVAL = 120.0  # seconds that the last ones have to load their snapshot


class Hooks:
    """`codes`: an exit code for each run."""

    def __init__(
        self, population: Population, environment: Any, settings: dict[str, str], console: Console, out: Path | None
    ) -> None:
        self.codes: list[int] = []
        self._population = population
        self._stats = environment.stats
        self._settings = settings
        self._console = console
        self._out = out
        self.reporter = Reporter(population, self._stats, settings)
        environment.events.test_start.add_listener(self._begin)
        environment.events.spawning_complete.add_listener(self._spawned)
        environment.events.test_stopping.add_listener(self._finish)
        environment.events.user_error.add_listener(lambda exception, **_: population.broken.append(repr(exception)))

    def _begin(self, **_: Any) -> None:
        self._population.begin()
        self.reporter = Reporter(self._population, self._stats, self._settings)

    def _spawned(self, **_: Any) -> None:
        population = self._population

        def missing() -> int:
            return sum(not place.has_arrived for place in population.places)

        try:
            until("everybody is there", lambda: not missing() or population.ending.is_set(), ARRIVAL)
        except TimeoutError:
            population.broken.append(f"{missing()} people could not open their tab")
        self.reporter.open_window()

    def _finish(self, **_: Any) -> None:
        self.codes.append(1)  # Locust only logs what a listener raises
        settle(self._population)
        found = self.reporter.results()
        self.codes[-1] = self.reporter.code
        found.print(self._console)
        for path in found.write(self._out) if self._out else ():
            self._console.print(f"written: {path}", highlight=False)
