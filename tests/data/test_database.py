"""Creating, migrating and refusing databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from webchat.data.database import path_of, prepare
from webchat.data.engine_sqlite import SqliteConnection
from webchat.data.schema import MIGRATIONS
from webchat.errors import SetupError
from webchat.settings import Settings


def migrations() -> list[str]:
    """The names of all there are, in their order."""
    return sorted(path.stem for path in MIGRATIONS.glob("[0-9]*.py"))


def settings_for(folder: Path, **more: str) -> Settings:
    return Settings.load({}, data=str(folder), **more)


def test_a_first_start_creates_and_a_second_finds_nothing_to_do(tmp_path: Path) -> None:
    assert prepare(settings_for(tmp_path)) == migrations()
    assert prepare(settings_for(tmp_path)) == []


def test_a_newer_database_is_served_unless_it_needs_what_we_do_not_know(tmp_path: Path) -> None:
    prepare(settings_for(tmp_path))
    change(tmp_path, "INSERT INTO schema_migration (name, applied) VALUES ('0999_future', '2030-01-01')")
    assert prepare(settings_for(tmp_path)) == []
    change(tmp_path, "UPDATE meta SET value = '0999_future' WHERE key = 'needs'")
    with pytest.raises(SetupError, match="it needs 0999_future"):
        prepare(settings_for(tmp_path))
    change(tmp_path, "UPDATE meta SET value = '0003_talk_and_people' WHERE key = 'needs'")
    assert prepare(settings_for(tmp_path)) == []
    change(tmp_path, "DELETE FROM meta WHERE key = 'needs'")
    with pytest.raises(SetupError, match="it needs 0999_future"):
        prepare(settings_for(tmp_path))


def change(folder: Path, statement: str) -> None:
    connection = SqliteConnection(folder / "webchat.db", 1)
    connection.rows(statement)
    connection.database.close()


def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "webchat.db").write_bytes(b"a diary, not a database\n" * 100)
    with pytest.raises(SetupError, match="cannot be opened"):
        prepare(settings_for(tmp_path))


def test_a_url_names_another_file(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, database_url=f"sqlite:///{tmp_path}/elsewhere/chat.db")
    prepare(settings)
    assert path_of(settings) == tmp_path / "elsewhere" / "chat.db"
    assert path_of(settings).exists()
    with pytest.raises(SetupError, match="only sqlite:///PATH and postgresql://"):
        path_of(settings_for(tmp_path, database_url="mysql://host/chat"))
