"""Workers whose time of day is wrong."""

from __future__ import annotations

from tests.faults.kinds.kind import Kind

HOUR = 3_600_000  # ms


class ClockForward(Kind):
    """a worker's clock set one hour forward, and back"""

    promise = 1.0
    lasts = (1.0, 3.0)
    offset = HOUR

    def inject(self) -> None:
        self.name_of_switch = ""
        if pid := self.stage.a_worker(self.rng, self.node):
            self.name_of_switch = f"clock.{pid}"
            self.stage.switches.on(self.name_of_switch, str(self.offset))

    def heal(self) -> None:
        if self.name_of_switch:
            self.stage.switches.off(self.name_of_switch)


class ClockBack(ClockForward):
    """a worker's clock set one hour back, and forth"""

    offset = -HOUR
