"""Rate limits. Counted in each worker's memory: a limit costs no round trip and needs no Redis.

A node of W workers thus admits up to W times as much; the limits are there against floods and guessing,
where a factor of a few does not matter.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import Counter
from collections.abc import Iterator

import limits
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from webchat.errors import SetupError, TooMany, WrongCredentials
from webchat.settings import Settings

NAME_MAX = 64  # characters of a name that are remembered; none is longer, but anything can be sent
UNDER_WAY_MAX = 8  # log-ins of one address in one worker at the same time
PER_ADDRESS = 10  # failed log-ins per address, as a multiple of those per name: an office shares one address


class RateLimits:
    """The limits of the settings, e.g. `20/minute`."""

    def __init__(self, settings: Settings) -> None:
        self._windows = FixedWindowRateLimiter(MemoryStorage())
        self._register = _parse("limit_register", settings.limit_register)
        self._login = _parse("limit_login", settings.limit_login)
        self._login_address = type(self._login)(
            self._login.amount * PER_ADDRESS, self._login.multiples, namespace=self._login.namespace
        )
        self._send = _parse("limit_send", settings.limit_send)
        self._friends = _parse("limit_friends", settings.limit_friends)
        self._under_way: Counter[str] = Counter()

    def register(self, address: str) -> None:
        """Count a registration. Raises TooMany."""
        self._count(self._register, "register", address)

    @contextlib.contextmanager
    def logging_in(self, name: str, address: str) -> Iterator[None]:
        """Around the check of a password. Raises TooMany.

        An attempt counts before the password is looked at: a hash takes long, and guesses made meanwhile must
        count. The owner's log-in forgives the name's attempts. One address may have a few under way at once, so
        that it cannot fill the queue in which all wait.
        """
        if self._under_way[address] >= UNDER_WAY_MAX:
            raise TooMany("too many log-ins at once; try again in 1 s", retry_after=1)
        if not self._windows.test(self._login_address, "address", address):
            raise self._too_many(self._login_address, "address", address)
        key = ("name", name.lower()[:NAME_MAX])
        self._count(self._login, *key)
        self._under_way[address] += 1
        try:
            yield
        except WrongCredentials:
            self._windows.hit(self._login_address, "address", address)
            raise
        finally:
            self._under_way[address] -= 1
            if not self._under_way[address]:
                del self._under_way[address]
        self._windows.clear(self._login, *key)

    def friends(self, user: int) -> None:
        """Count a change of a friendship: each tells somebody else. Raises TooMany."""
        self._count(self._friends, "friends", str(user))

    def send(self, user: int) -> None:
        """Count a send. Raises TooMany."""
        self._count(self._send, "send", str(user))

    def _count(self, limit: limits.RateLimitItem, *key: str) -> None:
        if not self._windows.hit(limit, *key):
            raise self._too_many(limit, *key)

    def _too_many(self, limit: limits.RateLimitItem, *key: str) -> TooMany:
        ends_at, _ = self._windows.get_window_stats(limit, *key)
        wait = max(1, math.ceil(ends_at - time.time()))
        return TooMany(f"too many at once; try again in {wait} s", retry_after=wait)


def _parse(name: str, text: str) -> limits.RateLimitItem:
    try:
        return limits.parse(text)
    except ValueError:
        raise SetupError(f"WEBCHAT_{name.upper()}={text}: not a limit; write it like `20/minute`") from None
