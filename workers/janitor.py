"""What a worker does by the clock: look into the database while the doorbell is broken, show that it
lives, sweep out old mailboxes, and publish its metrics. And what one does for all that share the database, under a
duty: sweep out expired sessions, long feeds, what is too old and files that nobody needs, and index what was said.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
import structlog

from webchat.app import ChatApp
from webchat.data import retention
from webchat.errors import Unavailable
from webchat.node import now_ms
from webchat.web.metrics import Numbers, Publisher

LOOK_EVERY = 0.5  # seconds; with the time it takes to notice deafness, news is at most two seconds late
# Looks after which one is taken though all seems well: whoever should have rung may have died first. And, as sessions
# end seldom, looks after which one is taken for the end of a session that was not rung.
IN_ANY_CASE = 10
SESSIONS_TOO = 60
SWEEP_EVERY = 1.0
METRICS_EVERY = 1.0
REPLICA_EVERY = 1.0
ANSWER_AGAIN = 1.0
INDEX_EVERY = 5.0
TIDY_EVERY = 600.0
INDEX_PAUSE = 0.05  # seconds; a hundred messages take some 3 ms
FEEDS_AT_ONCE = 100  # feeds trimmed in one transaction

log = structlog.get_logger()


class Janitor:
    """One worker's clock; see the module."""

    def __init__(self, app: ChatApp) -> None:
        self._app = app
        self._node = app.node
        self._was_deaf = False
        self._deafenings = 0
        self._looks = 0
        self._metrics = Publisher(self._numbers)

    def start(self) -> None:
        self._app.stopped = self._metrics.publish  # else a reload would lose the last second
        for every, work in (
            (LOOK_EVERY, self._look),
            (SWEEP_EVERY, self._node.hub.sweep),
            (self._node.presence.beat_every, self._beat),
            (METRICS_EVERY, self._metrics.publish),
            (REPLICA_EVERY, self._node.replica.look),
            (ANSWER_AGAIN, self._node.one_host.turn),
            (INDEX_EVERY, self._index),
            (TIDY_EVERY, self._tidy),
        ):
            gevent.spawn(_repeat, every, work)

    def _look(self) -> None:
        """While rings may be lost, once more after that, and now and then: ask the database for all users at once."""
        node = self._node
        deaf = node.bus.deaf
        if deaf != self._was_deaf:
            log.warning("doorbell deaf" if deaf else "doorbell heard again", worker=node.worker)
            node.presence.beat(deaf)
            self._deafenings += deaf
        self._looks += 1
        lost = deaf or self._was_deaf or node.hub.unsure
        if lost or self._looks % SESSIONS_TOO == 0 or node.presence.somebody_is_deaf():
            node.hub.missed(None)
        elif self._looks % IN_ANY_CASE == 0:
            node.hub.look_all_the_same()
        self._was_deaf = deaf

    def _beat(self) -> None:
        presence = self._node.presence
        presence.beat(self._node.bus.deaf)
        presence.mend()
        presence.bury_the_dead()

    def _index(self) -> None:
        """Bit by bit: between two of them, those get their turn who want to write."""
        while self._node.duty.mine() and self._node.search.index_some():
            gevent.sleep(INDEX_PAUSE)

    def _tidy(self) -> None:
        node = self._node
        node.accounts.forget_old_claims()
        if not node.duty.mine():
            return
        node.committer.submit(lambda tx: tx.forget_expired_sessions(now_ms()))
        while node.committer.submit(lambda tx: tx.trim_feeds(node.settings.feed_keep, FEEDS_AT_ONCE)) == FEEDS_AT_ONCE:
            gevent.sleep(0.1)
        self._forget()
        node.files.tidy()

    def _forget(self) -> None:
        """What is too old, and then what hung on it."""
        node = self._node
        first = node.retention.tend(now_ms())
        removed = 1
        while removed:
            removed, digests = node.committer.submit(lambda tx: retention.sweep(tx, first))
            if digests:
                node.files.forget(digests)
            gevent.sleep(retention.PAUSE)

    def _numbers(self) -> Numbers:
        node, counters, headers = self._node, self._node.hub.counters, self._app.headers
        return Numbers(
            gauges={
                "workers": 1,
                "parked": node.hub.parked,
                "places": node.hub.places,
                "mailboxes": node.hub.mailboxes,
                "deaf": int(node.bus.deaf),
                "failing": int(node.committer.failing),
                "waiting": node.committer.waiting(),
                "duty": int(node.duty.held),
                "replica_usable": int(node.replica.usable),
                "replica_lag": node.replica.lag,
            },
            counters={
                "polls": counters.polls,
                "wakes": counters.wakes,
                "gaps": counters.gaps,
                "late_rings": counters.late_rings,
                "resets": counters.resets,
                "deafenings": self._deafenings,
                "batches": node.committer.batches,
                "jobs": node.committer.jobs,
                "failures": headers.failures,
                "replica_reads": node.replica.reads,
                "replica_behind": node.replica.behind,
                "replica_failures": node.replica.failures,
            },
            tallies={
                "delivery": counters.delivery,
                "doorbell": node.bus.round_trips,
                "commit": node.committer.seconds,
                "batch": node.committer.sizes,
            },
            calls=headers.calls.rows,
        )


def _repeat(every: float, work: Callable[[], None]) -> None:
    """Run `work` now and then for ever: whatever it meets, the clock goes on."""
    while True:
        gevent.sleep(every)
        try:
            work()
        except Unavailable as error:
            log.warning("put off", work=work.__name__.strip("_"), error=error.detail)
        except Exception as error:
            log.exception("clock work failed", work=work.__name__.strip("_"), error=repr(error))
