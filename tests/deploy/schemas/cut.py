"""Make the `.json` files beside this one; see the package."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
VERSION = "1.37.0"
KINDS = {
    "ConfigMap": "configmap-v1",
    "Deployment": "deployment-apps-v1",
    "PersistentVolumeClaim": "persistentvolumeclaim-v1",
    "HorizontalPodAutoscaler": "horizontalpodautoscaler-autoscaling-v2",
    "PodDisruptionBudget": "poddisruptionbudget-policy-v1",
    "Service": "service-v1",
}
_NAME = re.compile(r"#/\$defs/(.+)")


def folder_of(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed here")
    return Path(spec.origin).parent


def bare(schema: Any) -> Any:
    """Without descriptions (of schemas: a property may have that name), and with references into one file."""
    if isinstance(schema, list):
        return [bare(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key, value in schema.items():
        if key == "description" and isinstance(value, str):
            continue
        reference = key == "$ref" and isinstance(value, str)
        kept[key] = value.removeprefix("/api/_definitions.json") if reference else bare(value)
    return kept


def names_in(schema: Any) -> set[str]:
    """The definitions that it refers to."""
    if isinstance(schema, list):
        return set().union(*map(names_in, schema))
    if not isinstance(schema, dict):
        return set()
    found = set().union(*map(names_in, schema.values()))
    reference = schema.get("$ref")
    return found | ({_NAME.fullmatch(reference)[1]} if isinstance(reference, str) else set())  # type: ignore[index]


def kubernetes() -> dict[str, Any]:
    source = folder_of("kubernetes_validate") / "kubernetes-json-schema" / f"v{VERSION}-local-strict"
    everything = bare(json.loads((source / "_definitions.json").read_text()))["$defs"]
    kinds = {kind: bare(json.loads((source / f"{file}.json").read_text())) for kind, file in KINDS.items()}
    wanted, known = names_in(list(kinds.values())), set[str]()
    while wanted - known:
        known |= wanted
        wanted |= set().union(*(names_in(everything[name]) for name in wanted))
    return {"version": VERSION, "kinds": kinds, "$defs": {name: everything[name] for name in sorted(wanted)}}


def compose() -> Any:
    source = folder_of("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    return bare(json.loads(source.read_text()))


if __name__ == "__main__":
    for name, made in (("kubernetes", kubernetes()), ("compose", compose())):
        (HERE / f"{name}.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")
