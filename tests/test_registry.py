"""The registry and the schemas: every file has its shape, every name that a file uses exists, and no machine is stuck.

Requirements have a test module of their own, `test_catalogue.py`; here they are only checked against their schema.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from neuroengine import spec

ROOT = Path(__file__).parents[1]
CITING = {".py", ".md", ".toml", ".json"}
SCHEMA_PATHS = [path for path in spec.paths() if path.endswith(".schema.json")]
REGISTRY_SCHEMAS = {
    path.rpartition("/")[2].partition(".")[0]: path for path in SCHEMA_PATHS if path.startswith("registry/")
}
DATA_PATHS = [path for path in spec.paths() if path.endswith(".toml") or path.startswith("vectors/")]
SCHEMAS: Registry[Any] = Registry().with_resources(
    (spec.read_json(path)["$id"], Resource.from_contents(spec.read_json(path))) for path in SCHEMA_PATHS
)
DEFINITIONS = [
    pytest.param(path, name, id=f"{path.rpartition('/')[2].partition('.')[0]}-{name}")
    for path in SCHEMA_PATHS
    for name in spec.read_json(path).get("$defs", {})
    if path.startswith("schemas/")
]
NAME_ENDINGS = {
    "bytes": "_bytes",
    "characters": "_chars",
    "levels": "_levels",
    "seconds": "_s",
    "tokens": "_tokens",
    "requests": "_requests",
    "streams": "_streams",
}
MACHINES = [pytest.param(machine, id=machine["name"]) for machine in spec.machines()]


def schema_of(path: str) -> str:
    """The schema whose name the file's name starts with: `requirements` has the shape of `requirements/http.toml`."""
    name = path.removeprefix("registry/").replace("/", "_").partition(".")[0]
    (schema,) = (schema for stem, schema in REGISTRY_SCHEMAS.items() if f"{name}_".startswith(f"{stem}_"))
    return schema


def validator(path: str, definition: str | None = None) -> Draft202012Validator:
    """A validator of a schema file, or of one of its definitions."""
    reference = spec.read_json(path)["$id"] + (f"#/$defs/{definition}" if definition else "")
    formats = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator({"$ref": reference}, registry=SCHEMAS, format_checker=formats)


def duplicates(names: list[Any]) -> list[Any]:
    return [name for name, count in Counter(names).items() if count > 1]


def references(node: Any) -> list[str]:
    """All that a schema refers to."""
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [reference for value in node.values() for reference in references(value)]
    if isinstance(node, list):
        return [reference for value in node for reference in references(value)]
    return []


@pytest.mark.parametrize("path", SCHEMA_PATHS)
def test_a_schema_is_valid_against_the_metaschema(path: str) -> None:
    schema = spec.read_json(path)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.mark.parametrize("path", SCHEMA_PATHS)
def test_a_schemas_id_is_its_file_name_at_the_specs_address(path: str) -> None:
    base_url = spec.read_toml("registry/spec.toml")["base_url"]
    assert spec.read_json(path)["$id"] == base_url + path.replace("schemas/", "")


@pytest.mark.parametrize("path", SCHEMA_PATHS)
def test_a_schema_refers_only_to_what_exists(path: str) -> None:
    schema = spec.read_json(path)
    resolver = SCHEMAS.resolver(base_uri=schema["$id"])
    for reference in references(schema):
        assert resolver.lookup(reference).contents["title"]


@pytest.mark.parametrize("path", DATA_PATHS)
def test_a_file_of_data_is_valid_against_its_schema(path: str) -> None:
    data = spec.read_toml(path) if path.endswith(".toml") else spec.read_json(path)
    errors = validator(schema_of(path)).iter_errors(data)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_every_registry_schema_has_its_files() -> None:
    assert {schema_of(path) for path in DATA_PATHS} == set(REGISTRY_SCHEMAS.values())


def test_the_revision_is_part_of_the_specs_address() -> None:
    assert spec.read_toml("registry/spec.toml")["base_url"].endswith(f"/{spec.revision()}/")


def test_every_requirement_that_a_file_cites_exists() -> None:
    known = {row["id"] for row in spec.requirements()}
    folders = (
        ROOT / name for name in ("neuroengine", "mockserver", "conformance", "tools", "spec", "docs", "examples")
    )
    files = [*ROOT.glob("*.md"), *(file for folder in folders for file in folder.rglob("*") if file.suffix in CITING)]
    cited = {(file, cited) for file in files for cited in re.findall(r"NE-[A-Z]+-[0-9]{3}\b", file.read_text("utf-8"))}
    assert cited
    assert sorted(f"{file.relative_to(ROOT)}: {name}" for file, name in cited if name not in known) == []


@pytest.mark.parametrize(("path", "name"), DEFINITIONS)
def test_a_message_definition_is_documented_with_valid_examples(path: str, name: str) -> None:
    definition = spec.read_json(path)["$defs"][name]
    assert definition["title"]
    assert definition["description"].endswith(".")
    assert definition["examples"]
    for example in definition["examples"]:
        validator(path, name).validate(example)


@pytest.mark.parametrize(("path", "name"), DEFINITIONS)
def test_a_members_default_and_examples_are_valid_and_a_member_without_a_definition_is_documented(
    path: str, name: str
) -> None:
    for member, rule in spec.read_json(path)["$defs"][name].get("properties", {}).items():
        for value in [*rule.get("examples", []), *([rule["default"]] if "default" in rule else [])]:
            validator(path, f"{name}/properties/{member}").validate(value)
        if "$ref" not in rule:
            assert rule["title"], member
            assert rule["description"].endswith("."), member
            assert rule["examples"], member


def test_error_codes_are_contiguous_from_zero_and_names_are_unique() -> None:
    assert [row["code"] for row in spec.errors()] == list(range(len(spec.errors())))
    assert duplicates([row["name"] for row in spec.errors()]) == []


def test_only_success_has_the_status_of_success() -> None:
    assert [row["name"] for row in spec.errors() if row["http_status"] < 400] == ["ok"]


def test_a_limits_name_is_unique_and_ends_with_its_unit() -> None:
    assert duplicates([row["name"] for row in spec.limits()]) == []
    wrong = [row["name"] for row in spec.limits() if not f"_{row['name']}".endswith(NAME_ENDINGS[row["unit"]])]
    assert wrong == []


def test_a_limits_default_is_not_below_what_a_client_may_rely_on() -> None:
    assert [row["name"] for row in spec.limits() if row.get("floor", 0) > row["value"]] == []


def test_the_limits_of_the_wire_are_those_of_the_schemas() -> None:
    wire = {row["name"]: row["value"] for row in spec.limits() if row["scope"] == "wire"}
    service_name = validator("schemas/client.schema.json", "ServiceName")
    stream_key = validator("schemas/client.schema.json", "StreamKey")
    for judge, longest in ((service_name, wire["service_name_chars"]), (stream_key, wire["stream_key_chars"])):
        assert judge.is_valid("a" * longest)
        assert not judge.is_valid("a" * (longest + 1))


def test_limits_and_machines_belong_to_sections_that_exist() -> None:
    anchors = {section["anchor"] for section in spec.sections()}
    assert [row["name"] for row in [*spec.limits(), *spec.machines()] if row["section"] not in anchors] == []


def test_the_names_of_machines_are_unique() -> None:
    assert duplicates([machine["name"] for machine in spec.machines()]) == []


@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_uses_exactly_the_states_and_events_that_it_lists(machine: dict[str, Any]) -> None:
    names = [state["name"] for state in machine["state"]]
    events = [event["name"] for event in machine["event"]]
    assert duplicates(names) == duplicates(events) == []
    assert {machine["initial"]} | {state for move in moves(machine) for state in move} == set(names)
    assert {transition["event"] for transition in machine["transition"]} == set(events)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_is_deterministic(machine: dict[str, Any]) -> None:
    pairs = [(state, transition["event"]) for transition in machine["transition"] for state in transition["from"]]
    assert duplicates(pairs) == []


@pytest.mark.parametrize("machine", MACHINES)
def test_the_final_states_of_a_machine_are_those_without_a_transition(machine: dict[str, Any]) -> None:
    assert states(machine) - {origin for origin, _ in moves(machine)} == final_states(machine)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_of_a_machine_can_be_reached_and_can_come_to_an_end(machine: dict[str, Any]) -> None:
    backwards = [(target, origin) for origin, target in moves(machine)]
    assert closure({machine["initial"]}, moves(machine)) == states(machine)
    assert closure(final_states(machine), backwards) == states(machine)


def states(machine: dict[str, Any]) -> set[str]:
    return {state["name"] for state in machine["state"]}


def final_states(machine: dict[str, Any]) -> set[str]:
    return {state["name"] for state in machine["state"] if state.get("final")}


def moves(machine: dict[str, Any]) -> list[tuple[str, str]]:
    """Every (state, next state)."""
    return [(state, transition["to"]) for transition in machine["transition"] for state in transition["from"]]


def closure(start: set[str], steps: list[tuple[str, str]]) -> set[str]:
    """All that the steps lead to from the start, the start included."""
    found = set(start)
    while new := {target for origin, target in steps if origin in found} - found:
        found |= new
    return found
