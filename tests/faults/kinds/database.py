"""The database locked by somebody else, or full."""

from __future__ import annotations

import subprocess
import sys

from tests.faults.databases import Postgres
from tests.faults.kinds.kind import Kind
from tests.faults.plants.disk import FULL
from webchat.data.database import path_of
from workers.processes import spawn

HELD = 3.0  # seconds
_HOLD = """
import apsw, sys, time
connection = apsw.Connection(sys.argv[1])
connection.set_busy_timeout(5000)
connection.execute("BEGIN IMMEDIATE")
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""


class WriteLock(Kind):
    """a foreign process holds the write lock for 3 s"""

    engines = ("sqlite",)
    lasts = (HELD, HELD)
    stalls = HELD + 1
    promise = 2.0

    def inject(self) -> None:
        words = [sys.executable, "-c", _HOLD, str(path_of(self.stage.settings)), str(HELD)]
        self.holder: subprocess.Popen[bytes] = spawn(words)

    def heal(self) -> None:
        try:
            self.holder.wait(5)
        except subprocess.TimeoutExpired:
            self.holder.kill()
            self.holder.wait()


class _Postgres(Kind):
    engines = ("postgres",)
    stalls = 4.0
    promise = 3.0

    @property
    def database(self) -> Postgres:
        assert isinstance(self.stage.database, Postgres)
        return self.stage.database


class DatabaseRestart(_Postgres):
    """PostgreSQL ends all sessions, stops, and starts again"""

    lasts = (0.5, 2.0)
    promise = 5.0

    def inject(self) -> None:
        if self.database.server is not None:
            self.database.server.stop()

    def heal(self) -> None:
        if self.database.server is not None:
            self.database.server.start()


class SessionsEnded(_Postgres):
    """pg_terminate_backend for every session"""

    def inject(self) -> None:
        self.database.end_sessions()


class DiskFull(Kind):
    """SQLITE_FULL: sends are refused with 503, and all else goes on"""

    engines = ("sqlite",)
    lasts = (2.0, 3.0)
    stalls = 3.0  # what was refused waits as long as it was told
    promise = 3.0

    def inject(self) -> None:
        self.stage.switches.on(FULL)

    def heal(self) -> None:
        self.stage.switches.off(FULL)
