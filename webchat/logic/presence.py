"""Presence: a user is online while some worker keeps a mailbox for them.

A worker writes only when a mailbox opens or closes, and beats while it lives. Whoever has beaten `BEATS`
times while another's beat stood still buries that one, and its users with it, unless they came back
elsewhere. Time is counted in one's own committed beats, by no clock: hosts disagree on the time of day, and
a pause that holds up everybody (a paused machine, a slow disk) makes nobody look dead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import gevent
import structlog

from webchat.data.committer import Committer
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.errors import Unavailable

BEATS = 6  # signs of life in the time after which a worker counts as dead: some of them may be late

# Comings and goings are written as they come; where as many as this came at once, the next ones gather for so long.
CROWD, GATHER = 5, 0.05  # seconds

# Users in one transaction: each costs some 50 µs and 5 µs for each friend who is told, and everybody's sends wait.
SLICE = 100

log = structlog.get_logger()


class _Still(NamedTuple):
    """Another worker's last beat, and how often we had beaten when we first saw it."""

    theirs: int
    ours: int


class Presence:
    """This worker's part in it; the hub's `Residents`.

    `users` tells who has a mailbox here; `dead_after` (seconds) is what `BEATS` beats take.
    """

    def __init__(
        self,
        store: Store,
        committer: Committer,
        worker: str,
        users: Callable[[], set[int]],
        dead_after: float,
    ) -> None:
        self._store = store
        self._committer = committer
        self._worker = worker
        self._users = users
        self._dead_after = dead_after
        self._seen: dict[str, _Still] = {}
        self._moves: dict[int, int | None] = {}  # who came, with which mark, or went (None), and is not yet written
        self._crowded = False

    @property
    def beat_every(self) -> float:
        """Seconds between two signs of life."""
        return self._dead_after / BEATS

    def come(self, user: int, mark: int) -> None:
        self._move(user, mark)

    def go(self, user: int) -> None:
        self._move(user, None)

    def _move(self, user: int, mark: int | None) -> None:
        """Note where the user has got to. It is written at once, or, where many come and go, together with others."""
        if not self._moves:
            gevent.spawn_later(GATHER if self._crowded else 0.0, self._write_moves)
        self._moves[user] = mark

    def _write_moves(self) -> None:
        moves, self._moves = list(self._moves.items()), {}
        self._crowded = len(moves) >= CROWD
        for start in range(0, len(moves), SLICE):
            self._post(partial(self._all_move, moves[start : start + SLICE]))

    def _all_move(self, moves: list[tuple[int, int | None]], tx: Transaction) -> None:
        for user, mark in moves:
            if mark is None:
                tx.go(user, self._worker)
            else:
                tx.come(user, self._worker, mark)

    def beat(self, deaf: bool) -> None:
        """Say that this worker lives."""
        self._post(lambda tx: tx.beat(self._worker, deaf))

    def mend(self) -> None:
        """Write what was lost of this worker's comings and goings: its writes failed, or it was buried alive."""
        written = self._store.present_in(self._worker)
        for users in _slices(self._users() - written):
            self._committer.submit(partial(self._come_all, users & self._users()), in_order=True)
        for users in _slices(written - self._users()):
            self._committer.submit(partial(self._go_all, users - self._users()), in_order=True)

    def bury_the_dead(self) -> None:
        """Bury the workers that stand still while this one beats."""
        beats = {worker: beat for worker, (beat, _) in self._store.workers().items()}
        ours = beats.pop(self._worker, 0)
        still = {worker: _Still(beat, ours) for worker, beat in beats.items()}
        for worker, seen in self._seen.items():
            if worker in still and seen.theirs == still[worker].theirs and seen.ours <= ours:
                still[worker] = seen
        self._seen = still
        for worker, seen in still.items():
            if ours - seen.ours > BEATS:
                log.warning("worker is dead", worker=worker)
                while self._committer.submit(partial(Transaction.bury, worker=worker, beat=seen.theirs, limit=SLICE)):
                    pass

    def _come_all(self, users: set[int], tx: Transaction) -> None:
        for user in sorted(users):
            tx.come(user, self._worker)

    def _go_all(self, users: set[int], tx: Transaction) -> None:
        for user in sorted(users):
            tx.go(user, self._worker)

    def somebody_is_deaf(self) -> bool:
        """Whether another worker's rings may not reach us."""
        return any(deaf for worker, (_, deaf) in self._store.workers().items() if worker != self._worker)

    def _post(self, work: Callable[[Transaction], None]) -> None:
        try:
            self._committer.post(work)
        except Unavailable as error:
            log.warning("presence not written; the next beat mends it", error=error.detail)


def _slices(users: set[int]) -> Iterator[set[int]]:
    ordered = sorted(users)
    for start in range(0, len(ordered), SLICE):
        yield set(ordered[start : start + SLICE])
