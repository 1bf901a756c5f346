"""The doctor on real patients: a node that is well, and everything that it must not overlook."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import falcon
import psycopg
import pytest
from rich.console import Console

from tests import postgres
from tests.client import Client
from tests.conftest import Cluster
from tests.deploy.broken_node import BrokenNode
from tests.deploy.proxies import Certificate, ProxiedClient, Proxy
from tests.workers.launched import environ
from webchat.data import demo
from webchat.data.database import prepare
from webchat.doctor import clock, configuration, doorbell, examination, machine, outside, store, versions
from webchat.doctor.finding import Finding, ok, problem, warning
from webchat.errors import SetupError
from webchat.settings import PROJECT, Settings


def bad(findings: Iterator[Finding]) -> list[tuple[str, str]]:
    """(level, what it says) of those that are not well; each of these must say what helps."""
    found = [finding for finding in findings if finding.level != "ok"]
    assert all(finding.remedy for finding in found)
    return [(finding.level, finding.says) for finding in found]


def the_one(findings: Iterator[Finding], level: str) -> str:
    (found,) = bad(findings)
    assert found[0] == level
    return found[1]


# --- the command


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "webchat.cli", "doctor", *words]
    return subprocess.run(
        command, cwd=PROJECT, env=environ(**variables), capture_output=True, text=True, check=False, timeout=60
    )


def test_a_node_that_is_well(cluster: Cluster) -> None:
    said = run("--data", str(cluster.data), "--json")
    assert said.returncode == 0, said.stdout
    report = json.loads(said.stdout)
    assert report["ok"] is True
    says = " | ".join(finding["says"] for finding in report["findings"])
    for expected in ("SQLite", "its tables are this release's", "what is rung is heard", "a sync takes", "clock"):
        assert expected in says or expected in {finding["part"] for finding in report["findings"]}
    assert {"configuration", "versions", "open files", "data folder", "disk", "database", "doorbell"} <= {
        finding["part"] for finding in report["findings"]
    }


def test_for_people_each_remedy_stands_under_its_finding() -> None:
    console = Console(width=60, record=True, file=open(os.devnull, "w"), highlight=False)  # noqa: PTH123, SIM115
    findings = [ok("disk", "fine"), problem("doorbell", "long " * 30, "what helps"), warning("clock", "late", "NTP")]
    assert examination.show(findings, console).ok is False
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 60
    assert "    → what helps" in lines
    assert lines[-1] == "1 problem, 1 warning; all else is fine (1)"
    console.file.close()


def test_what_is_misspelt_is_a_finding_like_others() -> None:
    said = run("--json", port="many")
    assert said.returncode == 1
    (found,) = json.loads(said.stdout)["findings"]
    assert (found["part"], found["level"]) == ("configuration", "problem")
    assert "WEBCHAT_PORT=many" in found["says"]
    people = run(portt="1")
    assert people.returncode == 1
    assert "✗ WEBCHAT_PORTT is not a setting" in people.stdout
    assert "Traceback" not in people.stderr


# --- configuration, versions, machine


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"poll_hold": 28.0}, "common proxies cut"),
        ({"poll_hold": 59.0}, "longer than nearly every proxy waits"),
        ({"forwarded_allow_ips": "*", "host": "0.0.0.0"}, "everybody may say"),
        ({"workers": 1000}, "1000 workers"),
        ({"dead_after": 60.0}, "may look online for longer"),
    ],
    ids=str,
)
def test_settings_that_are_hardly_meant(settings: dict[str, Any], says: str) -> None:
    assert says in the_one(configuration.examine(Settings(**settings)), "warning")


def test_settings_as_they_come_are_meant() -> None:
    assert bad(configuration.examine(Settings(workers=1))) == []


def test_packages_beside_their_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = tmp_path / "run.txt"
    pins.write_text(
        "falcon==0.1 \\\n    --hash=x\nno-such-package==1.0 \\\nof-a-mac==1.0 ; sys_platform == 'darwin' \\\n"
    )
    monkeypatch.setattr(versions, "PINS", pins)
    found = [says for _, says in bad(versions.examine()) if "parser" not in says]
    assert "not installed: no-such-package" in found
    assert any("in place of 0.1" in says for says in found)
    pins.write_text(f"falcon==0.1 ; python_version < '3' \\\nfalcon=={falcon.__version__} ; python_version >= '3' \\\n")
    assert [says for _, says in bad(versions.examine()) if "parser" not in says] == []


def test_too_few_open_files_are_allowed() -> None:
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if allowed == resource.RLIM_INFINITY:
        pytest.skip("open files are not limited here")
    assert "the hard limit is" in the_one(machine.open_files(Settings(connections=allowed)), "problem")
    assert bad(machine.open_files(Settings(connections=allowed - 1000))) == []


def test_others_may_read(tmp_path: Path) -> None:
    prepare(settings := Settings(data=str(tmp_path / "data")))
    settings.folder.chmod(0o755)
    (settings.folder / "webchat.db").chmod(0o644)
    says = the_one(machine.privacy(settings), "warning")
    assert "webchat.db" in says
    settings.folder.chmod(0o700)
    assert bad(machine.privacy(settings)) == []


def test_uploads_that_other_hosts_do_not_find(tmp_path: Path) -> None:
    url = "postgresql://me@db/chat"
    assert "other hosts" in the_one(machine.files(Settings(data=str(tmp_path), database_url=url)), "warning")
    shared = Settings(data=str(tmp_path), database_url=url, files=str(tmp_path))
    assert bad(machine.files(shared)) == []


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "LOW", 1 << 60)
    assert "GiB are free" in the_one(machine.space(tmp_path), "warning")
    monkeypatch.setattr(machine, "EMPTY", 1 << 60)
    assert "GiB are free" in the_one(machine.space(tmp_path), "problem")


def test_a_database_on_another_machines_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/export {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr(machine, "MOUNTS", mounts)
    assert "is on nfs4" in the_one(machine.file_system(Settings(data=str(tmp_path / "data"))), "problem")
    assert bad(machine.file_system(Settings(database_url="postgresql://x@y/z"))) == []


# --- the database


@pytest.fixture(params=["sqlite", "postgres"])
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """A database that is ready to use, on either engine."""
    if request.param == "sqlite":
        made = Settings(data=str(tmp_path / "data"), redis_url="unix:///nowhere")
        prepare(made)
        return made
    return Settings(data=str(tmp_path), database_url=request.getfixturevalue("postgres_databases").migrated())


def change(settings: Settings, statement: str) -> None:
    """Change the database behind the product's back."""
    if settings.database_url:
        with psycopg.connect(settings.database_url, autocommit=True) as postgresql:
            postgresql.execute(statement.encode())
    else:
        with contextlib.closing(apsw.Connection(str(settings.folder / "webchat.db"))) as sqlite:
            sqlite.execute(statement)


def test_a_database_that_is_well(settings: Settings) -> None:
    findings = list(store.examine(settings))
    assert bad(iter(findings)) == []
    assert any("its tables are this release's" in finding.says for finding in findings)


def test_a_pending_migration(settings: Settings) -> None:
    change(settings, "DELETE FROM schema_migration WHERE name LIKE '0002%'")
    assert "migrations are pending: 0002" in the_one(store.examine(settings), "warning")


def test_a_newer_releases_database(settings: Settings) -> None:
    change(settings, "UPDATE schema_migration SET name = '9999_of_tomorrow' WHERE name LIKE '0003%'")
    assert "it applied 9999_of_tomorrow" in the_one(store.examine(settings), "warning")
    change(settings, "UPDATE meta SET value = '9999_of_tomorrow' WHERE key = 'needs'")
    assert "it needs 9999_of_tomorrow" in the_one(store.examine(settings), "problem")


def test_demo_accounts_where_others_come(settings: Settings) -> None:
    change(
        settings,
        """INSERT INTO "user" (name, key, password_hash, created_at, demo, disabled)
           VALUES ('liger_zql', 'liger_zql', 'x', 1, TRUE, FALSE)""",
    )
    assert demo.allowed(settings) is False
    assert "liger_zql" in the_one(store.examine(settings), "problem")


def test_no_database_yet(tmp_path: Path) -> None:
    (found,) = store.examine(Settings(data=str(tmp_path)))
    assert found.level == "ok"
    assert list(tmp_path.iterdir()) == [], "looking changes nothing"


def test_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "webchat.db").write_bytes(b"not a database" * 1000)
    assert "cannot be" in the_one(store.examine(Settings(data=str(tmp_path))), "problem")


def test_a_postgresql_that_is_not_there() -> None:
    says = the_one(store.examine(Settings(database_url="postgresql://me:secret@127.0.0.1:1/chat")), "problem")
    assert "cannot be reached" in says
    assert "secret" not in says


def test_a_postgresql_that_may_lose_messages_or_takes_none(postgres_databases: postgres.Databases) -> None:
    url = postgres_databases.migrated()
    name = url.split("?")[0].rpartition("/")[2]
    with psycopg.connect(url, autocommit=True) as admin:
        for setting in ("synchronous_commit = off", "default_transaction_read_only = on"):
            admin.execute(f"ALTER DATABASE {name} SET {setting}".encode())
    found = bad(store.examine(Settings(database_url=url, database_pool=1000)))
    says = " | ".join(said for _, said in found)
    assert [level for level, _ in found] == ["problem"] * 3
    for expected in ("synchronous_commit is off", "transaction_read_only is on", "this node may open 2000"):
        assert expected in says


# --- doorbell and clocks


def test_the_doorbell_of_a_node_that_runs(cluster: Cluster) -> None:
    findings = list(doorbell.examine(Settings(data=str(cluster.data))))
    assert bad(iter(findings)) == []
    assert any("is heard after" in finding.says for finding in findings)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:secret@127.0.0.1:1",
        "unix:///no/such/socket",
        "redis+sentinel://:secret@127.0.0.1:1,127.0.0.1:2/chat",
        "redis+cluster://:secret@127.0.0.1:1,127.0.0.1:2",
    ],
)
def test_a_doorbell_that_is_not_there(url: str) -> None:
    says = the_one(doorbell.examine(Settings(redis_url=url)), "problem")
    assert "does not answer" in says
    assert "secret" not in says


def test_what_is_no_doorbell() -> None:
    assert "cannot be used" in the_one(doorbell.examine(Settings(redis_url="nonsense://:secret@x")), "problem")


@pytest.mark.parametrize(
    ("ahead", "uncertain", "level"),
    [(0.1, 0.001, "ok"), (-0.1, 0.001, "ok"), (2.0, 0.001, "warning"), (-2.0, 5.0, "ok"), (-100.0, 0.1, "problem")],
)
def test_clocks_are_compared_as_well_as_they_can_be(ahead: float, uncertain: float, level: str) -> None:
    assert clock.compared("the database's", ahead, uncertain).level == level


# --- the way in


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.chain))


def test_the_shipped_proxies_are_well(proxy: Proxy, trusted: None) -> None:
    user = ProxiedClient(proxy).register()
    started = time.monotonic()
    findings = list(outside.examine(f"https://127.0.0.1:{proxy.address[1]}", user.token, hold=2.0))
    assert time.monotonic() - started >= 2
    # The certificate of the tests is valid for a day, and signed by nobody else.
    assert [says for _, says in bad(iter(findings))] == ["its certificate ends in 1 days"]
    says = " | ".join(finding.says for finding in findings)
    for expected in ("HTTP/2", "Host is passed on", "/metrics is not for everybody", "25 MiB", "held for 2 s"):
        assert expected in says


def test_a_certificate_that_browsers_refuse(proxy: Proxy) -> None:
    says = the_one(outside.examine(f"https://127.0.0.1:{proxy.address[1]}", ""), "problem")
    assert "browsers refuse its certificate" in says


def test_a_node_without_a_proxy(cluster: Cluster) -> None:
    found = bad(outside.examine(f"http://127.0.0.1:{cluster.nodes[0][1]}", ""))
    assert [says.split(":")[0] for _, says in found] == [
        "plain HTTP",
        "everybody may read /metrics",
        "no poll was parked",
    ]


def test_a_poll_that_is_cut(cluster: Cluster) -> None:
    with BrokenNode(good=0) as cutting:
        site = outside.Site(f"http://127.0.0.1:{cutting.address[1]}", "token")
        assert "the state cannot be read" in the_one(outside.held_poll(site, 2.0), "problem")
    user = Client(cluster.nodes[:1]).register()
    site = CutShort(f"http://127.0.0.1:{cluster.nodes[0][1]}", user.token)
    says = the_one(outside.held_poll(site, 5.0), "problem")
    assert "held for 5 s" in says
    assert "after 1 s" in says


class CutShort(outside.Site):
    """Its connections end after a second, as behind a proxy whose timeout is that short."""

    def connect(self, seconds: float = 15.0) -> Any:
        return super().connect(min(seconds, 1.0))


def test_nobody_there() -> None:
    assert "does not answer" in the_one(outside.examine("http://127.0.0.1:1", ""), "problem")


def test_settings_that_cannot_be_read_do_not_keep_it_from_looking_outside() -> None:
    def load() -> Settings:
        raise SetupError("WEBCHAT_X is not a setting")

    found = bad(examination.examine(load, "http://127.0.0.1:1"))
    assert [says.split(" ")[0] for _, says in found] == ["WEBCHAT_X", "http://127.0.0.1:1"]
