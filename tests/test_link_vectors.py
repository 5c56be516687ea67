"""The byte sequences of spec/vectors/provider_link.json: their shape, and what a provider makes of those of a hub."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import jsonschema
import pytest

from neuroengine import spec
from neuroengine._generated.machines import ProviderLinkState
from neuroengine.protocol import link
from neuroengine.protocol.frames import error_payload

FILE = spec.read_json("vectors/provider_link.json")
FROM_HUB = [vector for vector in FILE["vectors"] if vector["direction"] == "hub-to-provider"]
SPLIT_EVERYWHERE_BYTES = 300


def joined(parts: list[dict[str, Any]]) -> bytes:
    return b"".join(
        (part["text"].encode() if "text" in part else bytes.fromhex(part["hex"])) * part.get("repeat", 1)
        for part in parts
    )


def writes(vector: dict[str, Any]) -> list[bytes]:
    return [joined(chunk.get("parts", [chunk])) for chunk in vector["chunks"]]


def wanted_events(vector: dict[str, Any]) -> list[dict[str, Any]]:
    events = []
    for event in vector["expect"]["events"]:
        wanted = dict(event)
        if "message" in event:
            wanted["members"] = {"message": joined(wanted.pop("message")).decode()}
        events.append(wanted)
    return events


def seen_events(vector: dict[str, Any], cuts: list[bytes]) -> list[dict[str, Any]]:
    """What the provider's side of the link makes of the bytes in these cuts, when every request is answered at once."""
    provider = link.ProviderLink("MYGPT", "DEMOKEY")
    provider.login()
    if vector["state"] == "ready":
        provider.receive(b"OK")
        assert provider.next_event() == link.Accepted()
    seen: list[dict[str, Any]] = []
    for cut in [*cuts, *([b""] if vector.get("then") == "close" else [])]:
        provider.receive(cut)
        while (event := provider.next_event()) is not None:
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(event).__name__).lower()
            shown = {"event": name, **dataclasses.asdict(event)}
            for private in ("reason", "text"):  # the words are each program's own
                shown.pop(private, None)
            seen.append(shown)
            if provider.state is ProviderLinkState.ANSWERING and isinstance(
                event, link.Request | link.UnreadableRequest
            ):
                assert provider.answer(error_payload("no")).startswith(b"0000")
    return seen


def test_the_file_has_the_shape_that_its_schema_describes() -> None:
    schema = spec.read_json("registry/schemas/vectors_provider_link.schema.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    for vector in FILE["vectors"]:  # one by one, so that a failure shows one sequence
        kind = "FromHub" if vector in FROM_HUB else "FromProvider"
        jsonschema.Draft202012Validator({"$defs": schema["$defs"], "$ref": f"#/$defs/{kind}"}).validate(vector)
    jsonschema.Draft202012Validator(schema).validate(FILE)


def test_every_name_stands_once_and_both_directions_are_covered() -> None:
    names = [vector["name"] for vector in FILE["vectors"]]
    assert len(names) == len(set(names))
    assert len(names) >= 50
    assert 0 < len(FROM_HUB) < len(names)


def test_every_requirement_that_a_sequence_names_stands_in_the_catalogue() -> None:
    known = {row["id"] for row in spec.requirements()}
    named = {requirement for vector in FILE["vectors"] for requirement in vector["requirements"]}
    assert named <= known


def test_every_requirement_on_how_a_login_or_an_answer_is_read_has_a_sequence() -> None:
    named = {requirement for vector in FILE["vectors"] for requirement in vector["requirements"]}
    bytes_decide = {f"NE-PANS-{number:03}" for number in range(1, 18)} | {
        f"NE-LOGIN-{number:03}" for number in (3, 5, 6, 8, 10, 14)
    }
    bytes_decide |= {f"NE-PROV-{number:03}" for number in (3, 4, 5, 8, 9, 10, 11, 12, 13, 17)}
    assert bytes_decide <= named


@pytest.mark.parametrize("vector", FROM_HUB, ids=[vector["name"] for vector in FROM_HUB])
def test_a_sequence_from_the_hub_means_the_same_however_it_is_cut(vector: dict[str, Any]) -> None:
    wanted = wanted_events(vector)
    whole = b"".join(writes(vector))
    assert seen_events(vector, writes(vector)) == wanted
    assert seen_events(vector, [whole] if whole else []) == wanted
    assert seen_events(vector, [whole[place : place + 1] for place in range(len(whole))]) == wanted
    if len(whole) <= SPLIT_EVERYWHERE_BYTES:
        for place in range(1, len(whole)):
            assert seen_events(vector, [whole[:place], whole[place:]]) == wanted, f"split at {place}"
