"""Bugs in what is written, and in what is said of it."""

from __future__ import annotations

import gevent

from tests.faults.bugs.scenario import HERE, THERE, Scenario
from tests.faults.finale import settle_presence
from tests.faults.plants.disk import FULL
from tests.faults.restore import copy, restore


class IgnoredClientIds(Scenario):
    """no de-duplication: client_id is ignored"""

    caught_by = ("acknowledged",)

    def play(self) -> None:
        self.bob_polls()
        self.ann_says()
        sent = next(record for record in self.history.records if record["e"] == "send")
        body = {"conversation": sent["conv"], "text": sent["text"], "client_id": sent["cid"]}
        for node in self.nodes():
            self.ann.try_send(body, node)

    def nodes(self) -> tuple[int, ...]:
        return HERE, THERE


class DeduplicationPerWorker(IgnoredClientIds):
    """a retry on another node is stored twice"""

    def nodes(self) -> tuple[int, ...]:
        return (THERE,)


class UnattachedFiles(Scenario):
    """a file is sent with a message, and nobody but its owner gets it"""

    caught_by = ("files",)

    def play(self) -> None:
        self.bob_polls()
        file = self.ann.upload()
        assert file is not None
        self.ann.say(self.ann.person.talks[self.bob.person.name], file=file)


class RingBeforeCommit(Scenario):
    """the doorbell rings before the commit"""

    caught_by = ("committed-first",)

    def play(self) -> None:
        self.bob_polls()
        self.ann_says()


class AnswerBeforeCommit(RingBeforeCommit):
    """201 before the commit"""


class LostJobs(RingBeforeCommit):
    """201, and the transaction is rolled back"""

    caught_by = ("acknowledged",)


class UnlockedNumbers(Scenario):
    """feed numbers without a lock: a later one is committed first"""

    caught_by = ("delivered", "slice")
    engines = ("postgres",)  # SQLite has one writer

    def play(self) -> None:
        self.bob_polls()
        saying = gevent.spawn(self.ann_says)
        gevent.sleep(0.15)  # her number is taken, her transaction is open
        self.carl.send(self.bob.person.name, THERE)
        saying.join()


class EarlyReceipts(Scenario):
    """a receipt says how far the first has read, not the last"""

    caught_by = ("receipts",)

    def play(self) -> None:
        self.bob_polls()
        self.ann_says()
        self.bob.receive()


class UnreadNotMoved(Scenario):
    """a read mark is answered and not written"""

    caught_by = ("unread",)

    def play(self) -> None:
        self.bob_polls()
        self.ann_says(3)
        talk = self.ann.person.talks[self.bob.person.name]
        self.bob.wait_for(lambda: self.bob.screen.talks[talk].last == 3, 3)
        self.bob.read(talk)


class DishonestRefusal(Scenario):
    """a 503 that does not say when to come back"""

    caught_by = ("honest",)
    engines = ("sqlite",)

    def play(self) -> None:
        with self.fault("disk-full"):
            self.stage.switches.on(FULL)
            self.ann.send(self.bob.person.name, HERE, give_up=1.0)
            self.stage.switches.off(FULL)
        self.ann_says()


class RevokedPollsOn(Scenario):
    """a log-out does not end the session's polls"""

    caught_by = ("revoked",)

    def play(self) -> None:
        self.bobs_phone.load()
        self.bobs_phone.expected = (401,)
        self.bobs_phone.start()
        gevent.sleep(0.5)
        answer = self.bobs_phone.call("DELETE", "/api/session", node=HERE)
        assert answer is not None
        assert answer.status == 204, answer
        ended = self.bobs_phone.wait_for_end(3)
        self.history.note("claim", invariant="revoked", holds=ended, sentence="the poll went on after the log-out")


class Ghosts(Scenario):
    """who has gone stays online"""

    caught_by = ("presence",)

    def play(self) -> None:
        self.ann.start()
        self.bob_polls()
        settle_presence(self.history, [self.ann, self.bob], 8)
        self.bob.stop()
        settle_presence(self.history, [self.ann, self.bob], self.linger + 4)


class KeptEpoch(Scenario):
    """a restored database keeps its epoch"""

    caught_by = ("agreement", "slice")
    engines = ("sqlite",)  # PostgreSQL has its own tools for backups

    def play(self) -> None:
        self.bob_polls()
        self.ann_says(2)
        saved, since = copy(self.stage), self.history.now()
        self.ann_says(3)
        gevent.sleep(0.3)
        self.bob.stop()
        with self.fault("restore", cuts=True):
            restore(self.stage, saved, keep_epoch=self.planted)
            self.history.note("restored", since=since)
        self.ann_says(4)
        self.bob_polls()
