"""PostgreSQL's messages and feed entries lie in partitions; what is old is dropped by the partition.

**Messages** by ranges of ids, `BLOCK` wide: `message_7` begins at 7 x `BLOCK`, and ends where the next one begins. Ids
grow with time. One block more than is in use is always there, so that no message is without a place. Where messages are
not kept for ever, the sequence of ids is sent on to the next block now and then, so that a block is a stretch of time.

**Entries** by `era`: the minute (Unix time) at which it began, in which a new entry is put by the column's default. A
new era is a new partition and a new default, in one transaction: all entries of the one before are committed then, so a
feed's numbers ascend with the eras.

Each step is a short transaction under one advisory lock, and asks anew what is to be done. A new partition is made
beside those who write; a new era and a drop need the table for a moment (see `brief_lock` for what that means). Here
nobody tries twice: what was in use too long is left to the next round.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from webchat.data.engine import Connection, Reader
from webchat.data.engine_postgres import PostgresEngine
from webchat.data.retention import PART, Keep

BLOCK = 100_000_000  # ids; in the migrations as well
MINUTE = 60_000  # ms
WAIT = 0.5  # seconds, see `brief_lock.WAIT`
_LOCK = 0x776562_70617274  # any number that no other program takes: "web", "part"

_NUMBERS = """
    SELECT CAST(split_part(c.relname, '_', 2) AS bigint) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = CAST(CAST(? AS text) AS regclass) ORDER BY 1
"""
_LAST_ID = "SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM message_id_seq"

log = structlog.get_logger()


class PostgresRetention:
    """See the module, and `webchat.data.retention.Retention`."""

    def __init__(self, engine: PostgresEngine, keep: Keep) -> None:
        self._engine = engine
        self._keep = keep

    def tend(self, now: int) -> int:
        with self._alone() as on:
            _make_block_ahead(on)
        if self._keep.messages:
            with self._alone() as on:
                _begin_block(on, now - self._keep.messages // PART)
            while self._dropped("message", now - self._keep.messages):
                pass
        if self._keep.feed:
            with self._alone() as on:
                _begin_era(on, now, self._keep.feed // PART)
            while self._dropped("entry", now - self._keep.feed):
                pass
        first = _numbers(self._engine.reader, "message")[0]
        return first * BLOCK

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        with self._engine.writing() as on:
            on.rows(f"SET LOCAL lock_timeout = {int(1000 * WAIT)}")
            on.rows("SELECT pg_advisory_xact_lock(?)", (_LOCK,))
            yield on

    def _dropped(self, table: str, before: int) -> bool:
        """Whether the oldest partition was all from before then, and is gone."""
        with self._alone() as on:
            oldest, *later = _numbers(on, table)
            is_old = _is_old_block if table == "message" else _is_old_era
            if not later or not is_old(on, oldest, later[0], before):
                return False
            on.rows(f"DROP TABLE {table}_{oldest}")
        log.info("partition dropped", table=f"{table}_{oldest}")
        return True


def _numbers(on: Reader, table: str) -> list[int]:
    return [int(row[0]) for row in on.rows(_NUMBERS, (table,))]


# --- messages


def _make_block_ahead(on: Connection) -> None:
    newest = _numbers(on, "message")[-1]
    while newest * BLOCK <= _last_id(on):
        newest += 1
        bounds = f"FROM ({newest * BLOCK}) TO ({(newest + 1) * BLOCK})"
        # Made first and attached then: `PARTITION OF` would hold up those who write.
        on.rows(f"CREATE TABLE message_{newest} (LIKE message INCLUDING DEFAULTS)")
        on.rows(f"ALTER TABLE message ATTACH PARTITION message_{newest} FOR VALUES {bounds}")


def _begin_block(on: Connection, before: int) -> None:
    """Send the ids on to the next block, if the one in use has a message from before then."""
    numbers = _numbers(on, "message")
    block = max(number for number in numbers if number == numbers[0] or number * BLOCK <= _last_id(on))
    first = on.rows(f"SELECT sent_at FROM message_{block} ORDER BY id LIMIT 1")  # noqa: S608  a number
    if not first or first[0][0] >= before:
        return
    # Who is just sending has taken an id that is not committed. With the lock nobody is, and nobody takes another one.
    on.rows("LOCK TABLE message IN SHARE ROW EXCLUSIVE MODE")
    following = next(number for number in numbers if number > block)
    if _last_id(on) < following * BLOCK:
        on.rows("SELECT setval('message_id_seq', ?, FALSE)", (following * BLOCK,))


def _is_old_block(on: Connection, block: int, following: int, before: int) -> bool:
    if _last_id(on) < following * BLOCK:
        return False  # it is in use
    newest = on.rows(f"SELECT sent_at FROM message_{block} ORDER BY id DESC LIMIT 1")  # noqa: S608  a number
    return not newest or newest[0][0] < before


def _last_id(on: Connection) -> int:
    return int(on.rows(_LAST_ID)[0][0])


# --- entries


def _begin_era(on: Connection, now: int, length: int) -> None:
    newest = _numbers(on, "entry")[-1]
    era = now // MINUTE
    if era * MINUTE < newest * MINUTE + length:
        return
    on.rows("LOCK TABLE entry IN ACCESS EXCLUSIVE MODE")
    on.rows(f'CREATE TABLE entry_{era} PARTITION OF entry (PRIMARY KEY ("user", number)) FOR VALUES IN ({era})')
    on.rows(f"ALTER TABLE entry ALTER COLUMN era SET DEFAULT {era}")


def _is_old_era(_: Connection, __: int, following: int, before: int) -> bool:
    """It ended when the following one began."""
    return following * MINUTE < before
