"""One server of the doorbell, to ring and to hear: both connections, and the probe that goes out by one and comes in by
the other."""

from __future__ import annotations

from webchat.data.bus import Listener
from webchat.data.bus_redis.hearer import Hearer
from webchat.data.bus_redis.line import Connect, Line
from webchat.data.bus_redis.ringer import Ringer


class Bell:
    """Its connections are made as `connect` says, once it is started. `where`: for the log."""

    def __init__(self, where: str, connect: Connect, ringer: Ringer, hearer: Hearer) -> None:
        self.where = where
        self.ringer = ringer
        self.hearer = hearer
        hearer.start_over = self.start_over
        self._started = False
        self._lines = [
            Line(f"{where} ring", connect, ringer.serve, hearer.broken),
            Line(f"{where} hear", connect, hearer.serve, hearer.broken),
        ]

    def probe_by(self, channel: bytes) -> None:
        self.ringer.probe = channel
        self.hearer.listen_for(channel)

    def start(self, listener: Listener) -> None:
        if not self._started:
            self._started = True
            self.hearer.listener = listener
            for line in self._lines:
                line.start()

    def stop(self) -> None:
        for line in self._lines:
            line.stop()

    def start_over(self) -> None:
        """On new connections, whatever the present ones look like: the server may be frozen, or not the right one."""
        for line in self._lines:
            line.give_up()
