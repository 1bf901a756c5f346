"""A moment alone with tables of PostgreSQL, to change their shape while everybody goes on.

Whoever asks for such a lock waits for all who use the table now, and all who come later wait behind them. So nobody
waits here for longer than `WAIT`, which is under what a statement of ours waits for a lock; where that was not enough,
the others get their turn before the next attempt.
"""

from __future__ import annotations

import random
import time
from typing import Any

from webchat.errors import SetupError

WAIT = 0.5  # seconds
ATTEMPTS = 60
_NOT_AVAILABLE = "55P03"


def take(database: Any, *tables: str) -> None:
    """Lock `tables` until the end of the transaction that is open. Raises SetupError where they are never free."""
    names = ", ".join(f'"{table}"' for table in tables)
    for attempt in range(1, ATTEMPTS + 1):
        database.execute_sql("SAVEPOINT brief_lock")
        database.execute_sql(f"SET LOCAL lock_timeout = {int(1000 * WAIT)}")
        try:
            database.execute_sql(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
            return
        except Exception as error:
            if getattr(error.__cause__ or error.__context__, "sqlstate", None) != _NOT_AVAILABLE:
                raise
        database.execute_sql("ROLLBACK TO SAVEPOINT brief_lock")
        time.sleep(random.uniform(0, min(2.0, WAIT * attempt)))
    raise SetupError(
        f"the tables {names} are in use without a pause: look for long transactions in pg_stat_activity, "
        "and start this node again"
    )
