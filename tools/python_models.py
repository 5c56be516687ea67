"""Message schemas -> pydantic models, by datamodel-code-generator.

The flags make the models accept just what the schemas accept: integers as JSON Schema means them (`StrictInt` is
ours), null only where a schema allows it (`--strict-nullable`, `MISSING` for what is absent), and `raw` in the
spelling that came.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools import source

FLAGS = (
    "--input-file-type jsonschema --schema-version 2020-12 --schema-version-mode strict"
    " --output-model-type pydantic_v2.BaseModel --target-python-version 3.11 --target-pydantic-version 2.14"
    " --use-annotated --use-standard-collections --use-union-operator --strict-nullable"
    " --use-schema-description --use-field-description --use-inline-field-description --use-attribute-docstrings"
    " --naming-strategy primary-first --use-specialized-enum --capitalise-enum-members --enum-field-as-literal all"
    " --use-single-value-enum-as-const --intersect-allof-keywords --use-type-alias --skip-root-model"
    " --use-double-quotes --use-default-kwarg --use-missing-sentinel --strict-types int float bool str"
    " --disable-timestamp --formatters builtin --no-allow-remote-refs --strict-refs"
).split()

HEADER = '''\
"""The messages as pydantic models. Generated from spec/schemas by tools/generate.py; do not edit.

sha256 {digest}
"""
'''


def render() -> str:
    """The text of `neuroengine/_generated/models.py`."""
    bundle = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Messages",
        "$defs": _with_ranges_for_integer_constants(source.message_definitions()),
    }
    with tempfile.TemporaryDirectory() as folder:
        bundled, header, models = (Path(folder, name) for name in ("bundle.json", "header.txt", "models.py"))
        bundled.write_text(json.dumps(bundle), encoding="utf-8")
        header.write_text(HEADER.format(digest=source.digest(*source.MESSAGE_SCHEMAS)), encoding="utf-8")
        overrides = json.dumps({"StrictInt": "neuroengine.json_types"})
        paths = ["--input", str(bundled), "--output", str(models), "--custom-file-header-path", str(header)]
        command = [sys.executable, "-m", "datamodel_code_generator", *paths, *FLAGS, "--import-overrides", overrides]
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
        if outcome.returncode:
            raise RuntimeError(f"datamodel-code-generator failed:\n{outcome.stderr}")
        return models.read_text(encoding="utf-8")


def _with_ranges_for_integer_constants(node: Any) -> Any:
    """Writes an integer constant as a range of one value: in Python a `Literal[0]` takes False, which equals 0."""
    if isinstance(node, dict):
        if node.get("type") == "integer" and "const" in node:
            rest = {key: value for key, value in node.items() if key != "const"}
            return {**rest, "minimum": node["const"], "maximum": node["const"]}
        return {key: _with_ranges_for_integer_constants(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_ranges_for_integer_constants(item) for item in node]
    return node
