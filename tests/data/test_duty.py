"""One worker of all has the duty, and the next one has it when that one dies; on either engine."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg
import pytest

from tests.client import until
from webchat.data import duty_postgres
from webchat.data.database import open_duty, open_engine, prepare
from webchat.data.duty import Duty
from webchat.settings import Settings


@pytest.fixture(params=["sqlite", "postgres"])
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    if request.param == "sqlite":
        made = Settings(data=str(tmp_path))
        prepare(made)
        return made
    return Settings(data=str(tmp_path), database_url=request.getfixturevalue("postgres_databases").migrated())


@pytest.fixture
def duties(settings: Settings) -> Iterator[tuple[Duty, Duty]]:
    """Of two workers."""
    engines = [open_engine(settings) for _ in range(2)]
    made = [open_duty(settings, engine) for engine in engines]
    yield made[0], made[1]
    for duty in made:
        duty.close()
    for engine in engines:
        engine.close()


def test_one_has_it_and_leaves_it_to_the_other(duties: tuple[Duty, Duty]) -> None:
    one, other = duties
    assert (one.held, one.mine(), other.mine()) == (False, True, False)
    assert (one.mine(), one.held, other.held) == (True, True, False)
    one.close()
    assert other.mine()
    assert not one.held


def _hold(settings: Settings, line: Connection) -> None:
    line.send(open_duty(settings, open_engine(settings)).mine())
    signal.pause()


def test_a_holder_that_is_killed_is_succeeded_at_once(settings: Settings, duties: tuple[Duty, Duty]) -> None:
    ours, theirs = multiprocessing.Pipe()
    holder = multiprocessing.get_context("spawn").Process(target=_hold, args=(settings, theirs))
    holder.start()
    assert ours.poll(20)
    assert ours.recv() is True
    assert not duties[0].mine()
    holder.kill()
    until("the next one has it", duties[0].mine, 2)
    holder.join(10)


@pytest.mark.parametrize("settings", ["postgres"], indirect=True)
def test_a_holder_whose_connection_ended_knows(
    settings: Settings, duties: tuple[Duty, Duty], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duty_postgres, "ASK_EVERY", 0)
    one, other = duties
    assert one.mine()
    with psycopg.connect(settings.database_url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    until("the other has it", other.mine, 2)
    assert not one.mine()


@pytest.mark.parametrize("settings", ["postgres"], indirect=True)
def test_a_holder_that_stands_still_is_succeeded(duties: tuple[Duty, Duty], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duty_postgres, "IDLE", 0.2)
    one, other = duties
    assert one.mine()
    assert not other.mine()
    until("the other has it", other.mine, 5)
