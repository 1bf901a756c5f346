"""The demo accounts exist where nobody else can come, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from webchat import settings as settings_module
from webchat.data import demo
from webchat.data.database import open_engine, prepare
from webchat.data.store import Store
from webchat.data.transaction import Transaction
from webchat.errors import SetupError
from webchat.settings import Settings


@pytest.fixture
def default_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default data folder, elsewhere: a test must not touch the real one."""
    monkeypatch.setattr(settings_module, "DEFAULT_DATA", tmp_path / "data")
    return tmp_path / "data"


def settings_for(data: Path, **more: object) -> Settings:
    chosen = Settings.load({}, data=str(data), **more)
    prepare(chosen)
    return chosen


def demo_users(settings: Settings) -> list[str]:
    engine = open_engine(settings)
    try:
        return Store(engine.reader).demo_users()
    finally:
        engine.close()


def test_a_first_start_makes_two_friends_and_a_second_finds_them(default_data: Path) -> None:
    chosen = settings_for(default_data)
    assert demo.ensure(chosen)
    assert demo.ensure(chosen)
    assert demo_users(chosen) == ["liger_zql", "indifferent"]
    engine = open_engine(chosen)
    store = Store(engine.reader)
    (conversation,) = store.conversations(1)
    assert conversation.partner == "indifferent"
    assert [friend.name for friend in store.friends(2)] == ["liger_zql"]
    engine.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_every_name_of_loopback_will_do(default_data: Path, host: str) -> None:
    assert demo.ensure(settings_for(default_data, host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_another_host_never_gets_them_and_refuses_those_it_finds(default_data: Path, host: str) -> None:
    assert not demo.ensure(settings_for(default_data, host=host))
    assert demo_users(settings_for(default_data)) == []
    demo.ensure(settings_for(default_data))
    with pytest.raises(SetupError, match=r"demo remove --data"):
        demo.ensure(settings_for(default_data, host=host))


def test_another_database_never_gets_them_and_refuses_those_it_finds(default_data: Path, tmp_path: Path) -> None:
    assert not demo.ensure(settings_for(tmp_path / "other"))
    url = f"sqlite:///{tmp_path}/third.db"
    assert not demo.ensure(settings_for(default_data, database_url=url))
    demo.ensure(settings_for(default_data))
    moved = tmp_path / "moved"
    default_data.rename(moved)
    with pytest.raises(SetupError, match="public password"):
        demo.ensure(settings_for(moved))


def test_the_advice_names_the_database_that_was_refused(default_data: Path, tmp_path: Path) -> None:
    demo.ensure(settings_for(default_data))
    moved = tmp_path / "a folder"
    moved.mkdir()
    (default_data / "webchat.db").rename(moved / "other.db")
    url = f"sqlite:///{moved}/other.db"
    refused = settings_for(default_data, database_url=url)
    with pytest.raises(SetupError, match=re.escape(f"`WEBCHAT_DATABASE_URL='{url}' ./chat demo remove`")):
        demo.ensure(refused)
    (moved / "other.db").rename(moved / "webchat.db")
    with pytest.raises(SetupError, match=re.escape(f"`./chat demo remove --data '{moved}'`")):
        demo.ensure(settings_for(moved))
    demo.remove(Settings.load({}, data=str(moved)))
    assert not demo.ensure(settings_for(moved))


def test_who_does_not_want_them_does_not_get_them(default_data: Path) -> None:
    assert not demo.ensure(settings_for(default_data, demo=False))
    assert demo_users(settings_for(default_data)) == []


def test_removing_them_is_for_good_and_makes_the_database_servable(default_data: Path) -> None:
    chosen = settings_for(default_data)
    demo.ensure(chosen)
    assert demo.remove(chosen) == ["liger_zql", "indifferent"]
    assert demo.remove(chosen) == []
    assert not demo.ensure(chosen)
    assert not demo.ensure(settings_for(default_data, host="0.0.0.0"))
    engine = open_engine(chosen)
    assert Store(engine.reader).credentials("liger_zql") is None
    engine.close()


def test_somebody_who_merely_has_the_name_is_nobody_special(default_data: Path) -> None:
    chosen = settings_for(default_data)
    engine = open_engine(chosen)
    with engine.writing() as connection:
        Transaction(connection).add_user("Liger_ZQL", "hash", 0)
    engine.close()
    assert not demo.ensure(chosen)
    assert not demo.ensure(settings_for(default_data, host="0.0.0.0"))
    assert demo_users(chosen) == []


def test_there_is_nothing_to_remove_where_there_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no database"):
        demo.remove(Settings.load({}, data=str(tmp_path / "nowhere")))
