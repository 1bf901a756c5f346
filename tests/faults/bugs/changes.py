"""Bugs in what becomes of a message later."""

from __future__ import annotations

import random

import gevent

from tests.faults import changes
from tests.faults.bugs.scenario import Scenario


class UntoldChanges(Scenario):
    """an edit is told to nobody"""

    caught_by = ("changes",)

    def play(self) -> None:
        self.bob_polls()
        message = self.ann.send(self.bob.person.name)
        assert message is not None
        self.bob.wait_for(lambda: self.bob.shows(message), 5)
        changes.edit(self.ann, message, random.Random(1))


class ChangesUntoldInGroups(Scenario):
    """an edit in a group is told to nobody"""

    caught_by = ("changes",)

    def play(self) -> None:
        self.ann.found("a group", [self.bob.person.name])
        (group,) = self.ann.person.owns
        self.bob_polls()
        message = self.ann.say(group)
        assert message is not None
        self.bob.wait_for(lambda: self.bob.shows(message), 5)
        changes.edit(self.ann, message, random.Random(1))


class LostReactions(Scenario):
    """two reactions at the same time: one of them is lost"""

    caught_by = ("changes",)

    def play(self) -> None:
        self.bob_polls()
        message = self.ann.send(self.bob.person.name)
        assert message is not None
        work = [gevent.spawn(changes.react, who, message, random.Random(1)) for who in (self.ann, self.bob)]
        gevent.joinall(work, raise_error=True)
