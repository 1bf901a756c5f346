"""Rate limits. Counted in each worker's memory: a limit costs no round trip and needs no Redis.

A node of W workers thus admits up to W times as much; the limits are there against floods and guessing,
where a factor of a few does not matter.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator

import limits

from webchat.errors import SetupError, TooMany, WrongCredentials
from webchat.settings import Settings

NAME_MAX = 64  # characters of a name that are remembered; none is longer, but anything can be sent
UNDER_WAY_MAX = 8  # log-ins of one address in one worker at the same time
SWEEP_EVERY = 30.0  # seconds
PER_ADDRESS = 10  # failed log-ins per address, as a multiple of those per name: an office shares one address


class RateLimits:
    """The limits of the settings, e.g. `20/minute`."""

    def __init__(self, settings: Settings) -> None:
        self._register = _windows("limit_register", settings.limit_register)
        self._login = _windows("limit_login", settings.limit_login)
        self._login_address = _windows("limit_login", settings.limit_login, PER_ADDRESS)
        self._send = _windows("limit_send", settings.limit_send)
        self._friends = _windows("limit_friends", settings.limit_friends)
        self._export = _windows("limit_export", settings.limit_export)
        self._upload = _windows("limit_upload", settings.limit_upload)
        self._typing = _windows("limit_typing", settings.limit_typing)
        self._under_way: Counter[str] = Counter()

    def register(self, address: str) -> None:
        """Count a registration. Raises TooMany."""
        self._register.count(address)

    @contextlib.contextmanager
    def logging_in(self, name: str, address: str) -> Iterator[None]:
        """Around the check of a password. Raises TooMany.

        An attempt counts before the password is looked at: a hash takes long, and guesses made meanwhile must
        count. The owner's log-in forgives the name's attempts. One address may have a few under way at once, so
        that it cannot fill the queue in which all wait.
        """
        if self._under_way[address] >= UNDER_WAY_MAX:
            raise TooMany("too many log-ins at once; try again in 1 s", retry_after=1)
        self._login_address.check(address)
        key = name.lower()[:NAME_MAX]
        self._login.count(key)
        self._under_way[address] += 1
        try:
            yield
        except WrongCredentials:
            self._login_address.hit(address)
            raise
        finally:
            self._under_way[address] -= 1
            if not self._under_way[address]:
                del self._under_way[address]
        self._login.forgive(key)

    def friends(self, user: int) -> None:
        """Count a change of a friendship or a group: each tells somebody else. Raises TooMany."""
        self._friends.count(user)

    def export(self, user: int) -> None:
        """Count a download of all of one's data. Raises TooMany."""
        self._export.count(user)

    def send(self, user: int) -> None:
        """Count a send. Raises TooMany."""
        self._send.count(user)

    def upload(self, user: int) -> None:
        """Count an upload. Raises TooMany."""
        self._upload.count(user)

    def typing(self, user: int) -> None:
        """Count a sign of typing. Raises TooMany."""
        self._typing.count(user)


class Windows:
    """Fixed windows of one limit: a key's first hit opens one; in it the limit's number of hits counts.

    The library that reads the limits has this too, but its store in memory starts a thread every ten milliseconds
    while it is used: that cost a send more than all else that a worker does for it.
    """

    def __init__(self, amount: int, seconds: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._amount = amount
        self._seconds = seconds
        self._clock = clock
        self._open: dict[Hashable, tuple[float, int]] = {}  # key → when its window ends, hits in it
        self._swept_at = 0.0

    def count(self, key: Hashable) -> None:
        """One hit. Raises TooMany."""
        if not self.hit(key):
            raise self._too_many(key)

    def check(self, key: Hashable) -> None:
        """Raises TooMany where one more hit would be too many."""
        ends_at, hits = self._open.get(key, _NEVER)
        if hits >= self._amount and ends_at > self._clock():
            raise self._too_many(key)

    def hit(self, key: Hashable) -> bool:
        """Count one, if there is room for it."""
        now = self._clock()
        ends_at, hits = self._open.get(key, _NEVER)
        if ends_at <= now:
            self._sweep(now)
            ends_at, hits = now + self._seconds, 0
        if hits >= self._amount:
            return False
        self._open[key] = (ends_at, hits + 1)
        return True

    def forgive(self, key: Hashable) -> None:
        self._open.pop(key, None)

    def _too_many(self, key: Hashable) -> TooMany:
        wait = max(1, math.ceil(self._open.get(key, _NEVER)[0] - self._clock()))
        return TooMany(f"too many at once; try again in {wait} s", retry_after=wait)

    def _sweep(self, now: float) -> None:
        """Now and then, forget the windows that have ended."""
        if now - self._swept_at > SWEEP_EVERY:
            self._swept_at = now
            self._open = {key: window for key, window in self._open.items() if window[0] > now}


_NEVER = (0.0, 0)


def _windows(name: str, text: str, times: int = 1) -> Windows:
    try:
        limit = limits.parse(text)
    except ValueError:
        raise SetupError(f"WEBCHAT_{name.upper()}={text}: not a limit; write it like `20/minute`") from None
    return Windows(limit.amount * times, limit.get_expiry())
