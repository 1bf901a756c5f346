"""Backup and restore of a SQLite database.

A backup is taken while the server runs. A restored database gets a new epoch: no cursor that was given since
the backup can be continued, so every client is answered `reset` and loads the snapshot by itself. Whoever was
logged in when the backup was taken is logged in again, also where a session was ended since.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import apsw

from webchat.data.database import migrate, path_of
from webchat.data.engine_sqlite import alone
from webchat.errors import SetupError
from webchat.settings import Settings

PAGES = 1024  # copied at a time: between two steps the server's writers get their turn


def backup(settings: Settings, target: Path) -> None:
    """Copy the database, as of one moment, to the new file `target`. Raises SetupError."""
    source = path_of(settings)
    if not source.exists():
        raise SetupError(f"there is no database at {source}")
    if target.exists():
        raise SetupError(f"{target} is there already; a backup never overwrites")
    half = target.with_name(target.name + ".half")
    try:
        half.unlink(missing_ok=True)
        with _opened(source) as live, _opened(half) as copy:
            with copy.backup("main", live, "main") as process:
                while not process.done:
                    process.step(PAGES)
            copy.execute("PRAGMA journal_mode = delete")  # one file, complete in itself
        _sync(half)
        half.rename(target)
    except (OSError, apsw.Error) as error:
        half.unlink(missing_ok=True)
        raise SetupError(f"the backup to {target} failed: {error}") from None


def restore(settings: Settings, backup_file: Path) -> str:
    """Put the backup in the database's place; its new epoch. The server must not run. Raises SetupError."""
    target = path_of(settings)
    if not backup_file.exists():
        raise SetupError(f"there is no backup {backup_file}")
    _check(backup_file)  # before anything is touched
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(target.name + ".half")
    with alone(target):
        try:
            half.unlink(missing_ok=True)
            with (
                _opened(backup_file, apsw.SQLITE_OPEN_READONLY) as saved,
                _opened(half) as copy,
                copy.backup("main", saved, "main") as process,
            ):
                process.step()
            migrate(half)
            epoch = _begin_epoch(half)
            for leftover in ("-wal", "-shm"):
                target.with_name(target.name + leftover).unlink(missing_ok=True)
            half.replace(target)
            _sync(target.parent)
        except (OSError, apsw.Error) as error:
            raise SetupError(f"the backup {backup_file} cannot be restored: {error}") from None
        finally:
            half.unlink(missing_ok=True)
    return epoch


def _check(backup_file: Path) -> None:
    """Raises SetupError where the file cannot be a backup of this chat."""
    try:
        with _opened(backup_file, apsw.SQLITE_OPEN_READONLY) as saved:
            found = list(saved.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'"))
    except apsw.NotADBError:
        found = []
    except apsw.Error as error:
        raise SetupError(f"the backup {backup_file} cannot be read: {error}") from None
    if not found:
        raise SetupError(f"{backup_file} is no backup of this chat")


@contextlib.contextmanager
def _opened(path: Path, flags: int = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE) -> Iterator[apsw.Connection]:
    connection = apsw.Connection(str(path), flags=flags)
    connection.set_busy_timeout(5_000)
    try:
        yield connection
    finally:
        connection.close()


def _begin_epoch(path: Path) -> str:
    """Nobody polls, no worker lives, and no cursor is good any more."""
    epoch = secrets.token_hex(6)
    with _opened(path) as connection:
        connection.execute("PRAGMA synchronous = full")
        with connection:
            connection.execute("UPDATE meta SET value = ? WHERE key = 'epoch'", (epoch,))
            connection.execute("DELETE FROM worker")
            connection.execute("DELETE FROM presence")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = delete")
    _sync(path)
    return epoch


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
