"""A PostgreSQL standby (see `webchat.data.replica`), and how we know that it follows the primary that we write to.

After a failover a standby may have got ahead of the new primary, or gone on with the old one: its feeds are then as
long as they should be, and say something else. So the primary is given a **pulse**, a new token every second, which no
other primary can have; and a standby is read only where it shows a pulse that was given since our youngest connection
to the primary was opened. The pulse and the length of the feed are asked for in one statement, on the connection that
the read then uses: a standby only goes forward, and behind one address may be several.

The time of day does not come into it. The lag is how long ago we first saw, at the primary, what the standby lacks.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import structlog

from webchat.data.committer import Committer
from webchat.data.duty import Duty
from webchat.data.engine_postgres import PostgresConnection, PostgresEngine
from webchat.data.postgres_pool import ANY, Pool, Timeouts
from webchat.data.replica import Behind
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.errors import Unavailable

T = TypeVar("T")

# Seconds. Short, because whoever waits for a standby in vain then waits for the primary as well.
IMPATIENT = Timeouts(statement=1.0, lock=1.0, patience=0.1)
BELIEVED = 3.0  # seconds for which a look is believed; they come every second
LAG_MAX = 10.0  # seconds; one that lags for longer is not asked: it would not be up to most of its reads
PULSES = 60  # that are remembered

_PULSE = "SELECT value FROM meta WHERE key = 'pulse'"
_GIVE = "INSERT INTO meta (key, value) VALUES ('pulse', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_HAS = f'SELECT COALESCE((SELECT last FROM feed WHERE "user" = ?), 0), ({_PULSE})'  # noqa: S608  ours

log = structlog.get_logger()


class _Pulse(NamedTuple):
    token: str
    seen_at: float  # at the primary, by us, first (monotonic)


class PostgresReplica:
    """One worker's. Who has the `duty` gives the primary its pulse."""

    def __init__(self, url: str, size: int, engine: PostgresEngine, committer: Committer, duty: Duty) -> None:
        self._pool = Pool(url, size, IMPATIENT, hosts=ANY)
        self._engine = engine
        self._primary = Store(engine.reader)
        self._committer = committer
        self._duty = duty
        self._pulses: deque[_Pulse] = deque(maxlen=PULSES)
        self._usable_until = 0.0
        self.reads = self.behind = self.failures = 0
        self.lag = 0.0

    @property
    def usable(self) -> bool:
        return time.monotonic() < self._usable_until

    def close(self) -> None:
        self._pool.close()

    # --- reading

    def read(self, user: int, question: Callable[[Store], T], otherwise: Callable[[], T]) -> T:
        if self.usable:
            mark = self._primary.bounds(user).last
            try:
                answer = self._read(user, mark, question)
            except Behind:
                self.behind += 1
            except Unavailable as error:
                self._give_up(error)
            else:
                self.reads += 1
                return answer
        return otherwise()

    def _read(self, user: int, mark: int, question: Callable[[Store], T]) -> T:
        with self._pool.lease() as session:
            connection = PostgresConnection.of(session)
            last, token = connection.rows(_HAS, (user,))[0]
            if last < mark or not self._follows(token):
                raise Behind
            return question(Store(connection))

    def _follows(self, token: str | None) -> bool:
        """Whether this pulse was given to the primary that we are connected to now.

        It was, if we had seen the one before it there.
        """
        before = None
        for pulse in self._pulses:
            if pulse.token == token:
                return before is not None and before.seen_at > self._engine.connected_at
            before = pulse
        return False

    # --- looking

    def look(self) -> None:
        if self._duty.held:
            self._committer.submit(_give_pulse)
        rows = self._primary.on.rows(_PULSE)
        now = time.monotonic()
        if rows and (not self._pulses or self._pulses[-1].token != rows[0][0]):
            self._pulses.append(_Pulse(rows[0][0], now))
        try:
            with self._pool.lease() as session:
                shown = PostgresConnection.of(session).rows(_PULSE)
        except Unavailable as error:
            self._give_up(error)
            return
        self._judge(shown[0][0] if shown else None)

    def _judge(self, token: str | None) -> None:
        now = time.monotonic()
        lacking = [pulse.seen_at for pulse in self._pulses]
        for number, pulse in enumerate(self._pulses, 1):
            if pulse.token == token:
                lacking = lacking[number:]
                break
        self.lag = now - lacking[0] if lacking else 0.0
        if self.lag <= LAG_MAX and self._follows(token):
            if not self.usable:
                log.info("replica in use", lag=round(self.lag, 3))
            self._usable_until = now + BELIEVED

    def _give_up(self, error: Unavailable) -> None:
        """Until the next look that goes well."""
        self.failures += 1
        if self.usable:
            log.warning("replica gone", error=error.detail)
        self._usable_until = 0.0


def _give_pulse(tx: Transaction) -> None:
    tx.on.rows(_GIVE, (secrets.token_hex(8),))
