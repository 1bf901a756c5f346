"""A second host is refused by the file and by the doorbell; nobody else is, whatever has happened before."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
import redis

from tests.client import until
from tests.conftest import FAST
from tests.load.peers.deployment import connects, free_ports
from tests.workers.launched import Launched
from webchat.data import engine_sqlite, host, one_host
from webchat.data.database import prepare
from webchat.data.engine_sqlite import SqliteEngine, alone
from webchat.data.one_host import OneHost
from webchat.doctor.doorbell import examine
from webchat.errors import SetupError
from webchat.settings import Settings
from workers.embedded import find_server
from workers.processes import spawn, stop

KERNEL = host.BOOT_ID


class Hosts:
    """Makes this process seem to run on one host or another."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        self.on("a")

    def on_this(self) -> None:
        self._monkeypatch.setattr(host, "BOOT_ID", KERNEL)

    def on(self, name: str) -> None:
        file = self._folder / f"boot-{name}"
        file.write_text(f"{name}-boot-id\n")
        self._monkeypatch.setattr(host, "BOOT_ID", file)


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    monkeypatch.setattr(engine_sqlite, "USE_PATIENCE", 0.1)
    return Hosts(tmp_path, monkeypatch)


def test_this_kernel_has_a_boot_id() -> None:
    assert len(host.boot_id()) == 36


# --- the file


def test_a_file_that_is_in_use_on_another_host_is_refused(tmp_path: Path, hosts: Hosts) -> None:
    settings = Settings(data=str(tmp_path / "data"))
    prepare(settings)
    path = settings.folder / "webchat.db"
    engines = [SqliteEngine(path), SqliteEngine(path)]
    hosts.on("b")
    for _ in range(2):
        with pytest.raises(SetupError, match="in use on another host"):
            prepare(settings)
        with pytest.raises(SetupError, match="in use on another host"):
            SqliteEngine(path)
        engines.pop().close()
    prepare(settings)  # nobody holds it any more, whatever it says: the host was moved, or is up again
    SqliteEngine(path).close()
    hosts.on("a")
    SqliteEngine(path).close()


def test_a_file_is_free_when_its_host_has_crashed_and_while_it_cannot_be_told(tmp_path: Path, hosts: Hosts) -> None:
    settings = Settings(data=str(tmp_path / "data"))
    prepare(settings)
    path = settings.folder / "webchat.db"
    path.with_name("webchat.db.used").write_text("a boot long ago")
    engine = SqliteEngine(path)
    path.with_name("webchat.db.used").write_text("")  # as an earlier release leaves it, which still runs
    SqliteEngine(path).close()
    host.BOOT_ID.unlink()
    SqliteEngine(path).close()
    engine.close()


def test_who_restores_is_told_apart_from_another_host(tmp_path: Path, hosts: Hosts) -> None:
    settings = Settings(data=str(tmp_path / "data"))
    prepare(settings)
    path = settings.folder / "webchat.db"
    with alone(path), pytest.raises(SetupError, match="just being restored"):
        prepare(settings)
    engine = SqliteEngine(path)
    with pytest.raises(SetupError, match="stop it first"), alone(path):
        pass
    engine.close()


def test_many_that_come_at_once_on_one_host_are_all_let_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though each would sign for the host."""
    settings = Settings(data=str(tmp_path / "data"))
    prepare(settings)
    path = settings.folder / "webchat.db"
    path.with_name("webchat.db.used").write_text("a boot long ago")
    opened: list[SqliteEngine] = []
    threads = gevent.get_hub().threadpool
    gevent.joinall([threads.spawn(lambda: opened.append(SqliteEngine(path))) for _ in range(8)], timeout=10)
    assert len(opened) == 8
    assert path.with_name("webchat.db.used").read_text() == host.boot_id()


# --- the doorbell


@pytest.fixture
def doorbell(tmp_path: Path) -> Iterator[str]:
    """The URL of a Valkey that other hosts could reach."""
    (port,) = free_ports(1)
    command: list[str | Path] = [find_server(), "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    with (tmp_path / "log").open("wb") as log:
        server = spawn(command, cwd=tmp_path, stdout=log.fileno(), stderr=subprocess.STDOUT)
    try:
        until("it listens", lambda: connects(("127.0.0.1", port)))
        yield f"redis://127.0.0.1:{port}"
    finally:
        stop(server, 2)


def answers(url: str) -> bool:
    """Whether a node does; it takes some seconds until one has the duty."""
    with redis.Redis.from_url(url, protocol=2) as client:
        return bool(client.pubsub_numsub("webchat:one-host:0")[0][1])


def test_a_second_host_is_refused_at_the_doorbell_of_a_first(doorbell: str, tmp_path: Path, hosts: Hosts) -> None:
    hosts.on("b")
    one_host.refuse_a_second(doorbell, doorbell)  # nobody is there yet
    first = tmp_path / "first"
    with Launched(first, redis_url=doorbell, **FAST) as node:
        node.ready()
        until("it answers", lambda: answers(doorbell), 20)
        with pytest.raises(SetupError, match=r"that of .+ \(SQLite\): share a PostgreSQL"):
            one_host.refuse_a_second(doorbell, doorbell)
        (found,) = [finding for finding in examine(Settings(redis_url=doorbell)) if "serves one host" in finding.says]
        assert found.level == "problem"
        assert one_host.others(f"{doorbell}/1") == [], "a chat of its own, in another database"
        hosts.on_this()
        one_host.refuse_a_second(doorbell, doorbell)  # whatever its database is
        hosts.on("b")
        node.process.kill()  # a crash
        node.process.wait()
        until("its workers are gone", lambda: not node.processes(), 20)
    one_host.refuse_a_second(doorbell, doorbell)


class Held:
    """A duty of one who is alone."""

    held = True

    def mine(self) -> bool:
        return True

    def close(self) -> None: ...


def test_the_start_is_refused_in_one_line(
    doorbell: str, tmp_path: Path, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_host, "LOOK_EVERY", 30)
    threading.Thread(target=OneHost(doorbell, one_host.POSTGRESQL, Held()).turn, daemon=True).start()  # of host a
    until("it answers", lambda: answers(doorbell))
    with Launched(tmp_path / "data", redis_url=doorbell, **FAST) as node:
        assert node.process.wait(20) == 3
        (line,) = node.errors().splitlines()
    assert line.startswith(f"webchat: SQLite serves one host, and the doorbell {doorbell} is that of ")
    assert "(PostgreSQL): share a PostgreSQL (WEBCHAT_DATABASE_URL), or" in line


def test_who_has_died_without_a_word_is_not_waited_for(
    doorbell: str, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis keeps the connection of a host without power for minutes, and would call it a listener."""
    monkeypatch.setattr(one_host, "PATIENCE", 0.2)
    with redis.Redis.from_url(doorbell, protocol=2) as client, client.pubsub() as dead:
        dead.subscribe("webchat:one-host:0")
        until("it is subscribed", lambda: answers(doorbell))
        one_host.refuse_a_second(doorbell, doorbell)


def test_a_doorbell_that_is_away_refuses_nobody(hosts: Hosts) -> None:
    for url in ("redis://127.0.0.1:1", "unix:///nowhere", "", "nonsense://x"):
        one_host.refuse_a_second(url, url)
