"""The routes and schemas of the mock hub's admin API -> its OpenAPI 3.1 document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tools import source

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUTES = "mock/admin.toml"
SCHEMA = "mock/admin.schema.json"
FILES = (ROUTES, SCHEMA, "mock/rules.schema.json", "mock/config.schema.json", *source.MESSAGE_SCHEMAS)
REFERENCE = "#/components/schemas/"
ERROR = "AdminError"


def render() -> str:
    """The text of `spec/mock/admin.openapi.json`."""
    spec = source.load("registry/spec.toml")
    routes = source.load(ROUTES)["route"]
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route["path"], {})[route["method"].lower()] = _operation(route)
    document = {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Mock hub admin API",
            "version": spec["revision"],
            "summary": "What programs in any language say to a running mock hub.",
            "description": "On loopback, off by default. Generated from spec/ by tools/generate.py; do not edit.",
            "license": {"name": "MIT", "identifier": "MIT"},
            "x-source-sha256": source.digest(*FILES),
        },
        "servers": [{"url": "/", "description": "The port that the hub names."}],
        "security": [],
        "paths": paths,
        "components": {"schemas": _definitions(routes)},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _operation(route: dict[str, Any]) -> dict[str, Any]:
    parameters = route.get("parameters", [])
    operation: dict[str, Any] = {"operationId": route["name"], "summary": route["summary"]}
    if "description" in route:
        operation["description"] = route["description"]
    if parameters:
        operation["parameters"] = [_parameter(one) for one in parameters]
    if "body" in route:
        operation["requestBody"] = {
            "required": True,
            "description": "One JSON object in UTF-8, whatever the content type says.",
            "content": _content(route["body"]),
        }
    wrong = {"400": "The request is wrong.", "403": "The host is not loopback, or a page of another origin asks."}
    if any(one["in"] == "path" for one in parameters):
        wrong["404"] = "There is none of that name or number."
    wrong |= {"413": "The body is too large."} if "body" in route else {}
    wrong["default"] = "Anything else that is wrong."
    operation["responses"] = {
        str(route.get("status", 200)): {"description": "It is done.", "content": _content(route["answer"])},
        **{status: {"description": text, "content": _content(ERROR)} for status, text in wrong.items()},
    }
    return operation


def _parameter(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": one["name"],
        "in": one["in"],
        "required": one["in"] == "path",
        "description": one["description"],
        "schema": {"type": one["type"]},
        "example": one["example"],
    }


def _content(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": REFERENCE + name}}}


def _definitions(routes: list[dict[str, Any]]) -> dict[str, Any]:
    """Every definition that the routes lead to, in one table, by the order of their names.

    Raises:
        ValueError: two schemas define one name.
    """
    wanted = {
        (SCHEMA, ERROR),
        *((SCHEMA, route[role]) for route in routes for role in ("body", "answer") if role in route),
    }
    found: dict[str, Any] = {}
    seen: dict[str, str] = {}
    while wanted:
        path, name = wanted.pop()
        if seen.setdefault(name, path) != path:
            raise ValueError(f"{path}: the definition {name} exists already in {seen[name]}; give it another name")
        if name not in found:
            definition = source.load(path)["$defs"][name]
            wanted |= {_target(reference, path) for reference in _references(definition)}
            found[name] = source.with_references(definition, REFERENCE)
    return dict(sorted(found.items()))


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from [value] if key == "$ref" else _references(value)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)


def _target(reference: str, path: str) -> tuple[str, str]:
    """The file of the spec and the name that a reference in `path` means; the ids of the schemas stand side by side."""
    place, _, name = reference.partition("#/$defs/")
    if place.startswith("../"):
        return f"schemas/{place.removeprefix('../')}", name
    return (f"mock/{place}" if place else path), name
