"""Prism, Mockoon and WireMock, each told by its own kind of file to answer the same bytes.

npm installs them below .nox, as `package.json` says. Prism checks every request by the project's own OpenAPI document;
WireMock does so where its mapping holds a JSON schema; Mockoon checks nothing.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.peers import ANSWER, ANSWER_BYTES, PATH
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Sequence

WANTED: Final = Path(__file__).with_name("package.json")
"""Which of their versions are wanted."""
PACKAGES: Final = Path(__file__).parents[2] / ".nox" / "peers"
"""Where npm installs them."""


def why_not(name: str) -> str:
    """Why a peer cannot be run here; empty where it can."""
    if not _binary(name).exists():
        return f"{name} is not installed (python3 dev.py bench installs it where there is npm)"
    needed = "java" if name == "wiremock" else "node"
    return "" if shutil.which(needed) else f"{name} needs {needed}"


def prism(port: int, folder: Path) -> Sequence[str]:
    """Prism over the project's OpenAPI document, whose example it answers."""
    document = spec.read_json("openapi.json")
    answer = document["paths"]["/{service}"]["post"]["responses"]["200"]["content"]["application/json"]
    answer.pop("example", None)
    answer["examples"] = {"answer": {"value": ANSWER}}
    file = folder / "openapi.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return [str(_binary("prism")), "mock", "--errors", "--verboseLevel", "error", "--port", str(port), str(file)]


def mockoon(port: int, folder: Path) -> Sequence[str]:
    """Mockoon with one route."""
    route = {
        "uuid": "route",
        "type": "http",
        "method": "post",
        "endpoint": ":service",
        "documentation": "",
        "responses": [
            {
                "uuid": "answer",
                "statusCode": 200,
                "label": "",
                "latency": 0,
                "headers": [{"key": "Content-Type", "value": "application/json"}],
                "bodyType": "INLINE",
                "body": ANSWER_BYTES.decode(),
                "rules": [],
                "rulesOperator": "OR",
                "disableTemplating": True,
                "default": True,
            }
        ],
        "responseMode": None,
    }
    environment = {
        "uuid": "environment",
        "lastMigration": 33,
        "name": "bench",
        "port": port,
        "hostname": "127.0.0.1",
        "endpointPrefix": "",
        "latency": 0,
        "folders": [],
        "routes": [route],
        "rootChildren": [{"type": "route", "uuid": "route"}],
        "headers": [],
        "proxyMode": False,
        "cors": False,
        "tlsOptions": {"enabled": False},
        "data": [],
        "callbacks": [],
    }
    file = folder / "mockoon.json"
    file.write_text(json.dumps(environment), encoding="utf-8")
    quiet = ["--disable-log-to-file", "--disable-admin-api", "--max-transaction-logs", "1"]
    return [str(_binary("mockoon")), "start", "--data", str(file), *quiet]


def wiremock(port: int, folder: Path, *, checks: bool = False) -> Sequence[str]:
    """WireMock with one mapping; one that `checks` its request holds a JSON schema."""
    wanted: dict[str, Any] = {"method": "POST", "urlPath": PATH}
    if checks:
        wanted["bodyPatterns"] = [{"matchesJsonSchema": json.dumps(_request_schema()), "schemaVersion": "V202012"}]
    answer = {"status": 200, "body": ANSWER_BYTES.decode(), "headers": {"Content-Type": "application/json"}}
    mappings = folder / "mappings"
    mappings.mkdir()
    (mappings / "generate.json").write_text(json.dumps({"request": wanted, "response": answer}), encoding="utf-8")
    quiet = ["--disable-banner", "--max-request-journal-entries", "1000"]  # a journal as long as the mock hub's
    return [str(_binary("wiremock")), "--port", str(port), "--root-dir", str(folder), *quiet]


def _request_schema() -> dict[str, Any]:
    """The schema of a generate request, complete in itself."""
    schemas = spec.read_json("openapi.json")["components"]["schemas"]
    text = json.dumps({"$ref": "#/$defs/GenerateRequest", "$defs": schemas})
    schema: dict[str, Any] = json.loads(text.replace("#/components/schemas/", "#/$defs/"))
    return schema


def _binary(name: str) -> Path:
    return PACKAGES / "node_modules" / ".bin" / {"mockoon": "mockoon-cli"}.get(name, name)
