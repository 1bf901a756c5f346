"""The committer: takes the write jobs of a worker and answers each when it is on disk, never before.

`GroupCommitter`, SQLite's, is one native thread that writes whatever waits, in one transaction. Group commit:
while one transaction is being synced, the next callers queue up; they all go into the next one. Each
caller's job has a savepoint of its own, so one that raises undoes itself and nobody else. The thread is
native because a sync blocks: on the event loop it would hold up every parked poll.

Messages are the many, everything else the few: what is to be sent comes as a `Draft`, and drafts that wait go into the
database together (`Transaction.post`).

PostgreSQL's is in `committer_postgres`.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import gevent
import structlog
from gevent import monkey
from gevent.event import AsyncResult

from webchat.data.engine import Engine
from webchat.data.transaction import Transaction
from webchat.data.transaction_sqlite import SqliteTransaction
from webchat.entities.feed import Ring
from webchat.entities.talk import Draft, Posted
from webchat.errors import ChatError, Unavailable
from webchat.tally import Tally

T = TypeVar("T")

BATCH_MAX = 256  # jobs in one transaction: bounds what one failure can take down and how long it holds the lock
QUEUE_MAX = 20_000  # jobs waiting; beyond it a caller is told at once that it must come back
LAST_COMMIT = 2.0  # seconds that a worker that stops waits for what it has yet to commit
SIZES = (1, 2, 4, 8, 16, 32, 64, 128)  # upper bounds of the histogram of batches
PATIENCE = 10.0  # seconds a caller waits for its commit before it is told 503; its job may still be committed

log = structlog.get_logger()
_start_thread = monkey.get_original("_thread", "start_new_thread")
_allocate_lock = monkey.get_original("_thread", "allocate_lock")


_Done = tuple[list[tuple[Any, Exception | None]], list[Ring]]  # each job's result or failure; the rings


class Job:
    """`work`, and what became of it; `given_up` by a caller that waited for too long.

    `draft`: what the work sends, where that is all it does.
    """

    __slots__ = ("answer", "draft", "given_up", "work")

    def __init__(self, work: Callable[[Transaction], Any], draft: Draft | None = None) -> None:
        self.work = work
        self.draft = draft
        self.answer = AsyncResult()
        self.given_up = False


class Committer(ABC):
    """See the module. `on_commit` gets the rings of each commit, on the event loop; it must not block."""

    def __init__(self, on_commit: Callable[[Sequence[Ring]], None]) -> None:
        self._on_commit = on_commit
        self.batches = 0  # committed transactions
        self.jobs = 0  # jobs in them
        self.sizes = Tally(SIZES)  # jobs of each transaction
        self.seconds = Tally()  # of each transaction, from the wait for the lock to the sync
        self.failing = False  # whether the last transaction could not be committed
        self._waited_for: deque[tuple[float, Job]] = deque()  # when its caller gives up, and the job
        self._watchdog: gevent.Greenlet | None = None

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None:
        """Commit what waits, ring for it, then end."""

    @abstractmethod
    def waiting(self) -> int:
        """How many jobs wait for their transaction."""

    @abstractmethod
    def _queue_for(self, job: Job, in_order: bool) -> deque[Job]: ...

    @abstractmethod
    def _queued(self, job: Job, in_order: bool) -> None:
        """There is one job more in the queue."""

    def submit(self, work: Callable[[Transaction], T], in_order: bool = False) -> T:
        """Run `work` in a transaction; its result, once that is committed and synced.

        Raises what `work` raised (then nothing of it was written), or Unavailable where the database could
        not commit (nothing written) or did not answer in time (the job may yet be committed; safe for jobs
        that are idempotent, as all of ours are).
        """
        result: T = self._wait(self._take_in(Job(work), in_order))
        return result

    def send(self, draft: Draft) -> Posted | None:
        """`Transaction.post` for one draft, with as many others as wait; see `submit`."""
        posted: Posted | None = self._wait(self._take_in(Job(lambda tx: tx.post([draft])[0], draft), in_order=False))
        return posted

    def post(self, work: Callable[[Transaction], Any]) -> Job:
        """Like `submit`, for a caller that does not wait; jobs of one worker run in the order of their posting."""
        return self._take_in(Job(work), in_order=True)

    def _take_in(self, job: Job, in_order: bool) -> Job:
        queue = self._queue_for(job, in_order)
        if len(queue) >= QUEUE_MAX:
            raise Unavailable("too many writes are waiting; try again", code="database_unavailable", retry_after=2)
        queue.append(job)
        self._queued(job, in_order)
        return job

    def _wait(self, job: Job) -> Any:
        self._waited_for.append((time.monotonic() + PATIENCE, job))
        if self._watchdog is None:
            self._watchdog = gevent.spawn(self._give_up_the_late)
        return job.answer.get()

    def _give_up_the_late(self) -> None:
        """Tell callers whose patience is over. One look now and then costs less than a timer for each of them."""
        while self._waited_for:
            overdue, job = self._waited_for[0]
            if not job.answer.ready():
                if overdue > time.monotonic():
                    gevent.sleep(min(1.0, PATIENCE / 4))
                    continue
                job.given_up = True
                job.answer.set_exception(
                    Unavailable("the database is busy; try again", code="database_unavailable", retry_after=2)
                )
            self._waited_for.popleft()
        self._watchdog = None


class GroupCommitter(Committer):
    """See the module.

    The thread sleeps on a native lock and is let go when there is work; it takes what waits only when it has the
    database's write lock, so whoever comes while another process writes gets into the same transaction. What it has
    done is handed over through the loop's own wake-up, where a callback rings and answers: no greenlet in between.
    """

    def __init__(self, engine: Engine, on_commit: Callable[[Sequence[Ring]], None]) -> None:
        super().__init__(on_commit)
        self._engine = engine
        self._queue: deque[Job] = deque()
        self._done: deque[tuple[list[Job], _Done | Exception]] = deque()
        self._sleep = _allocate_lock()  # held while there is nothing to do
        self._sleep.acquire()
        self._awake = False
        self._stopped = self._running = False
        self._handed_over: Any = None

    def start(self) -> None:
        self._handed_over = gevent.get_hub().loop.async_()
        self._handed_over.start(self._hear)
        self._running = True
        _start_thread(self._run, ())

    def stop(self) -> None:
        # The last job is answered after all that was posted before it, and after its rings.
        self.post(lambda _: None).answer.wait(LAST_COMMIT)
        self._stopped = True
        self._wake()
        with gevent.Timeout(LAST_COMMIT, False):
            while self._running:  # it may be at a later job, and the database is about to be closed
                gevent.sleep(0.002)
        if self._handed_over is not None:
            self._handed_over.stop()

    def waiting(self) -> int:
        return len(self._queue)

    def _queue_for(self, job: Job, in_order: bool) -> deque[Job]:  # noqa: ARG002  all jobs run in order
        return self._queue

    def _queued(self, job: Job, in_order: bool) -> None:  # noqa: ARG002
        self._wake()

    def _wake(self) -> None:
        if not self._awake:
            self._awake = True
            self._sleep.release()

    # --- on the native thread: no gevent primitive may be touched here

    def _run(self) -> None:
        try:
            while not self._stopped:
                self._sleep.acquire()
                self._awake = False  # before the look: who comes after it lets the thread go once more
                while self._queue and not self._stopped:
                    jobs: list[Job] = []
                    started = time.perf_counter()
                    self._done.append((jobs, self._commit(jobs)))
                    self._handed_over.send()
                    self.seconds.add(time.perf_counter() - started)
                    self.sizes.add(len(jobs))
        finally:
            self._running = False

    def _commit(self, jobs: list[Job]) -> _Done | Exception:
        """Take what waits into `jobs`, and commit it. Whatever fails is returned: the callers must hear of it."""
        try:
            with self._engine.writing() as connection:
                self._take(jobs)
                transaction = SqliteTransaction(connection)
                answers = _work(transaction, jobs)
            return answers, transaction.rings
        except Exception as error:  # noqa: BLE001
            self._take(jobs)  # nobody may be left waiting for a lock that cannot be had
            return error

    def _take(self, jobs: list[Job]) -> None:
        while self._queue and len(jobs) < BATCH_MAX:
            job = self._queue.popleft()
            if not job.given_up:
                jobs.append(job)

    # --- on the event loop

    def _hear(self) -> None:
        while self._done:
            jobs, done = self._done.popleft()
            self.failing = isinstance(done, Exception)
            if isinstance(done, Exception):
                self._fail(jobs, done)
                continue
            answers, rings = done
            self.batches += 1
            self.jobs += len(jobs)
            try:
                self._on_commit(rings)
            except Exception as error:  # who waits here has been committed
                log.exception("could not ring", error=repr(error))
            for job, (result, failure) in zip(jobs, answers, strict=True):
                if failure is None:
                    job.answer.set(result)
                else:
                    job.answer.set_exception(failure)

    def _fail(self, jobs: list[Job], error: Exception) -> None:
        if not isinstance(error, ChatError):
            log.error("commit failed", error=repr(error), exc_info=error)
            error = Unavailable("the database failed; nothing was written", code="database_unavailable", retry_after=1)
        else:
            log.warning("commit refused", error=error.detail, jobs=len(jobs))
        for job in jobs:
            job.answer.set_exception(error)


def _work(transaction: Transaction, jobs: Sequence[Job]) -> list[tuple[Any, Exception | None]]:
    """Each job's result or failure; neighbouring drafts are sent together."""
    answers: list[tuple[Any, Exception | None]] = []
    drafts: list[Draft] = []
    for job in jobs:
        if job.draft is not None:
            drafts.append(job.draft)
            continue
        answers += [(posted, None) for posted in transaction.post(drafts)]
        drafts = []
        try:
            with transaction.job():
                answers.append((job.work(transaction), None))
        except Unavailable:
            raise  # the engine's: the transaction is lost, for everybody in it
        except Exception as error:  # noqa: BLE001  it is the caller's, and raised there
            answers.append((None, error))
    answers += [(posted, None) for posted in transaction.post(drafts)]
    return answers
