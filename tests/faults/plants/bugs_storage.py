"""Planted bugs in what is written, and in what is said of it."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gevent
from gevent import monkey

from tests.faults.plants.crash import watch_commits
from webchat.data import attachments, receipts
from webchat.data.committer import Job
from webchat.data.engine_postgres import PostgresEngine
from webchat.data.transaction import Transaction
from webchat.data.transaction_postgres import PostgresTransaction
from webchat.data.transaction_sqlite import SqliteTransaction
from webchat.entities.feed import Entry, Revocation, Ring
from webchat.errors import Unavailable
from webchat.node import Node

WINDOW = 0.4  # seconds for which the bug's window stands open
native_sleep = monkey.get_original("time", "sleep")


def stay_open() -> None:
    """Hold the transaction open: on the committer's native thread, or, for PostgreSQL, on the event loop."""
    if threading.get_native_id() == os.getpid():
        gevent.sleep(WINDOW)
    else:
        native_sleep(WINDOW)


def unattached_files(node: Node) -> None:
    """A message is sent with its files, and they stay their owner's alone."""
    attachments.attach = lambda *_: None


def ignored_client_ids(node: Node) -> None:
    """No de-duplication: every send is a new message, whatever its client id."""
    Transaction.message_of = lambda *_: None  # type: ignore[method-assign]
    _mangle_client_ids(node, lambda *_: True)


def deduplication_per_worker(node: Node) -> None:
    """A retry is known to the worker that served the first try, and to no other."""
    mine: set[str] = set()
    known = Transaction.message_of

    def message_of(self: Transaction, sender: int, client_id: str) -> Any:
        if client_id not in mine:
            mine.add(client_id)
            return None
        return known(self, sender, client_id)

    Transaction.message_of = message_of  # type: ignore[method-assign, assignment]
    _mangle_client_ids(node, lambda tx, sender, client_id: known(tx, sender, client_id) is not None)


def _one_by_one(node: Node) -> None:
    """No more sends in one statement: by the rule that can be broken from here."""
    SqliteTransaction.post = Transaction.post  # type: ignore[method-assign]
    PostgresTransaction.post = PostgresTransaction.send = Transaction.post  # type: ignore[method-assign]
    if isinstance(node.engine, PostgresEngine):
        node.engine.writing_at_once = node.engine.writing  # type: ignore[method-assign]


def _mangle_client_ids(node: Node, wanted: Callable[[Transaction, int, str], bool]) -> None:
    """Store a client id under another name, as a table without the unique index would allow."""
    _one_by_one(node)
    add = Transaction.add_message

    def add_message(self: Transaction, *values: Any, **named: Any) -> Any:
        if wanted(self, values[1], values[4]):
            values = (*values[:4], f"{values[4]}+{secrets.token_hex(2)}", *values[5:])
        return add(self, *values, **named)

    Transaction.add_message = add_message  # type: ignore[method-assign]


def ring_before_commit(node: Node) -> None:
    """The doorbell rings while the transaction is still open."""
    loop = gevent.get_hub().loop

    def before(transaction: Transaction) -> None:
        loop.run_callback_threadsafe(node.committer._on_commit, list(transaction.rings))
        stay_open()

    watch_commits(node, before)


def answer_before_commit(node: Node) -> None:
    """201 is said when the rows are written, and the commit comes later."""
    loop = gevent.get_hub().loop
    plain = Job.__init__

    def eager(self: Job, work: Callable[[Transaction], Any], draft: object = None) -> None:
        def and_answer(transaction: Transaction) -> Any:
            result = work(transaction)
            loop.run_callback_threadsafe(self.answer.set, result)
            return result

        plain(self, and_answer)  # and no draft: one by one

    Job.__init__ = eager  # type: ignore[method-assign]
    watch_commits(node, lambda _: stay_open())


def unread_not_moved(node: Node) -> None:
    """Read marks are answered and never written."""
    Transaction.set_read = lambda *_: None  # type: ignore[method-assign]
    receipts.mark = lambda *_: None


def early_receipts(node: Node) -> None:
    """A receipt says how far the first has got and read, not the last."""
    receipts.min = max  # type: ignore[attr-defined]


def revoked_polls_on(node: Node) -> None:
    """A log-out does not end the session's parked polls."""
    deliver = node.hub.deliver

    def deaf(rings: Iterable[Ring]) -> None:
        deliver([ring for ring in rings if not isinstance(ring, Revocation)])

    node.hub.deliver = deaf  # type: ignore[method-assign]
    node.hub._end_dead_sessions = lambda: None  # type: ignore[method-assign]


def dishonest_refusal(node: Node) -> None:
    """A database that cannot take it is a 503 that does not say when to come back."""
    plain = Unavailable.__init__

    def silent(self: Unavailable, detail: str, **named: Any) -> None:
        plain(self, detail, **named | {"retry_after": None})

    Unavailable.__init__ = silent  # type: ignore[method-assign, assignment]


def ghosts(node: Node) -> None:
    """Who closes their last mailbox is not taken off the list."""
    node.presence.go = lambda _: None  # type: ignore[method-assign, assignment]
    Transaction.go = lambda *_: None  # type: ignore[method-assign]


def lost_jobs(node: Node) -> None:
    """A commit that fails is answered as if it had been one (what an `except: pass` can do)."""
    writing = node.engine.writing

    @contextmanager
    def undone() -> Iterator[Any]:
        with writing() as connection:
            connection.rows("SAVEPOINT everything")
            yield connection
            connection.rows("ROLLBACK TO everything")

    def only_rings(rings: Sequence[Ring]) -> None:
        node.hub.deliver([ring for ring in rings if not isinstance(ring, Entry)])

    node.engine.writing = undone  # type: ignore[method-assign]
    if isinstance(node.engine, PostgresEngine):
        node.engine.writing_at_once = undone  # type: ignore[method-assign]
    node.committer._on_commit = only_rings


def unlocked_numbers(node: Node) -> None:
    """Feed numbers are given out in transactions of their own: they become visible in another order (PostgreSQL)."""

    def append(self: Transaction, conversation: int, *, message: int, **_: Any) -> list[tuple[int, int]]:
        numbered = []
        for user in self.members(conversation):
            with node.engine.writing() as alone:
                number = alone.rows('UPDATE feed SET last = last + 1 WHERE "user" = ? RETURNING last', (user,))[0][0]
            values = (user, number, message, False)
            self.on.rows('INSERT INTO entry ("user", number, message, changed) VALUES (?, ?, ?, ?)', values)
            numbered.append((user, number))
        return numbered

    _one_by_one(node)
    Transaction._append_for_members = append  # type: ignore[method-assign, assignment]

    def hold_the_first(transaction: Transaction) -> None:
        if any(isinstance(ring, Entry) and ring.user == 1 for ring in transaction.rings):
            stay_open()

    watch_commits(node, hold_the_first)
