"""Bugs in what people are shown of one another."""

from __future__ import annotations

from tests.faults import deeds
from tests.faults.bugs.scenario import Scenario


class LostBlocks(Scenario):
    """a block is acknowledged and told, and is not there"""

    caught_by = ("people",)

    def play(self) -> None:
        self.bob_polls()
        deeds.block(self.bob, self.bob.person.strangers[0], True)


class UntoldProfiles(Scenario):
    """who changes the line under their name is shown to friends with the old one"""

    caught_by = ("snapshot",)

    def play(self) -> None:
        self.bob_polls()
        deeds.change_status(self.ann, "away")
