"""Bytes of files, each kept once under the SHA-256 of what it is: FILES/ab/cdef….

A file comes into being whole: it is written under a name that nobody asks for, synced, and renamed. What is made of
it (`versions`: a thumbnail) stands beside it, under its name with a suffix, and can be made again.

A file may go when no row names it. Between the rename and the commit of its row there is none: whoever is there
holds the folder's lock shared (`stay`), whoever removes holds it alone (`alone`). The lock is a file's, so it holds
between processes, and between hosts where the shared folder knows locks (NFS 4 does).

Everything here blocks: call it on a thread.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

SHARDS = 256  # folders: 00 … ff
TEMPORARY = "tmp"
LOCK = "lock"
_NAME = re.compile(r"([0-9a-f]{62})(\.[a-z]+)?")


class Incoming:
    """A file that is being received, under a name of its own; `drop` it whatever happens."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0  # bytes so far
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._hash = hashlib.sha256()

    def write(self, piece: bytes) -> None:
        self._hash.update(piece)
        self.size += len(piece)
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def settle(self) -> str:
        """All of it is here: put it on the disk; its digest."""
        os.fsync(self._file)
        return self._hash.hexdigest()

    def drop(self) -> None:
        """Let go of it; nothing is left unless it was kept."""
        os.close(self._file)
        self.path.unlink(missing_ok=True)


class Blobs:
    """See the module. `folder` is made when the first file comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str, version: str = "") -> Path:
        return self.folder / digest[:2] / (digest[2:] + (f".{version}" if version else ""))

    # --- into the folder

    def receive(self) -> Incoming:
        temporary = self._made(self.folder / TEMPORARY)
        return Incoming(temporary / secrets.token_hex(16))

    def keep(self, incoming: Incoming, digest: str, version: str = "") -> None:
        """Give it its name, for good: when this returns, it survives a power cut.

        The same content may be there already. It is replaced: a fresh file is safe from the sweep of old ones.
        """
        target = self.path(digest, version)
        self._made(target.parent)
        incoming.path.replace(target)
        sync(target.parent)

    def keep_version(self, digest: str, version: str, content: bytes) -> None:
        """Something made of the file: not synced, it can be made again."""
        incoming = self.receive()
        try:
            incoming.write(content)
            target = self.path(digest, version)
            self._made(target.parent)
            incoming.path.replace(target)
        finally:
            incoming.drop()

    def _made(self, folder: Path) -> Path:
        if not folder.is_dir():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            sync(self.folder)
        return folder

    # --- out of the folder

    def stay(self) -> int | None:
        """While this descriptor is open, nothing is removed; None where something is just being removed."""
        return self._locked(fcntl.LOCK_SH)

    def alone(self) -> int | None:
        """While this descriptor is open, nobody else keeps or removes; None where somebody does."""
        return self._locked(fcntl.LOCK_EX)

    def _locked(self, how: int) -> int | None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def remove(self, digest: str, before: float) -> None:
        """Remove the file and all versions of it, unless one of them was written since (Unix time in seconds)."""
        folder = self.path(digest).parent
        found = [path for path in folder.glob(f"{digest[2:]}*") if _NAME.fullmatch(path.name)]
        with contextlib.suppress(FileNotFoundError):
            if all(path.stat().st_mtime <= before for path in found):
                for path in found:
                    path.unlink(missing_ok=True)

    def older(self, shard: int, before: float) -> list[str]:
        """The digests of one of `SHARDS` parts of the folder under which nothing was written since."""
        name = f"{shard:02x}"
        newest: dict[str, float] = {}
        for entry in _entries(self.folder / name):
            match = _NAME.fullmatch(entry.name)
            if match:
                with contextlib.suppress(FileNotFoundError):
                    digest = name + match[1]
                    newest[digest] = max(newest.get(digest, 0.0), entry.stat().st_mtime)
        return [digest for digest, written in newest.items() if written <= before]

    def drop_temporaries(self, age: float) -> int:
        """Remove what was left by a process that died: written to for the last time `age` seconds ago; how many."""
        left = 0
        before = time.time() - age
        for entry in _entries(self.folder / TEMPORARY):
            with contextlib.suppress(FileNotFoundError):
                if entry.stat().st_mtime <= before:
                    Path(entry.path).unlink()
                    left += 1
        return left


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from found
    except FileNotFoundError:
        return


def sync(folder: Path) -> None:
    """The names in the folder are on the disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
