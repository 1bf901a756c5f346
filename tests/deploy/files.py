"""The files of `deploy/` that are data, as the tests read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from webchat.settings import PROJECT

DEPLOY = PROJECT / "deploy"
SCHEMAS = Path(__file__).parent / "schemas"


def documents(path: Path) -> list[Any]:
    """The documents of a YAML file."""
    return list(yaml.safe_load_all(path.read_text()))


def faults(schema: Any, document: Any) -> list[str]:
    """What the schema finds in the document: where, and what."""
    checker = jsonschema_rs.validator_for(schema)
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in checker.iter_errors(document)]


def kubernetes_schema(kind: str) -> Any:
    schemas = json.loads((SCHEMAS / "kubernetes.json").read_text())
    return schemas["kinds"][kind] | {"$defs": schemas["$defs"]}


def compose_schema() -> Any:
    return json.loads((SCHEMAS / "compose.json").read_text())
