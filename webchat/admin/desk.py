"""The operator's desk: the database of the settings, opened beside the workers that may serve it.

What is written goes through the engine's own committer, with its rings, so that whoever is parked hears of it at once:
through the Redis of the settings or the bundled Valkey of the data folder. Where neither answers, workers find by their
clock what they were not told.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar
from urllib.parse import quote

import click

from webchat.data.bus_redis import ring_once
from webchat.data.database import open_committer, open_engine, prepare, sqlite_path
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.entities.feed import Ring
from webchat.errors import ChatError, Invalid, SetupError
from webchat.exits import BAD_CONFIGURATION, CANNOT_START, REFUSED, die, load
from webchat.logic.operators import By
from webchat.settings import Settings
from workers.embedded import socket_path

T = TypeVar("T")

LEFT = "webchat: the folder of files is not to be had now; the workers' sweep removes the bytes within two days"
UNHEARD = "webchat: the doorbell was not reached; running workers notice within half a minute"


class Desk:
    """Raises SetupError where there is no such database."""

    def __init__(self, settings: Settings) -> None:
        path = sqlite_path(settings)
        if path and not path.exists():
            raise SetupError(f"there is no database at {path}")
        prepare(settings)
        self._settings = settings
        self._engine = open_engine(settings)
        self._rings: list[Ring] = []
        self._committer = open_committer(self._engine, self._rings.extend)
        self._committer.start()
        self.store = Store(self._engine.reader)

    def act(self, work: Callable[[Transaction, By], T]) -> T:
        """Run `work` in a transaction, and ring for it."""
        by = By(who(), now_ms())
        result = self._committer.submit(lambda tx: work(tx, by))
        url = self._doorbell()
        if self._rings and url and not ring_once(url, self.store.epoch(), self._rings):
            click.echo(UNHEARD, err=True)
        self._rings.clear()
        return result

    def forget(self, digests: Sequence[str]) -> None:
        """Remove the bytes of files that were deleted, and that nobody else has, as a worker would."""
        if not digests:
            return
        from webchat.node import open_files  # it brings all of the logic

        # A folder that is not there is one that is not mounted: nobody makes another one here.
        there = self._settings.files_folder.is_dir()
        if not there or not open_files(self._settings, self.store, self._committer).forget(digests):
            click.echo(LEFT, err=True)

    def close(self) -> None:
        self._committer.stop()
        self._engine.close()

    def _doorbell(self) -> str:
        """Where workers hear; empty where there is no sign of any."""
        if self._settings.redis_url:
            return self._settings.redis_url
        path = socket_path(self._settings.folder / "run")
        return f"unix://{quote(str(path))}" if path.exists() else ""


@contextlib.contextmanager
def desk(data: str | None) -> Iterator[Desk]:
    """For one command. What goes wrong ends it, in one line."""
    settings = load(data=data)
    try:
        opened = Desk(settings)
    except SetupError as error:
        die(error, CANNOT_START)
    try:
        yield opened
    except ChatError as error:
        die(error, BAD_CONFIGURATION if isinstance(error, Invalid) else REFUSED)
    finally:
        opened.close()


def who() -> str:
    """The operating system's user, also behind `sudo`, and the host."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in a container
        user = f"uid {os.getuid()}"
    behind = os.environ.get("SUDO_USER")
    return f"{behind} as {user}@{socket.gethostname()}" if behind else f"{user}@{socket.gethostname()}"


def now_ms() -> int:
    return time.time_ns() // 1_000_000
