"""`./chat load rooms`: one message to a conversation of many people, all of them parked.

One member says something, the last of the others gets it, the next one speaks: the time from the send to the last
receipt, message by message, and the server CPU of one delivery. The product makes conversations of two; its tables
and its transactions know no such limit, and the conversation is made in the database directly.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.load import seed
from tests.load.cpu import Meter
from tests.load.crew import Crew, Show
from tests.load.dialect import Server
from tests.load.parked import Wake, wake
from tests.load.results import Results
from tests.load.site import Site
from webchat.errors import SetupError

WARM_UP = 3  # messages


@dataclass
class Rooms:
    """The options of the command."""

    site: Site
    members: int = 500
    messages: int = 20
    processes: int = 1
    show: Show = lambda _what, _part: None

    def run(self) -> Results:
        work = f"{self.messages} messages to {self.members:,} members, {self.processes} client process(es)"
        results = Results("rooms", self.site.describe() | {"work": work})
        with self.site.open(self.members, 0, self.show) as server:
            settings = self.site.settings(server)
            if settings is None:
                raise SetupError("rooms needs the deployment's database: name it by --data or WEBCHAT_DATABASE_URL")
            users = server.users(self.members)
            crew = Crew(server.addresses, server.dialect, users, self.processes, self.show)
            try:
                crew.park(self.members)
                self._measure(server, crew, seed.add_room(settings, [user.name for user in users]), results)
            finally:
                crew.close()
        return results

    def _measure(self, server: Server, crew: Crew, room: int, results: Results) -> None:
        meter = Meter(server.pids())
        for place in range(WARM_UP):
            wake(crew, room, place % self.members, meter)
        wakes: list[Wake] = []
        for place in range(self.messages):
            wakes.append(wake(crew, room, place % self.members, meter))
            self.show("messages", (place + 1) / self.messages)
        results.latencies("from the send to each member", sorted(each for one in wakes for each in one.latencies))
        results.latencies("from the send to the last member", sorted(1000 * one.from_send for one in wakes))
        results.latencies(
            "from the acknowledgement to the last member", sorted(1000 * one.from_commit for one in wakes)
        )
        deliveries = sum(len(one.latencies) for one in wakes)
        if meter.is_real:
            results.figure("server CPU per delivery", 1e6 * sum(one.cpu for one in wakes) / deliveries, "µs")
        for one in wakes:
            results.count(one)
        results.cpu = meter.series(meter.times[0])
