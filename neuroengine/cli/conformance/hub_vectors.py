"""The vectors with everybody in sight, in lines: who says what to whom, and how much time passes.

Law: an arrow is a message as it goes over the wire; whatever stands behind an answer in brackets is about it.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Json = Mapping[str, Any]

SCHEMA: Final = "registry/schemas/vectors_hub.schema.json"
TO_PROVIDER: Final = {
    "accepted": "hub -> {}: OK",
    "refused": "hub -> {}: anything but OK, or a close",
    "ping": 'hub -> {}: {{"ping": ...}}, once or more',
    "nothing": "hub -> {}: no request",
    "closed": "hub closes the link to {}",
}
TO_CLIENT: Final = {
    "blank": "hub -> {}: white space, and no answer yet",
    "nothing": "hub -> {}: no answer yet",
}


def scene(vector: Json) -> Iterator[str]:
    """A vector of clients, providers and a hub, in lines."""
    yield from _setting(vector)
    service = vector.get("services", _usual_services())[0]["name"]
    for step in vector["steps"]:
        yield _step(step, service)
    if "leeway" in vector:
        yield f"Leeway: {vector['leeway']}"


@cache
def _usual_services() -> list[Json]:
    """The services of a vector that names none."""
    return list(spec.read_json(SCHEMA)["$defs"]["Vector"]["properties"]["services"]["default"])


def _setting(vector: Json) -> Iterator[str]:
    """What the hub's operator has set up, where it is not the usual."""
    for service in vector.get("services", ()):
        told = [
            f"the service key {service['key']}",
            *(f"the access key {key}" for key in service.get("access_keys", ())),
        ]
        if "quota" in service:
            told.append(f"a quota of {service['quota']} in {service['quota_window_s']:g} s")
        yield f"The hub has the service {service['name']} with {' and '.join(told)}."
    for name, value in vector.get("limits", {}).items():
        yield f"The hub's limit {name} is {value:g}."
    if "matching_statuses" in vector:
        yield "The hub's operator wants errors with their own HTTP statuses."


def _step(step: Json, service: str) -> str:
    """A step at a hub whose first service has that name."""
    if "passes_s" in step:
        return f"{step['passes_s']:g} s pass"
    if "hub" in step:
        return "the hub is told to stop"
    if "from" in step:
        return _said(step["from"], step, service)
    party = step["to"]
    if "answer" in step or "models" in step:
        return f"hub -> {party}: {_answer(step, service)}"
    if "request" in step:
        return f"hub -> {party}: {json.dumps(step['request'])}"
    known = TO_CLIENT if party.startswith("client") else TO_PROVIDER
    return next(text for name, text in known.items() if name in step).format(party)


def _said(party: str, step: Json, service: str) -> str:
    """What a client or a provider does."""
    match step:
        case {"closes": _}:
            return f"{party} closes its connection"
        case {"connects": _}:
            return f"{party} connects, and says nothing"
        case {"request": request}:
            key = f" with Authorization: Bearer {step['access_key']}" if "access_key" in step else ""
            return f"{party} -> hub, POST {step.get('path', f'/{service}/')}{key}: {json.dumps(request)}"
        case {"answer": answer}:
            payload = json.dumps(answer)
            return f"{party} -> hub: {len(payload):08X}{payload}"
        case {"login": login}:
            return f"{party} -> hub: {json.dumps(login)}"
    return f"{party} -> hub: {step['text']}"


def _answer(step: Json, service: str) -> str:
    """An answer to a client, and what is wanted of it beside its members."""
    if "models" in step:
        members = [*({"name": service} | step["models"]).items()]
        shown = f"[{{{_listed(members)}, ...}}, ...]"
    else:
        reply = step["answer"].get("reply", step.get("piece"))
        code = {"any-error": "(not 0)"}.get(step["answer"]["errorcode"], step["answer"]["errorcode"])
        more = [(name, value) for name, value in step["answer"].items() if name not in {"reply", "errorcode"}]
        rest = f", {_listed(more)}" if more else ""
        shown = f'{{"reply": {json.dumps("..." if reply is None else reply)}, "errorcode": {code}{rest}}}'
    told = [f"status {step['status']}"] if "status" in step else []
    told += ["in ASCII"] if "ascii" in step else []
    told += [f"{' and '.join(map(json.dumps, step['lacks']))} nowhere in it"] if "lacks" in step else []
    return f"{shown}  ({'; '.join(told)})" if told else shown


def _listed(members: list[tuple[str, Any]]) -> str:
    return ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in members)
