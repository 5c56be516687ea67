"""Provider schemas -> the AsyncAPI 3.0 document of the provider link."""

from __future__ import annotations

import json
from typing import Any

from tools import source

FILES = (*source.MESSAGE_SCHEMAS, "registry/spec.toml")
REFERENCE = "#/components/schemas/"
MESSAGES = ("ProviderLogin", "LoginAccepted", "Ping", "ProviderRequest", "ProviderAnswer")
SENDERS = {
    "sendLogin": ("send", "ProviderLogin", "The provider logs in."),
    "receiveAccepted": ("receive", "LoginAccepted", "The hub accepts the login."),
    "receivePing": ("receive", "Ping", "The hub keeps the link alive; the provider never answers."),
    "receiveRequest": ("receive", "ProviderRequest", "The hub forwards a request; at most one is outstanding."),
    "sendAnswer": ("send", "ProviderAnswer", "The provider answers the outstanding request."),
}


def render() -> str:
    """The text of `spec/asyncapi.json`; actions are the provider's."""
    spec = source.load("registry/spec.toml")
    definitions = source.message_definitions(REFERENCE)
    needed = _closure(definitions, list(MESSAGES))
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"{spec['title']}: the provider link",
            "version": spec["revision"],
            "description": "Generated from spec/ by tools/generate.py; do not edit. Actions are those of the provider.",
            "license": {"name": "MIT"},
            "x-source-sha256": source.digest(*FILES),
        },
        "defaultContentType": "application/json",
        "servers": {
            "hub": {
                "host": f"{spec['hub_host']}:{spec['provider_port']}",
                "protocol": "tls",
                "description": "TLS over TCP, verified against the host name.",
            }
        },
        "channels": {
            "link": {
                "title": "Provider link",
                "servers": [{"$ref": "#/servers/hub"}],
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in MESSAGES},
            }
        },
        "operations": {
            name: {
                "action": action,
                "channel": {"$ref": "#/channels/link"},
                "summary": summary,
                "messages": [{"$ref": f"#/channels/link/messages/{message}"}],
            }
            for name, (action, message, summary) in SENDERS.items()
        },
        "components": {
            "messages": {
                name: {
                    "name": name,
                    "title": definitions[name]["title"],
                    "description": definitions[name]["description"],
                    "payload": {"$ref": REFERENCE + name},
                }
                for name in MESSAGES
            },
            "schemas": {name: definitions[name] for name in definitions if name in needed},
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _closure(definitions: dict[str, Any], names: list[str]) -> set[str]:
    """The named definitions and all that they refer to."""
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found:
            found.add(name)
            names += _references(definitions[name])
    return found


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"].rpartition("/")[2]] if "$ref" in node else []
        return own + [name for value in node.values() for name in _references(value)]
    if isinstance(node, list):
        return [name for item in node for name in _references(item)]
    return []
