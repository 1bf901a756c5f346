"""The harness catches what it is there to catch: a few planted bugs here, all of them by `--self-test`."""

from __future__ import annotations

import re
from pathlib import Path

from tests.faults.test_short_run import faults

QUICK = {
    "cursor_past_unseen": "slice",
    "ring_before_commit": "committed-first",
}


def test_planted_bugs_are_caught_and_their_scenarios_pass_without_them(tmp_path: Path) -> None:
    ran = faults("--self-test", "--bugs", ",".join(QUICK), "--out", str(tmp_path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for bug, invariant in QUICK.items():
        assert re.search(rf"{bug} +│ {invariant}.*│ clean", ran.stdout), ran.stdout
