"""Crash points: a worker dies by its own SIGKILL at one exact step of a send.

crash.before_commit   the rows are written, the transaction is open
crash.before_ring     committed and synced; neither rung nor answered
crash.before_answer   rung, and heard by others; not answered
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import gevent

from tests.faults.switches import Switches
from webchat.data.engine import Connection
from webchat.data.engine_postgres import PostgresEngine
from webchat.data.transaction import Transaction
from webchat.entities.feed import Entry, Ring
from webchat.node import Node

POINTS = ("crash.before_commit", "crash.before_ring", "crash.before_answer")
RUNG = 0.3  # seconds after which a ring has gone out to all workers


def install(node: Node, switches: Switches) -> None:
    def die_at(point: str) -> None:
        if switches.take(point):
            os.kill(os.getpid(), signal.SIGKILL)

    watch_commits(node, lambda _: die_at("crash.before_commit"), lambda: switches.is_on("crash.before_commit"))

    committed: Callable[[Sequence[Ring]], None] = node.committer._on_commit

    def before_ring(rings: Sequence[Ring]) -> None:
        if any(isinstance(ring, Entry) for ring in rings):
            die_at("crash.before_ring")
        committed(rings)

    node.committer._on_commit = before_ring

    send = node.chat.send

    def before_answer(*arguments: Any, **named: Any) -> Any:
        sent = send(*arguments, **named)
        if switches.is_on("crash.before_answer"):
            gevent.sleep(RUNG)
            die_at("crash.before_answer")
        return sent

    node.chat.send = before_answer  # type: ignore[method-assign]


def watch_commits(node: Node, before: Callable[[Transaction], None], wanted: Callable[[], bool] = lambda: True) -> None:
    """Call `before(transaction)` on the committer's thread when one with a message in it is about to be committed.

    A connection has one transaction at a time: the last one made on it is the open one. PostgreSQL's statement that
    sends is a transaction by itself, with no moment before its commit: while it is `wanted`, it is put into one.
    """
    made: dict[int, Transaction] = {}
    plain = Transaction.__init__

    def remember(self: Transaction, connection: Connection) -> None:
        plain(self, connection)
        made[id(connection)] = self

    Transaction.__init__ = remember  # type: ignore[method-assign]
    writing = node.engine.writing

    @contextmanager
    def watched() -> Iterator[Any]:
        with writing() as connection:
            made.pop(id(connection), None)
            yield connection
            transaction = made.pop(id(connection), None)
            if transaction is not None and any(isinstance(ring, Entry) for ring in transaction.rings):
                before(transaction)

    node.engine.writing = watched  # type: ignore[method-assign]
    if isinstance(node.engine, PostgresEngine):
        at_once = node.engine.writing_at_once

        def parted() -> AbstractContextManager[Any]:
            return watched() if wanted() else at_once()

        node.engine.writing_at_once = parted  # type: ignore[method-assign]
