"""The HTTP vectors of spec/vectors/http_*.json as data: their shape, the catalogue and the message schemas.

The mock hub is put to them in `test_http_vectors.py`.
"""

from __future__ import annotations

import json
import re

import pytest
from jsonschema import Draft202012Validator
from vector_runner import FILES, VECTORS, Json, schema_of

from neuroengine import spec
from neuroengine._generated.registry import HUB_LIMITS

REQUIREMENTS = {row["id"]: row for row in spec.requirements()}
AREAS = {"HTTP", "BODY", "REQ", "ANS", "STREAM", "RESUME", "MODELS", "ERR", "CODE", "LIM", "ACCESS"}
WRONG_VALUES = {"NE-REQ-007", "NE-REQ-008"}
"""What asks for some well-formed answer to a wrong value."""
WRONG_FIELD = [
    vector
    for vector in VECTORS.values()
    if "twin" in vector and any("field" in step.get("expect", {}) for step in vector["steps"])
]


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_valid_against_its_schema(path: str) -> None:
    schema = spec.read_json("registry/schemas/vectors_http.schema.json")
    errors = Draft202012Validator(schema).iter_errors(FILES[path])
    assert [f"{error.json_path}: {error.message[:200]}" for error in errors] == []


def test_names_and_titles_are_unique_in_all_files() -> None:
    vectors = [vector for data in FILES.values() for vector in data["vectors"]]
    assert len({vector["name"] for vector in vectors}) == len({vector["title"] for vector in vectors}) == len(vectors)
    assert len(vectors) >= 100


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_a_vector_names_testable_requirements_of_hubs_and_has_their_profile(vector: Json) -> None:
    rows = [REQUIREMENTS[name] for name in vector["requirements"]]
    assert {row["role"] for row in rows} == {"hub"}
    assert [row["id"] for row in rows if "untestable" in row] == []
    assert vector["profile"] == ("extended" if "extended" in {row["profile"] for row in rows} else "core")


def test_every_requirement_that_a_request_alone_can_test_is_named_by_a_vector() -> None:
    named = {name for vector in VECTORS.values() for name in vector["requirements"]}
    plain_rows = [
        row for row in REQUIREMENTS.values() if row["role"] == "hub" and not {"untestable", "needs"} & set(row)
    ]
    missing = [row["id"] for row in plain_rows if row["id"].split("-")[1] in AREAS and row["id"] not in named]
    assert missing == []
    assert {name.split("-")[1] for name in named} == set(AREAS)


def test_the_limits_that_a_vector_is_written_for_are_the_registrys() -> None:
    for vector in VECTORS.values():
        assert vector.get("limits", {}).items() <= HUB_LIMITS.items()


def test_references_to_steps_point_back() -> None:
    for vector in VECTORS.values():
        for number, step in enumerate(vector["steps"]):
            checks = [step.get("assume", {}), step.get("expect", {}), step.get("until_end", {}).get("end", {})]
            assert all(check.get("reply", {}).get("same_as", -1) < number for check in checks), vector["name"]
            if "joined" in step:
                assert step["joined"]["same_as"] < number
                assert max(step["joined"]["steps"]) == number


def object_of(request: Json) -> Json | None:
    """The JSON object that a request holds, each random key with its length; none where it holds no object."""
    if "json" in request:
        text = json.dumps(request["json"])
    else:
        parts = request.get("parts", [request])
        text = "".join(part["text"] * part.get("repeat", 1) for part in parts if "text" in part)
    text = re.sub(r"\{key2?\}", "k" * 43, text)
    text = re.sub(r"\{key:(\d+)\}", lambda found: "k" * int(found[1]), text)
    text = re.sub(r'"\{seq(\+\d+)?\}"', "1", text)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def exchanges(vector: Json) -> list[tuple[Json, Json]]:
    """Each request of the vector that is a JSON object, with what is wanted of its answer."""
    pairs = [(object_of(step["request"]), step.get("expect", step.get("assume"))) for step in vector["steps"]]
    return [(request, wanted) for request, wanted in pairs if request is not None]


def schema_errors(request: Json) -> set[str]:
    """The members that the message schemas refuse; `gettokens` and `seq` mean nothing without a stream key."""
    if "command" in request:
        return set() if schema_of("GetmodelsRequest").is_valid(request) else {"command"}
    ignored = set() if request.get("key") else {"gettokens", "seq"}
    judged = {name: value for name, value in request.items() if name not in ignored}
    errors = schema_of("GenerateRequest").iter_errors(judged)
    return {str(error.absolute_path[0]) if error.absolute_path else "message" for error in errors}


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_what_a_vector_expects_agrees_with_the_message_schemas(vector: Json) -> None:
    for request, expected in exchanges(vector):
        refused = schema_errors(request)
        match expected.get("code"):
            case 0 | None:
                assert refused == set(), request
            case 4:
                assert refused == {expected["field"]}, request
            case 3:
                assert "message" not in request
                assert "command" not in request
            case 5:
                assert refused == {"command"}, request
            case "any" if WRONG_VALUES & set(vector["requirements"]):
                assert refused, request


def test_every_refusal_has_a_valid_twin() -> None:
    for vector in VECTORS.values():
        codes = {step["expect"].get("code", 0) for step in vector["steps"] if "expect" in step}
        if codes <= {0, "any"}:
            continue
        twin = VECTORS[str(vector.get("twin", vector["name"]))]
        assert any(step.get("expect", {}).get("code", 0) == 0 for step in twin["steps"]), vector["name"]


@pytest.mark.parametrize("vector", WRONG_FIELD, ids=lambda vector: vector["name"])
def test_a_request_with_a_wrong_field_differs_from_its_twin_in_that_field_alone(vector: Json) -> None:
    twins = [request for request, _ in exchanges(VECTORS[str(vector["twin"])])]
    for request, wanted in exchanges(vector):
        if wanted.get("code") == 4:
            field = wanted["field"]
            assert any(differing(request, twin, field) == {field} for twin in twins), request


def differing(one: Json, other: Json, field: str) -> set[str]:
    """The members that are not the same JSON; one random key is as good as another, unless the key is the matter."""
    names = {name for name in {*one, *other} if json.dumps(one.get(name, "-")) != json.dumps(other.get(name, "-"))}
    return names - {"key"} if field != "key" and one.get("key") and other.get("key") else names
