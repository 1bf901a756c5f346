"""A pool of greenlets for work that may fail, a piece at a time, without ending the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from gevent import pool

from tests.load.users.connections import Refused, Unanswered

T = TypeVar("T")


def each(work: Callable[[T], None], items: Iterable[T], at_once: int) -> dict[T, Exception]:
    """Do it for each; of which ones it failed, and how."""
    failures: dict[T, Exception] = {}

    def attempt(item: T) -> None:
        try:
            work(item)
        except (Unanswered, Refused) as failure:
            failures[item] = failure

    pool.Pool(at_once).map(attempt, items)
    return failures
