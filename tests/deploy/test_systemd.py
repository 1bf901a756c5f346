"""The service unit: well-formed, hardened, and allowed all that a node does."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

from tests.client import Client
from tests.conftest import FAST
from tests.deploy.files import DEPLOY
from tests.faults.processes import children
from tests.workers.launched import Launched

UNIT = DEPLOY / "systemd" / "webchat.service"
PYTHON = "/opt/webchat/.venv/bin/python"
EXPOSED = 15  # tenths: what `systemd-analyze security` may say at most; it calls up to 5.0 "OK"

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze (Debian: systemd)")


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)


def test_the_unit_is_well_formed(tmp_path: Path) -> None:
    """With a Python and a folder that are there in place of those in /opt."""
    unit = tmp_path / "webchat.service"
    text = UNIT.read_text()
    assert PYTHON in text
    unit.write_text(text.replace(PYTHON, sys.executable))
    said = analyze("verify", "--man=no", unit)
    assert (said.returncode, said.stderr) == (0, "")


def test_it_is_hardened() -> None:
    said = analyze("security", "--offline=yes", f"--threshold={EXPOSED}", UNIT)
    assert said.returncode == 0, said.stdout[-300:]


@lru_cache
def call_sets() -> dict[str, list[str]]:
    """systemd's sets of system calls: name → calls, and names of other sets."""
    sets: dict[str, list[str]] = {}
    members: list[str] = []
    for line in analyze("syscall-filter").stdout.splitlines():
        if re.fullmatch(r"@[a-z0-9-]+", line):
            members = sets.setdefault(line, [])
        elif found := re.fullmatch(r"    (@?[a-z0-9_-]+)", line):
            members.append(found[1])
    return sets


def calls(name: str) -> set[str]:
    return {name} if not name.startswith("@") else set().union(*map(calls, call_sets().get(name, [])))


def allowed() -> set[str]:
    found: set[str] = set()
    for words in re.findall(r"^SystemCallFilter=(.+)$", UNIT.read_text(), re.MULTILINE):
        named = set().union(*map(calls, words.removeprefix("~").split()))
        found = found - named if words.startswith("~") else found | named
    return found


def test_a_node_makes_no_system_call_that_is_forbidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole life, under strace: start, two people, a message, a reload, the end; launcher, Valkey and workers."""
    if not shutil.which("strace"):
        pytest.skip("no strace (Debian: apt install strace)")
    counts, python = tmp_path / "counts", tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec strace -f -c -U name -o {counts} {sys.executable} "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with Launched(tmp_path / "data", **FAST) as node:
        node.ready()
        launcher = children(node.process.pid)[0]
        one, other = (Client([("127.0.0.1", node.port)]).register() for _ in range(2))
        one.send(one.befriend(other), "traced")
        other.poll(other.cursor(), 0.2)
        os.kill(launcher, signal.SIGHUP)
        assert node.get("/readyz") == 200
        os.kill(launcher, signal.SIGTERM)
        node.process.wait(30)
    made = set(re.findall(r"^([a-z0-9_]+)$", counts.read_text(), re.MULTILINE)) - {"syscall", "total"}
    assert {"epoll_wait", "fdatasync", "execve", "setrlimit"} & made, "strace saw them all"
    of_root = set() if os.geteuid() else {"fchown"}  # SQLite's, when it is root; the service is not
    assert made <= allowed() | of_root, made - allowed()
