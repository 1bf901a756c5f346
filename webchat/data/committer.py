"""The committer: takes the write jobs of a worker and answers each when it is on disk, never before.

`GroupCommitter`, SQLite's, is one native thread that writes whatever waits, in one transaction. Group commit:
while one transaction is being synced, the next callers queue up; they all go into the next one. Each
caller's job has a savepoint of its own, so one that raises undoes itself and nobody else. The thread is
native because a sync blocks: on the event loop it would hold up every parked poll.

PostgreSQL's is in `committer_postgres`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import gevent
import structlog
from gevent.event import AsyncResult, Event
from gevent.threadpool import ThreadPool

from webchat.data.engine import Engine
from webchat.data.transaction import Transaction
from webchat.entities.feed import Ring
from webchat.errors import ChatError, Unavailable

T = TypeVar("T")

BATCH_MAX = 256  # jobs in one transaction: bounds what one failure can take down and how long it holds the lock
QUEUE_MAX = 20_000  # jobs waiting; beyond it a caller is told at once that it must come back
LAST_COMMIT = 2.0  # seconds that a worker that stops waits for what it has yet to commit
PATIENCE = 10.0  # seconds a caller waits for its commit before it is told 503; its job may still be committed

log = structlog.get_logger()


_Done = tuple[list[tuple[Any, Exception | None]], list[Ring]]  # each job's result or failure; the rings


class Job:
    """`work`, and what became of it; `given_up` by a caller that waited for too long."""

    __slots__ = ("answer", "given_up", "work")

    def __init__(self, work: Callable[[Transaction], Any]) -> None:
        self.work = work
        self.answer = AsyncResult()
        self.given_up = False


class Committer(ABC):
    """See the module. `on_commit` gets the rings of each commit, on the event loop; it must not block."""

    def __init__(self, on_commit: Callable[[Sequence[Ring]], None]) -> None:
        self._on_commit = on_commit
        self.batches = 0  # committed transactions
        self.jobs = 0  # jobs in them

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None:
        """Commit what waits, ring for it, then end."""

    @abstractmethod
    def _queue_for(self, in_order: bool) -> deque[Job]: ...

    @abstractmethod
    def _queued(self, in_order: bool) -> None:
        """There is one job more in the queue."""

    def submit(self, work: Callable[[Transaction], T], in_order: bool = False) -> T:
        """Run `work` in a transaction; its result, once that is committed and synced.

        Raises what `work` raised (then nothing of it was written), or Unavailable where the database could
        not commit (nothing written) or did not answer in time (the job may yet be committed; safe for jobs
        that are idempotent, as all of ours are).
        """
        job = self._take_in(work, in_order)
        job.answer.wait(PATIENCE)
        if not job.answer.ready():
            job.given_up = True
            raise Unavailable("the database is busy; try again", code="database_unavailable", retry_after=2)
        result: T = job.answer.get()
        return result

    def post(self, work: Callable[[Transaction], Any]) -> Job:
        """Like `submit`, for a caller that does not wait; jobs of one worker run in the order of their posting."""
        return self._take_in(work, in_order=True)

    def _take_in(self, work: Callable[[Transaction], Any], in_order: bool) -> Job:
        queue = self._queue_for(in_order)
        if len(queue) >= QUEUE_MAX:
            raise Unavailable("too many writes are waiting; try again", code="database_unavailable", retry_after=2)
        job = Job(work)
        queue.append(job)
        self._queued(in_order)
        return job


class GroupCommitter(Committer):
    """See the module."""

    def __init__(self, engine: Engine, on_commit: Callable[[Sequence[Ring]], None]) -> None:
        super().__init__(on_commit)
        self._engine = engine
        self._queue: deque[Job] = deque()
        self._waiting = Event()
        self._thread = ThreadPool(1)
        self._loop: gevent.Greenlet | None = None

    def start(self) -> None:
        self._loop = gevent.spawn(self._run)

    def _queue_for(self, in_order: bool) -> deque[Job]:  # noqa: ARG002  all jobs run in order
        return self._queue

    def _queued(self, in_order: bool) -> None:  # noqa: ARG002
        self._waiting.set()

    def stop(self) -> None:
        # The last job is answered after all that was posted before it, and after its rings.
        self.post(lambda _: None).answer.wait(LAST_COMMIT)
        if self._loop is not None:
            self._loop.kill()
        self._thread.kill()

    def _run(self) -> None:
        while True:
            self._waiting.wait()
            jobs = [job for job in self._take() if not job.given_up]
            if not jobs:
                continue
            done = self._thread.apply(self._commit, (jobs,))
            if isinstance(done, Exception):
                self._fail(jobs, done)
                continue
            answers, rings = done
            self.batches += 1
            self.jobs += len(jobs)
            try:
                self._on_commit(rings)
            except Exception as error:  # who waits here has been committed, and the loop must live
                log.exception("could not ring", error=repr(error))
            for job, (result, failure) in zip(jobs, answers, strict=True):
                if failure is None:
                    job.answer.set(result)
                else:
                    job.answer.set_exception(failure)

    def _take(self) -> list[Job]:
        jobs = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_MAX))]
        if not self._queue:
            self._waiting.clear()
        return jobs

    def _commit(self, jobs: list[Job]) -> _Done | Exception:
        """On the native thread: no gevent primitive may be touched here.

        Whatever fails is returned and not raised: gevent would print it past our log.
        """
        try:
            return self._transact(jobs)
        except Exception as error:  # noqa: BLE001  the callers must hear of it, and the loop must live
            return error

    def _transact(self, jobs: list[Job]) -> _Done:
        answers: list[tuple[Any, Exception | None]] = []
        with self._engine.writing() as connection:
            transaction = Transaction(connection)
            for job in jobs:
                try:
                    with transaction.job():
                        answers.append((job.work(transaction), None))
                except Unavailable:
                    raise  # the engine's: the transaction is lost, for everybody in it
                except Exception as error:  # noqa: BLE001  it is the caller's, and raised there
                    answers.append((None, error))
        return answers, transaction.rings

    def _fail(self, jobs: list[Job], error: Exception) -> None:
        if not isinstance(error, ChatError):
            log.error("commit failed", error=repr(error), exc_info=error)
            error = Unavailable("the database failed; nothing was written", code="database_unavailable", retry_after=1)
        else:
            log.warning("commit refused", error=error.detail, jobs=len(jobs))
        for job in jobs:
            job.answer.set_exception(error)
