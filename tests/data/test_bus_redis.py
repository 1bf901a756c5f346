"""The doorbell's scenarios, in processes that gevent has patched; one for each thing that a doorbell may be made of."""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACT = "tests.contracts.bus_contract"
MODULES = ("tests.data.bus_scenarios", "tests.data.bus_sentinel_scenarios", "tests.data.bus_cluster_scenarios")


def listed(module: str, name: str) -> list[str]:
    """The names in a list of that module. Read, not imported: it patches the process that imports it."""
    source = ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text()
    (found,) = (
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assign | ast.AnnAssign) and ast.unparse(node).startswith(f"{name}")
    )
    assert isinstance(found, ast.List)
    names = [ast.unparse(one) for one in found.elts]
    return [*listed(CONTRACT, "CONTRACT"), *names[1:]] if names[0] == "*CONTRACT" else names


@pytest.fixture(scope="module")
def played() -> dict[str, tuple[str, str]]:
    """By module, what its run wrote to stdout and stderr. All at once: mostly they wait."""
    with tempfile.TemporaryDirectory(prefix="webchat-bus-") as folder:  # not pytest's: a socket's path is short
        running = {
            module: subprocess.Popen(
                [sys.executable, "-m", module, str(Path(folder, module.rpartition(".")[2]))],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for module in MODULES
        }
        try:
            return {module: process.communicate(timeout=100) for module, process in running.items()}
        finally:
            for process in running.values():
                process.kill()
                process.wait()


@pytest.mark.parametrize(
    ("module", "scenario"),
    [(module, scenario) for module in MODULES for scenario in listed(module, "SCENARIOS")],
    ids=lambda word: word.removeprefix("tests.data.bus_"),
)
def test_doorbell(module: str, scenario: str, played: dict[str, tuple[str, str]]) -> None:
    out, errors = played[module]
    assert f"{scenario} ok" in out.splitlines(), errors
