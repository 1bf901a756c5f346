"""Prometheus' rules and alerts, and Grafana's dashboard: well-formed, and about numbers that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.client import request
from tests.conftest import Cluster
from tests.deploy.files import DEPLOY, documents
from webchat.settings import PROJECT

RULES = DEPLOY / "prometheus" / "rules.yml"
DASHBOARD = DEPLOY / "grafana" / "webchat.json"
RUNBOOK = PROJECT / "docs" / "operations.md"
NAME = re.compile(r"\bwebchat_[a-z_]+|\bwebchat:[a-z0-9_:]+")


def rules() -> list[Any]:
    (document,) = documents(RULES)
    return [rule for group in document["groups"] for rule in group["rules"]]


def alerts() -> list[Any]:
    return [rule for rule in rules() if "alert" in rule]


def panels() -> list[Any]:
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def promtool(*words: str | Path, said: str | None = None) -> str:
    if not shutil.which("promtool"):
        pytest.skip("no promtool (Debian: apt install prometheus)")
    done = subprocess.run(["promtool", *words], input=said, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def known(cluster: Cluster) -> set[str]:
    """The series of a node, and those that the rules record."""
    text = request(cluster.nodes[0], "GET", "/metrics").raw.decode()
    return set(re.findall(r"^(webchat_[a-z_]+)", text, re.MULTILINE)) | {rule.get("record", "") for rule in rules()}


@pytest.mark.parametrize("folder", ["prometheus", "compose"])
def test_the_configuration_and_its_rules_are_well_formed(folder: str, tmp_path: Path) -> None:
    shutil.copy(DEPLOY / folder / "prometheus.yml", tmp_path)
    shutil.copy(RULES, tmp_path)  # where the compose file mounts it, too
    promtool("check", "config", tmp_path / "prometheus.yml")
    promtool("check", "rules", "--lint-fatal", RULES)


def test_each_alert_is_raised_by_what_it_is_for_and_by_nothing_else() -> None:
    promtool("test", "rules", DEPLOY / "prometheus" / "rules_test.yml")
    tested = (DEPLOY / "prometheus" / "rules_test.yml").read_text()
    for alert in alerts():
        assert f"#{alert['alert'].lower()}" in tested, f"{alert['alert']} is raised in no test"


def test_the_numbers_of_a_node_are_named_as_prometheus_wants(cluster: Cluster) -> None:
    promtool("check", "metrics", said=request(cluster.nodes[0], "GET", "/metrics").raw.decode())


def test_rules_and_dashboard_ask_for_what_there_is(cluster: Cluster) -> None:
    asked = [rule["expr"] for rule in rules()]
    asked += [target["expr"] for panel in panels() for target in panel["targets"]]
    assert len(asked) > 30
    missing = {name for expression in asked for name in NAME.findall(expression)} - known(cluster)
    assert not missing


def test_every_alert_has_its_place_in_the_runbook() -> None:
    headings = {heading.lower() for heading in re.findall(r"^#+ (Webchat\w+)$", RUNBOOK.read_text(), re.MULTILINE)}
    for alert in alerts():
        path, _, anchor = alert["annotations"]["runbook"].partition("#")
        assert PROJECT / path == RUNBOOK
        assert anchor == alert["alert"].lower()
        assert anchor in headings
    assert len(headings) == len(alerts()), "no heading is left over"


def test_the_dashboard_is_laid_out_and_its_questions_are_well_formed(tmp_path: Path) -> None:
    shown = panels()
    assert len({panel["id"] for panel in shown}) == len(shown)
    places = [(p["gridPos"]["y"], p["gridPos"]["x"], p["gridPos"]["w"]) for p in shown]
    for y, x, width in places:
        assert x + width <= 24
        assert not any(row == y and x < left < x + width for row, left, _ in places), "none lies on another"
    questions = [target["expr"] for panel in shown for target in panel["targets"]]
    made = [{"record": f"webchat:question{number}", "expr": asked} for number, asked in enumerate(questions)]
    as_rules = tmp_path / "questions.yml"
    as_rules.write_text(yaml.safe_dump({"groups": [{"name": "questions", "rules": made}]}))
    promtool("check", "rules", as_rules)
