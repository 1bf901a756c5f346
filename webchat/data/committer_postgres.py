"""PostgreSQL's committer: messages together, everything else in a transaction for each job; several at a time.

What waits to be sent goes into one statement (`transaction_postgres`): while one is under way, the next senders queue
up, and go into the next. It locks what it needs beforehand, in one order; jobs of all kinds in one transaction could
not, and would block themselves with those of other workers. The server syncs the commits of concurrent transactions
together by itself.

A job that lost against a concurrent transaction, or whose connection broke before its commit, has written
nothing and runs again. That is also how a send finds that its twin, on another node, was faster. Sends that failed
together run again each by itself, whatever it was: what is wrong with one of them is not the others' fault.
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
from webchat.data.transaction_batch import BATCH_MAX
from webchat.data.transaction_postgres import PostgresTransaction
from webchat.entities.feed import Alarm, Ring
from webchat.errors import ChatError, Unavailable

ATTEMPTS = 5  # runs of one job
PAUSE = 0.05  # seconds, at most and times the attempt, between two runs
# Seconds until the second alarm after a commit whose end nobody heard: what the server had already received
# it will have done by then.
ALARM_AGAIN = 2.0
SENDING = 2  # statements under way that send: one is written while the other one is synced

log = structlog.get_logger()


class _Lane:
    """Jobs that wait, and how many greenlets serve them, each by calling `serve`."""

    def __init__(self, width: int, serve: Callable[[_Lane], None]) -> None:
        self.width = width
        self.serve = serve
        self.busy = 0
        self.jobs: deque[Job] = deque()

    def take(self, most: int) -> list[Job]:
        """What waits and whose caller does as well."""
        taken: list[Job] = []
        while self.jobs and len(taken) < most:
            job = self.jobs.popleft()
            if not job.given_up:
                taken.append(job)
        return taken


class PostgresCommitter(Committer):
    """See the module."""

    def __init__(self, engine: PostgresEngine, on_commit: Callable[[Sequence[Ring]], None]) -> None:
        super().__init__(on_commit)
        self._engine = engine
        self._ordered = _Lane(1, self._do_next)
        self._parallel = _Lane(max(1, engine.writers - self._ordered.width), self._do_next)
        self._sends = _Lane(min(SENDING, self._parallel.width), self._send_next)
        self._servers = Group()

    def start(self) -> None:
        """Nothing to start: a lane's greenlets live while there are jobs."""

    def stop(self) -> None:
        self._servers.join(LAST_COMMIT)
        self._servers.kill()

    def waiting(self) -> int:
        return sum(len(lane.jobs) for lane in (self._ordered, self._parallel, self._sends))

    def _lane(self, job: Job, in_order: bool) -> _Lane:
        if in_order:
            return self._ordered
        return self._parallel if job.draft is None else self._sends

    def _queue_for(self, job: Job, in_order: bool) -> deque[Job]:
        return self._lane(job, in_order).jobs

    def _queued(self, job: Job, in_order: bool) -> None:
        self._staff(self._lane(job, in_order))

    def _staff(self, lane: _Lane) -> None:
        if lane.busy < lane.width:
            lane.busy += 1
            self._servers.spawn(self._serve, lane)

    def _serve(self, lane: _Lane) -> None:
        try:
            while lane.jobs:
                lane.serve(lane)
        finally:
            lane.busy -= 1

    # --- messages together

    def _send_next(self, lane: _Lane) -> None:
        """Send what waits, and tell its callers; whatever happens, the lane goes on."""
        jobs = lane.take(BATCH_MAX)
        drafts = [job.draft for job in jobs if job.draft is not None]
        if not drafts:
            return
        started = time.perf_counter()
        try:
            with self._engine.writing_at_once() as connection:
                transaction = PostgresTransaction(connection)
                posted = transaction.send(drafts)
        except Exception as error:  # noqa: BLE001  each of them will be told
            if isinstance(error, Unsettled):
                self._alarm()
            if len(jobs) == 1 and not isinstance(error, (Conflicted, Lost, Unsettled)):
                self._failed(jobs[0], error)
                return
            log.info("sends run again, each by itself", jobs=len(jobs), why=repr(error))
            self._do_apart(jobs)
            return
        finally:
            self._measured(len(jobs), started)
        self.failing = False
        self._committed(len(jobs), transaction)
        for job, sent in zip(jobs, posted, strict=True):
            if sent is not None:
                job.answer.set(sent)
        # Not sent: by its twin, long ago, or because it may not be. That is found out at leisure.
        self._do_apart([job for job, sent in zip(jobs, posted, strict=True) if sent is None])

    def _do_apart(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._parallel.jobs.append(job)
            self._staff(self._parallel)

    # --- one by one

    def _do_next(self, lane: _Lane) -> None:
        for job in lane.take(1):
            self._do(job, lane)

    def _do(self, job: Job, lane: _Lane) -> None:
        """Run the job and tell its caller; whatever happens, the lane goes on."""
        started = time.perf_counter()
        try:
            result = self._commit(job)
        except Exception as error:
            if lane is self._ordered and not isinstance(error, ChatError):
                log.exception("job failed", error=repr(error))  # nobody waits for its answer
            self._failed(job, error)
        else:
            self.failing = False
            job.answer.set(result)
        self._measured(1, started)

    def _failed(self, job: Job, error: Exception) -> None:
        """Tell the caller. What the job itself decided, it did on a database that works."""
        self.failing = isinstance(error, Unavailable) or not isinstance(error, ChatError)
        if isinstance(error, Unavailable):
            log.warning("commit refused", error=error.detail)
            error = _plain(error)
        job.answer.set_exception(error)

    def _commit(self, job: Job) -> Any:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._engine.writing() as connection:
                    transaction = PostgresTransaction(connection)
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
                self._committed(1, transaction)
                return result
        raise AssertionError("the last attempt returns or raises")

    def _committed(self, jobs: int, transaction: PostgresTransaction) -> None:
        self.batches += 1
        self.jobs += jobs
        self._ring(transaction.rings)

    def _measured(self, jobs: int, started: float) -> None:
        self.seconds.add(time.perf_counter() - started)
        self.sizes.add(jobs)

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
