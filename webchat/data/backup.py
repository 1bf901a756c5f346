"""Backup and restore of a SQLite database, and of the files that its rows name: `saved` and, beside it, `saved.files`.

A backup is taken while the server runs; until it is through, no file is removed. A restored database gets a new
epoch: no cursor that was given since the backup can be continued, so every client is answered `reset` and loads the
snapshot by itself. Whoever was logged in when the backup was taken is logged in again, also where a session was ended
since.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import apsw

from webchat.data.blobs import Blobs, sync
from webchat.data.database import migrate, path_of
from webchat.data.engine_sqlite import alone
from webchat.errors import SetupError
from webchat.settings import Settings

PIECE = 1 << 20  # bytes of a file copied at a time
PAGES = 1024  # copied at a time: between two steps the server's writers get their turn
PATIENCE = 30.0  # seconds that a backup waits for a worker that is just removing files


class Saved(NamedTuple):
    """Files that were copied, and those that are missing where they should have been."""

    files: int
    missing: int


def files_of(backup_file: Path) -> Path:
    """The folder of a backup's files."""
    return backup_file.with_name(backup_file.name + ".files")


def backup(settings: Settings, target: Path) -> Saved:
    """Copy the database, as of one moment, to the new file `target`, and its files beside it. Raises SetupError."""
    source = path_of(settings)
    if not source.exists():
        raise SetupError(f"there is no database at {source}")
    for taken in (target, files_of(target)):
        if taken.exists():
            raise SetupError(f"{taken} is there already; a backup never overwrites")
    half = target.with_name(target.name + ".half")
    half_files = files_of(half)
    try:
        _remove(half, half_files)
        with _nothing_removed(Blobs(settings.files_folder)) as blobs:
            with _opened(source) as live, _opened(half) as copy:
                with copy.backup("main", live, "main") as process:
                    while not process.done:
                        process.step(PAGES)
                copy.execute("PRAGMA journal_mode = delete")  # one file, complete in itself
            saved = _copy_files(half, blobs, Blobs(half_files))
        sync(half)
        if half_files.exists():
            half_files.rename(files_of(target))
        half.rename(target)  # last: it says that all is there
        sync(target.parent)
        return saved
    except (OSError, apsw.Error) as error:
        _remove(half, half_files)
        raise SetupError(f"the backup to {target} failed: {error}") from None


def restore(settings: Settings, backup_file: Path) -> tuple[str, Saved]:
    """Put the backup in the database's place, and its files where they are missing; the new epoch, and what of files.

    The server must not run. Raises SetupError.
    """
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
            files = _copy_files(half, Blobs(files_of(backup_file)), Blobs(settings.files_folder))
            for leftover in ("-wal", "-shm"):
                target.with_name(target.name + leftover).unlink(missing_ok=True)
            half.replace(target)
            sync(target.parent)
        except (OSError, apsw.Error) as error:
            raise SetupError(f"the backup {backup_file} cannot be restored: {error}") from None
        finally:
            half.unlink(missing_ok=True)
    return epoch, files


def _copy_files(database: Path, source: Blobs, target: Blobs) -> Saved:
    """Every file that the database names and that the target does not have, each held against its name.

    A file that is damaged counts as missing: it must not stand in for what it was.
    """
    with _opened(database) as opened:
        if not list(opened.execute("SELECT 1 FROM sqlite_master WHERE name = 'attachment'")):
            return Saved(0, 0)  # of an early release, whose server has not been started since
        digests = [row[0] for row in opened.execute("SELECT DISTINCT digest FROM attachment")]
    copied = missing = 0
    for digest in digests:
        if target.path(digest).exists():
            continue
        incoming = target.receive()
        try:
            with source.path(digest).open("rb") as file:
                while piece := file.read(PIECE):
                    incoming.write(piece)
            whole = incoming.settle() == digest
            if whole:
                target.keep(incoming, digest)
        except FileNotFoundError:
            whole = False
        finally:
            incoming.drop()
        copied += whole
        missing += not whole
    return Saved(copied, missing)


@contextlib.contextmanager
def _nothing_removed(blobs: Blobs) -> Iterator[Blobs]:
    """While workers remove no file: what the copy of the database names is still there."""
    if not blobs.folder.exists():
        yield blobs
        return
    deadline = time.monotonic() + PATIENCE
    while (lock := blobs.stay()) is None:
        if time.monotonic() > deadline:
            raise SetupError(f"the files in {blobs.folder} are being removed all the time; try again")
        time.sleep(0.05)
    try:
        yield blobs
    finally:
        os.close(lock)


def _remove(half: Path, half_files: Path) -> None:
    half.unlink(missing_ok=True)
    shutil.rmtree(half_files, ignore_errors=True)


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
    sync(path)
    return epoch
