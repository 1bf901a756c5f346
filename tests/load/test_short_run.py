"""Short runs of the real thing: own nodes, and somebody's deployment with its users file. Counts, and no clocks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from tests.conftest import Cluster
from webchat.settings import PROJECT


def load(*words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as people start it."""
    command = [sys.executable, "-m", "webchat.cli", "load", *words]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=110, check=False)


def written(folder: Path, scenario: str) -> dict[str, Any]:
    """The one result in the folder, which has its page beside it."""
    (path,) = folder.glob(f"{scenario}-*.json")
    assert path.with_suffix(".html").stat().st_size > 1000
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_parked_polls_of_own_nodes_get_everything_once(tmp_path: Path) -> None:
    ran = load("parked", "--polls", "50", "--seconds", "1", "--rest", "1", "--processes", "2", "--out", str(tmp_path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = written(tmp_path, "parked")
    delivery = found["delivery"]
    alone = delivery["sent"] - 3  # three messages went to all others
    assert alone > 50
    assert delivery["acknowledged"] == delivery["sent"]
    assert delivery["delivered"] == alone + 3 * 49
    assert delivery["doubled"] == delivery["lost"] == 0
    names = {figure["name"] for figure in found["figures"]}
    assert {"memory per parked poll", "CPU at rest with 50 parked", "wake-all, from the send"} <= names
    assert found["latency"].keys() >= {"wake-one", "50 parked", "wake-all, from the send"}


def test_a_deployment_of_ones_own_by_its_addresses(tmp_path: Path, own_cluster: Cluster) -> None:
    file, data = str(tmp_path / "users.jsonl"), str(own_cluster.data)
    seeded = load("seed", "--users", "40", "--friends", "5", "--data", data, "--out", file)
    assert seeded.returncode == 0, seeded.stdout + seeded.stderr
    urls = [word for host, port in own_cluster.nodes for word in ("--url", f"http://{host}:{port}")]
    there = [*urls, "--users-file", file, "--out", str(tmp_path)]
    ran = load("rooms", "--members", "40", "--messages", "3", "--data", data, *there)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = written(tmp_path, "rooms")
    assert found["delivery"] == {"sent": 3, "acknowledged": 3, "delivered": 3 * 39, "doubled": 0, "lost": 0}
    assert found["figures"] == []  # whose CPU it is, nobody told
    ran = load("storm", "--clients", "40", *there)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    delivery = written(tmp_path, "storm")["delivery"]
    assert delivery["sent"] == delivery["acknowledged"] == delivery["delivered"] > 0


def test_more_nodes_do_the_same_work(tmp_path: Path) -> None:
    few = ("--parked", "40", "--rate", "50", "--seconds", "1", "--rounds", "1")
    ran = load("nodes", "--counts", "2", *few, "--out", str(tmp_path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = written(tmp_path, "nodes")
    assert found["delivery"]["sent"] == found["delivery"]["delivered"] > 50
    (turn,) = found["rounds"]
    assert turn["nodes"] == 2
    for part in ("closed loop", "paced"):
        assert 1.5 < turn[f"{part}: Redis, commands"] < 3, "a ring for each member, whoever listens"
    (plot,) = tmp_path.glob("nodes-*.svg")
    assert ET.parse(plot).getroot().tag.endswith("svg")


def test_wrong_words_are_refused_in_one_line(tmp_path: Path) -> None:
    for words, code, said in (
        (("peers", "--only", "nonsense"), 2, "nonsense: known are webchat"),
        (("peers", "--parts", "nonsense"), 2, "known are closed, paced, memory"),
        (("storm", "--url", "https://127.0.0.1", "--users-file", "/dev/null"), 3, "give http://HOST:PORT"),
        (("nodes", "--counts", "none"), 2, "give numbers of nodes"),
        (("rooms", "--url", "http://127.0.0.1:1"), 3, "--users-file"),
        (("seed", "--users", "5", "--out", str(tmp_path / "x")), 2, "say which database"),
    ):
        ran = load(*words)
        assert ran.returncode == code, ran.stdout + ran.stderr
        assert said in ran.stderr
        assert ran.stderr.count("\n") == 1
