"""PostgreSQL's committer: a transaction for each job, several at a time.

Not a group commit as SQLite's is: a transaction for all would hold the rows of many users in the order in
which the jobs came, and block itself with those of other workers. The server syncs the commits of concurrent
transactions together by itself.

A job that lost against a concurrent transaction, or whose connection broke before its commit, has written
nothing and runs again. That is also how a send finds that its twin, on another node, was faster.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import gevent
import structlog
from gevent.pool import Group

from webchat.data.committer import LAST_COMMIT, Committer, Job
from webchat.data.engine_postgres import PostgresEngine
from webchat.data.postgres_pool import Conflicted, Lost, Taken, Unsettled
from webchat.data.transaction import Transaction
from webchat.entities.feed import Alarm, Ring
from webchat.errors import ChatError, Unavailable

ATTEMPTS = 5  # runs of one job
PAUSE = 0.05  # seconds, at most and times the attempt, between two runs
# Seconds until the second alarm after a commit whose end nobody heard: what the server had already received
# it will have done by then.
ALARM_AGAIN = 2.0

log = structlog.get_logger()


class _Lane:
    """Jobs that wait, and how many greenlets serve them."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.busy = 0
        self.jobs: deque[Job] = deque()


class PostgresCommitter(Committer):
    """See the module."""

    def __init__(self, engine: PostgresEngine, on_commit: Callable[[Sequence[Ring]], None]) -> None:
        super().__init__(on_commit)
        self._engine = engine
        self._ordered = _Lane(1)
        self._parallel = _Lane(max(1, engine.writers - self._ordered.width))
        self._servers = Group()

    def start(self) -> None:
        """Nothing to start: a lane's greenlets live while there are jobs."""

    def stop(self) -> None:
        self._servers.join(LAST_COMMIT)
        self._servers.kill()

    def waiting(self) -> int:
        return len(self._ordered.jobs) + len(self._parallel.jobs)

    def _queue_for(self, in_order: bool) -> deque[Job]:
        return (self._ordered if in_order else self._parallel).jobs

    def _queued(self, in_order: bool) -> None:
        lane = self._ordered if in_order else self._parallel
        if lane.busy < lane.width:
            lane.busy += 1
            self._servers.spawn(self._serve, lane)

    def _serve(self, lane: _Lane) -> None:
        try:
            while lane.jobs:
                job = lane.jobs.popleft()
                if not job.given_up:
                    self._do(job, lane)
        finally:
            lane.busy -= 1

    def _do(self, job: Job, lane: _Lane) -> None:
        """Run the job and tell its caller; whatever happens, the lane goes on."""
        started = time.perf_counter()
        try:
            result = self._commit(job)
        except Unavailable as error:
            log.warning("commit refused", error=error.detail)
            self.failing = True
            job.answer.set_exception(_plain(error))
        except Exception as error:
            self.failing = not isinstance(error, ChatError)  # ours: the job decided that, on a database that works
            if lane is self._ordered and self.failing:
                log.exception("job failed", error=repr(error))  # nobody waits for its answer
            job.answer.set_exception(error)
        else:
            self.failing = False
            job.answer.set(result)
        self.seconds.add(time.perf_counter() - started)
        self.sizes.add(1)

    def _commit(self, job: Job) -> Any:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._engine.writing() as connection:
                    transaction = Transaction(connection)
                    result = job.work(transaction)
            except (Conflicted, Lost) as error:
                if attempt == ATTEMPTS or job.given_up:
                    raise (error.__cause__ if isinstance(error, Taken) and error.__cause__ else error) from None
                log.info("job runs again", attempt=attempt, why=error.detail)
                gevent.sleep(random.uniform(0, PAUSE * attempt))
            except Unsettled:
                self._alarm()
                raise
            else:
                self.batches += 1
                self.jobs += 1
                self._ring(transaction.rings)
                return result
        raise AssertionError("the last attempt returns or raises")

    def _alarm(self) -> None:
        """It may have been committed, and then nobody was rung: let all workers look, and look again."""
        self._ring([Alarm()])
        gevent.spawn_later(ALARM_AGAIN, self._ring, [Alarm()])

    def _ring(self, rings: Sequence[Ring]) -> None:
        try:
            self._on_commit(rings)
        except Exception as error:  # what it rings for has been committed: its caller must hear that
            log.exception("could not ring", error=repr(error))


def _plain(error: Unavailable) -> Unavailable:
    """Callers know one class; which kind of unavailable it was concerned us alone."""
    return Unavailable(error.detail, code=error.code, retry_after=error.retry_after)
