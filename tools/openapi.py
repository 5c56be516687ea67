"""Message schemas and errors -> the OpenAPI 3.1 document of the hub's HTTP side."""

from __future__ import annotations

import json
from typing import Any

from tools import source

FILES = (*source.MESSAGE_SCHEMAS, "registry/spec.toml", "registry/errors.toml")
REFERENCE = "#/components/schemas/"


def render() -> str:
    """The text of `spec/openapi.json`."""
    spec = source.load("registry/spec.toml")
    over_http = source.load("schemas/client.schema.json")["$defs"]
    schemas = {
        name: definition for name, definition in source.message_definitions(REFERENCE).items() if name in over_http
    }
    document = {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": spec["title"],
            "version": spec["revision"],
            "summary": "What clients and hubs say to each other over HTTP.",
            "description": "Generated from spec/ by tools/generate.py; do not edit.",
            "license": {"name": "MIT", "identifier": "MIT"},
            "x-source-sha256": source.digest(*FILES),
        },
        "servers": [{"url": f"https://{spec['hub_host']}", "description": "The published hub."}],
        "security": [{}, {"accessKey": []}],
        "paths": {"/{service}": _generate_path(schemas), "/": _command_path(schemas)},
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "accessKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access key, for services that need one (extended profile).",
                }
            },
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _generate_path(schemas: dict[str, Any]) -> dict[str, Any]:
    # anyOf, not oneOf: `command` wins over `message`, and an object may hold both.
    requests = {"anyOf": [{"$ref": REFERENCE + "GetmodelsRequest"}, {"$ref": REFERENCE + "GenerateRequest"}]}
    name = schemas["ServiceName"]
    return {
        "parameters": [
            {
                "name": "service",
                "in": "path",
                "required": True,
                "description": f"{name['description']} A trailing slash may follow.",
                "schema": {"$ref": REFERENCE + "ServiceName"},
            }
        ],
        "post": {
            "operationId": "generate",
            "summary": "Generate a whole reply or a stream's next piece, or list the models.",
            "description": "A body with `command` is a command, at any path; any other body is a generate request.",
            "requestBody": _body(requests, schemas["GenerateRequest"]["examples"]),
            "responses": _responses(),
        },
    }


def _command_path(schemas: dict[str, Any]) -> dict[str, Any]:
    return {
        "post": {
            "operationId": "getmodels",
            "summary": "List the models.",
            "requestBody": _body({"$ref": REFERENCE + "GetmodelsRequest"}, schemas["GetmodelsRequest"]["examples"]),
            "responses": _responses(),
        }
    }


def _body(schema: dict[str, Any], examples: list[Any]) -> dict[str, Any]:
    named = {f"example{number}": {"value": value} for number, value in enumerate(examples, 1)}
    return {
        "required": True,
        "description": "One JSON object in UTF-8. A hub reads it as JSON whatever the content type says.",
        "content": {"application/json": {"schema": schema, "examples": named}},
    }


def _responses() -> dict[str, Any]:
    """Every status that may come; by default all is 200, and `errorcode` decides."""
    success = {"anyOf": [{"$ref": REFERENCE + "Answer"}, {"$ref": REFERENCE + "ModelList"}]}
    content = {"application/json": {"schema": success}}
    responses: dict[str, Any] = {
        "200": {
            "description": "The answer, by default an error too: `errorcode` decides, not the status.",
            "content": content,
        }
    }
    by_status: dict[int, list[str]] = {}
    for row in source.load("registry/errors.toml")["error"][1:]:
        by_status.setdefault(row["http_status"], []).append(f"{row['code']} {row['name']}")
    for status, names in sorted(by_status.items()):
        responses[str(status)] = {
            "description": f"Only from a hub that is switched to matching statuses: {', '.join(names)}.",
            "content": {"application/json": {"schema": {"$ref": REFERENCE + "ErrorAnswer"}}},
        }
    return responses
