"""The generators' view of `spec/`: its files by path, what they hold, and the hash that generated files carry."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "spec"
MESSAGE_SCHEMAS = ("schemas/client.schema.json", "schemas/provider.schema.json")


def load(path: str) -> dict[str, Any]:
    """One JSON or TOML file of the spec, parsed; `path` is relative to `spec/`."""
    text = (SPEC / path).read_text(encoding="utf-8")
    return dict(json.loads(text) if path.endswith(".json") else tomllib.loads(text))


def digest(*paths: str) -> str:
    """The sha256 of the named files of the spec, which tells whether a generated file is stale."""
    state = hashlib.sha256()
    for path in paths:
        state.update(path.encode())
        state.update((SPEC / path).read_bytes())
    return state.hexdigest()


def message_definitions(reference_prefix: str = "#/$defs/") -> dict[str, Any]:
    """Every message definition of every schema in one table, with references rewritten to `reference_prefix`."""
    definitions: dict[str, Any] = {}
    for path in MESSAGE_SCHEMAS:
        for name, definition in load(path)["$defs"].items():
            if name in definitions:
                raise ValueError(
                    f"{path}: the definition {name} exists already in another schema; give it another name"
                )
            definitions[name] = with_references(definition, reference_prefix)
    return definitions


def with_references(node: Any, prefix: str) -> Any:
    """The same schema with every reference rewritten to `prefix`."""
    if isinstance(node, dict):
        return {
            key: prefix + value.rpartition("/")[2] if key == "$ref" else with_references(value, prefix)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [with_references(item, prefix) for item in node]
    return node
