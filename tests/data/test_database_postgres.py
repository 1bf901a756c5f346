"""Creating, migrating and refusing PostgreSQL databases."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import psycopg
import pytest

from tests.data.test_database import migrations
from tests.postgres import Databases
from webchat.data import database_postgres, demo, postgres_pool
from webchat.data.backup import backup
from webchat.data.database import open_engine, prepare, without_password
from webchat.data.engine_postgres import PostgresEngine
from webchat.data.store import Store
from webchat.entities.feed import Cursor
from webchat.errors import SetupError
from webchat.settings import PROJECT, Settings


def test_nodes_that_start_together_migrate_once(postgres_databases: Databases) -> None:
    url = postgres_databases.empty()
    with multiprocessing.get_context("spawn").Pool(3) as nodes:
        applied = sorted(nodes.map(_prepare, [url] * 3))
    assert applied == [[], [], migrations()]
    assert prepare(Settings(database_url=url)) == []


def _prepare(url: str) -> list[str]:
    return prepare(Settings(database_url=url))


def test_a_newer_database_is_served_unless_it_needs_what_we_do_not_know(postgres_databases: Databases) -> None:
    url = postgres_databases.migrated()
    with psycopg.connect(url) as admin:
        admin.execute("INSERT INTO schema_migration (name, applied) VALUES ('0999_future', '2030-01-01')")
    assert prepare(Settings(database_url=url)) == []
    with psycopg.connect(url) as admin:
        admin.execute("UPDATE meta SET value = '0999_future' WHERE key = 'needs'")
    with pytest.raises(SetupError, match="newer release"):
        prepare(Settings(database_url=url))


def test_another_encoding_is_refused_in_words(postgres_databases: Databases) -> None:
    name = "webchat_test_latin"
    with psycopg.connect(postgres_databases.url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'".encode())
        try:
            with pytest.raises(SetupError, match="ENCODING 'UTF8'"):
                prepare(Settings(database_url=postgres_databases.url.replace("/postgres?", f"/{name}?")))
        finally:
            admin.execute(f"DROP DATABASE {name}".encode())


def test_a_role_that_may_make_nothing_temporary_is_told_so(postgres_databases: Databases) -> None:
    url = postgres_databases.migrated()
    with psycopg.connect(url) as admin:
        admin.execute("CREATE ROLE guest LOGIN")
        admin.execute("REVOKE TEMPORARY ON DATABASE " + admin.info.dbname + " FROM PUBLIC")
        admin.execute("GRANT ALL ON SCHEMA public TO guest")
    try:
        with pytest.raises(SetupError, match="GRANT TEMPORARY"):
            prepare(Settings(database_url=url + "&user=guest"))
    finally:
        with psycopg.connect(url) as admin:
            admin.execute("DROP OWNED BY guest")
            admin.execute("DROP ROLE guest")


def test_a_server_that_is_not_there_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_postgres, "PATIENCE", 0.1)
    with pytest.raises(SetupError, match="cannot be reached") as refused:
        prepare(Settings(database_url="postgresql://chat:s3cret@127.0.0.1:1/chat"))
    assert "s3cret" not in refused.value.detail
    assert "chat:***@127.0.0.1:1/chat" in refused.value.detail


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann@host/chat", "postgresql://ann@host/chat"),
        ("postgresql://ann:a%40b@host/chat", "postgresql://ann:***@host/chat"),
        ("postgresql://ann:x@[bad/chat", "postgresql://…"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_a_restored_database_gets_a_new_epoch_by_the_documented_statements(postgres_databases: Databases) -> None:
    url = postgres_databases.migrated()
    engine = PostgresEngine(url, 4)
    before = Store(engine.reader).epoch()
    document = (PROJECT / "docs" / "decisions" / "009-postgresql.md").read_text(encoding="utf-8")
    with psycopg.connect(url) as admin:
        admin.execute(document.split("```sql\n")[1].split("```")[0].encode())
    after = Store(engine.reader).epoch()
    assert after != before
    assert Cursor.parse(f"{after}.1.0.0"), "it has the form of an epoch"
    engine.close()


def test_a_backup_is_the_servers_own_business(postgres_databases: Databases, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="for SQLite alone"):
        backup(Settings(database_url=postgres_databases.url), tmp_path / "file")


def test_demo_accounts_are_never_made_there(postgres_databases: Databases) -> None:
    settings = Settings(database_url=postgres_databases.migrated())
    assert demo.ensure(settings) is False
    engine = open_engine(settings)
    assert Store(engine.reader).demo_users() == []
    engine.close()
    assert demo.remove(settings) == []


def test_of_several_hosts_only_one_that_takes_writes_will_do() -> None:
    assert postgres_pool.parameters("postgresql://me@a,b/chat")["target_session_attrs"] == "read-write"
    assert "target_session_attrs" not in postgres_pool.parameters("postgresql://me@a/chat")
    for wanted in ("any", "prefer-standby"):
        with pytest.raises(SetupError, match="may lead to a standby"):
            prepare(Settings(database_url=f"postgresql://me@a,b/chat?target_session_attrs={wanted}"))
