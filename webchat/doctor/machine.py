"""The machine: open files, the disk under the data folder, and who may read it."""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from webchat.data.database import is_postgres, sqlite_path
from webchat.doctor.finding import Finding, ok, problem, seconds, warning
from webchat.settings import Settings
from workers.launcher import FILES_BESIDE
from workers.listening import BACKLOG

SYNCS = 15  # of which the median counts
SLOW_SYNC = 0.02  # seconds: a commit waits for one, and senders with it
LOW, EMPTY = 2 << 30, 256 << 20  # bytes free
SOMAXCONN = Path("/proc/sys/net/core/somaxconn")
MOUNTS = Path("/proc/self/mounts")
# Their locks and shared memory do not do what SQLite's WAL needs of them.
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse.glusterfs", "ceph", "lustre")


def examine(settings: Settings) -> Iterator[Finding]:
    yield from open_files(settings)
    yield from queue()
    yield from files(settings)
    folder = settings.folder
    if not folder.is_dir():
        yield ok("data folder", f"{folder} is not there yet; the first start makes it")
        return
    yield from privacy(settings)
    yield from space(folder)
    if os.access(folder, os.W_OK):
        yield from syncs(folder)
    yield from file_system(settings)


def open_files(settings: Settings) -> Iterator[Finding]:
    part, wanted = "open files", settings.connections + FILES_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        yield problem(
            part,
            f"the hard limit is {hard:,}: a worker will take {max(1, hard - FILES_BESIDE):,} connections and not "
            f"{settings.connections:,}",
            f"LimitNOFILE={wanted} in the service, or `ulimit -Hn {wanted}` before the start",
        )
    else:
        shown = "no limit" if hard == resource.RLIM_INFINITY else f"{hard:,}"
        yield ok(part, f"a worker needs {wanted:,}; the hard limit is {shown} (soft: {soft:,}, raised at the start)")


def queue() -> Iterator[Finding]:
    try:
        allowed = int(SOMAXCONN.read_text())
    except (OSError, ValueError):
        return
    if allowed < BACKLOG:
        yield warning(
            "connections",
            f"the kernel lets {allowed:,} connections wait to be taken: when all come back at once, some are refused",
            f"sysctl -w net.core.somaxconn={BACKLOG}",
        )


def privacy(settings: Settings) -> Iterator[Finding]:
    """What people say is the business of the one user that runs the server."""
    part = "data folder"
    paths = [settings.folder, settings.folder / "run"]
    if database := sqlite_path(settings):
        paths += [database, *database.parent.glob(f"{database.name}-*")]
    open_to_others = [path for path in paths if path.exists() and path.stat().st_mode & 0o077]
    # Within a folder that nobody else can enter, a mode says nothing.
    if settings.folder.stat().st_mode & 0o077 and open_to_others:
        yield warning(
            part,
            f"others on this machine may read {', '.join(map(str, open_to_others))}",
            f"chmod 700 {settings.folder}",
        )
    else:
        yield ok(part, f"{settings.folder} is closed to others")
    owner = settings.folder.stat().st_uid
    if os.geteuid() not in (owner, 0):
        yield problem(
            part,
            f"{settings.folder} belongs to user {owner}, and you are user {os.geteuid()}",
            "run this, and the server, as the user to whom the data belongs",
        )
    elif os.geteuid() == 0 and not settings.on_loopback:
        yield warning(
            part,
            "the server would run as root",
            "make a user for it, as deploy/systemd/webchat.service does; ports below 1024 are the proxy's business",
        )


def files(settings: Settings) -> Iterator[Finding]:
    """Where uploads go: to all hosts the same place, to which all can write."""
    part, folder = "files", settings.files_folder
    if is_postgres(settings) and not settings.files:
        yield warning(
            part,
            f"uploads lie in {folder}: other hosts on the same database will not find them",
            "WEBCHAT_FILES, with a folder that all hosts share (NFS 4, or anything that has file locks)",
        )
    if not folder.exists():
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield problem(part, f"{folder} cannot be written to", f"let it belong to the server's user: chown {folder}")
    elif settings.files:
        yield ok(part, f"uploads go to {folder}, with {shutil.disk_usage(folder).free / (1 << 30):.1f} GiB free")


def space(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free
    says = f"{free / (1 << 30):.1f} GiB are free under {folder}"
    if free < EMPTY:
        yield problem("disk", says, "make room: with a full disk every send is refused")
    elif free < LOW:
        yield warning("disk", says, "make room soon: with a full disk every send is refused")
    else:
        yield ok("disk", says)


def syncs(folder: Path) -> Iterator[Finding]:
    """How long the disk takes to make a page durable: no commit is quicker."""
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(SYNCS):
            file.write(bytes(4096))
            file.flush()
            started = time.perf_counter()
            os.fdatasync(file.fileno()) if hasattr(os, "fdatasync") else os.fsync(file.fileno())
            taken.append(time.perf_counter() - started)
    median = statistics.median(taken)
    says = f"a sync takes {seconds(median)} (median of {SYNCS}; the longest {seconds(max(taken))})"
    if median > SLOW_SYNC:
        yield warning("disk", says, "a quicker disk for the data folder: no message is confirmed before its sync")
    else:
        yield ok("disk", says)


def file_system(settings: Settings) -> Iterator[Finding]:
    database = sqlite_path(settings)
    if database is None or not MOUNTS.exists():
        return
    mounts = [line.split()[1:3] for line in MOUNTS.read_text().splitlines()]
    under = [(where, kind) for where, kind in mounts if database.is_relative_to(where.replace("\\040", " "))]
    where, kind = max(under, key=lambda mount: len(mount[0]), default=("/", ""))
    if kind in REMOTE:
        yield problem(
            "disk",
            f"{database} is on {kind} ({where}): SQLite's log needs the locks and the memory of one machine",
            "a local disk for the data folder, or PostgreSQL",
        )
