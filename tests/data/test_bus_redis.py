"""The doorbell's scenarios, each in a process of its own that gevent has patched."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("bus_scenarios.py")


def scenarios() -> list[str]:
    """Read, not imported: the module patches the process that imports it."""
    (listed,) = (
        node.value
        for node in ast.walk(ast.parse(SCRIPT.read_text()))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SCENARIOS"
    )
    assert isinstance(listed, ast.List)
    return [ast.unparse(name) for name in listed.elts]


@pytest.mark.parametrize("scenario", scenarios())
def test_doorbell(scenario: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.data.bus_scenarios", str(tmp_path), scenario],
        cwd=SCRIPT.parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
