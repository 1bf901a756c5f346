"""The record of what operators did: written in the transaction that does it, never changed."""

from __future__ import annotations

from typing import NamedTuple

from webchat.data.store import Store
from webchat.data.tables import Audit
from webchat.data.transaction import Transaction


class Act(NamedTuple):
    """`actor` did `action` to `subject` at `at` (Unix ms)."""

    at: int
    actor: str
    action: str
    subject: str
    detail: str = ""


def record(tx: Transaction, act: Act) -> None:
    tx.on.run(Audit.insert(act._asdict()))


def acts(store: Store, limit: int) -> list[Act]:
    """The last ones, the newest first."""
    columns = (Audit.at, Audit.actor, Audit.action, Audit.subject, Audit.detail)
    return [Act(*row) for row in store.on.run(Audit.select(*columns).order_by(Audit.id.desc()).limit(limit).tuples())]
