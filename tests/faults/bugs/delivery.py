"""Bugs on the way from the commit to the screen."""

from __future__ import annotations

import signal

import gevent

from tests.faults import processes
from tests.faults.bugs.scenario import HERE, PARKED, THERE, Scenario
from tests.faults.plants.crash import POINTS


class LateSubscription(Scenario):
    """catch-up read before the SUBSCRIBE is confirmed"""

    caught_by = ("delivered", "prompt")

    def play(self) -> None:
        self.bob.load()
        self.bob.start()
        gevent.sleep(0.2)  # his mailbox is open; the bug's window still is, too
        self.ann_says()


class NoGapCheck(Scenario):
    """a mailbox appends whatever comes"""

    caught_by = ("slice",)

    def play(self) -> None:
        self.bob_polls()
        self.ann_says(2)  # a tail that is long enough to hide a hole
        with self.fault("crash-before-ring", cuts=True):
            self.stage.switches.on(POINTS[1])
            sending = gevent.spawn(self.ann_says)
            processes.until("the worker died", lambda: not self.stage.switches.is_on(POINTS[1]))
            # The ring of Ann's message is lost. The next one, before anybody sounds the alarm:
            self.bob.send(self.ann.person.name, THERE)
            sending.join()


class DeafToReconnects(Scenario):
    """no re-read after a pub/sub reconnect"""

    caught_by = ("delivered", "prompt")

    def play(self) -> None:
        self.bob_polls()
        with self.fault("connections-cut"):
            self.stage.nodes[THERE].proxy.cut()
            self.ann_says()
            gevent.sleep(0.2)
            self.stage.nodes[THERE].proxy.heal()


class CursorPastUnseen(Scenario):
    """the cursor is moved past an unseen entry"""

    caught_by = ("slice", "delivered")

    def play(self) -> None:
        self.bob.load()
        self.ann_says(3)
        self.bob_polls()
        self.ann_says()


class ShuffledAnswers(CursorPastUnseen):
    """entries of one answer in the wrong order"""


class ForgetfulLinger(Scenario):
    """a mailbox loses its tail when lingering ends"""

    caught_by = ("slice", "delivered")
    linger = 1.0

    def play(self) -> None:
        self.bob_polls()
        self.ann_says()
        self.bob.stop()
        self.ann_says(2)
        gevent.sleep(self.linger + 1.5)
        self.bob_polls()


class DroppingDrain(Scenario):
    """a drain that drops polls"""

    caught_by = ("answered",)

    def play(self) -> None:
        self.bob_polls()
        with self.fault("worker-term"):
            for pid in self.stage.nodes[THERE].workers():
                processes.send(pid, signal.SIGTERM)
            gevent.sleep(PARKED)
            self.ann_says()


class EndlessPoll(Scenario):
    """a parked poll outlives its hold"""

    caught_by = ("in-time",)
    hold = 1.0

    def play(self) -> None:
        self.bob_polls()
        gevent.sleep(7)


class LeakingMailboxes(Scenario):
    """mailboxes are never closed"""

    caught_by = ("resources",)
    leaves = True

    def play(self) -> None:
        self.bob_polls()
        self.ann_says(node=HERE)
