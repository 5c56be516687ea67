"""The schema of rule files: described throughout, and read by the loader exactly as a JSON Schema library reads it."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from mockserver.rules.data import data_of
from mockserver.rules.fixtures import FixtureError, rules_from
from mockserver.rules.schema import SCHEMA_PATH, violation
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = spec.read_json(SCHEMA_PATH)
DOCUMENTS: Registry[Any] = Registry().with_resources(
    (document["$id"], Resource.from_contents(document))
    for document in (SCHEMA, *(spec.schema(name) for name in spec.SCHEMA_NAMES))
)
ROUNDS = 4000
ODD_VALUES: list[Any] = [None, True, 0, 1, -1, 1.5, 2.0, 1e400, "", "a", "queue_full", [], ["a"], {}, {"regex": "a"}]


def is_valid(data: Any, definition: str = "RuleFile") -> bool:
    reference = f"{SCHEMA['$id']}#/$defs/{definition}"
    return bool(Draft202012Validator({"$ref": reference}, registry=DOCUMENTS).is_valid(data))


DEFINITIONS = SCHEMA["$defs"]
NAMES = sorted({name for part in DEFINITIONS.values() for name in part.get("properties", {})} | {"odd"})
PROPERTIES = {
    f"{name}.{member}": (name, member, property_)
    for name, part in DEFINITIONS.items()
    for member, property_ in part.get("properties", {}).items()
    if property_.keys() != {"$ref"}  # which is described where it points to
}


@pytest.mark.parametrize("part", DEFINITIONS.values(), ids=DEFINITIONS.keys())
def test_every_definition_is_described_and_has_examples(part: dict[str, Any]) -> None:
    assert part["title"]
    assert part["description"].endswith(".")
    assert part["examples"]


@pytest.mark.parametrize("property_", PROPERTIES.values(), ids=PROPERTIES.keys())
def test_every_property_is_described_and_its_examples_are_valid_there(property_: tuple[str, str, Any]) -> None:
    name, member, part = property_
    assert part["title"]
    assert part["description"].endswith(".")
    whole = next((one for one in DEFINITIONS[name]["examples"] if member in one), DEFINITIONS[name]["examples"][0])
    for example in part["examples"]:
        assert is_valid({**whole, member: example}, name), example


@pytest.mark.parametrize(
    ("name", "example"),
    [(name, example) for name, part in DEFINITIONS.items() for example in part["examples"]],
)
def test_every_example_of_a_definition_is_valid(name: str, example: Any) -> None:
    assert is_valid(example, name)


WHOLE_FILES = [
    *DEFINITIONS["RuleFile"]["examples"],
    *({"rules": [example]} for example in DEFINITIONS["Rule"]["examples"]),
    *({"rules": [{"when": example}]} for example in DEFINITIONS["Criteria"]["examples"]),
    *(
        {"rules": [{"when": {"fields": {"command": "getmodels"}} if name == "ModelsTurn" else {}, "then": example}]}
        for name, part in DEFINITIONS.items()
        for example in part["examples"]
        if name.endswith(("Turn", "Turns", "TurnList"))
    ),
]


@pytest.mark.parametrize("example", WHOLE_FILES)
def test_an_example_is_read_and_written_back(example: Any) -> None:
    rules = rules_from(example, "example")
    again = {"rules": [data_of(rule) for rule in rules]}
    assert is_valid(again)
    assert rules_from(again, "again") == rules


def test_the_loader_and_a_json_schema_library_agree_on_many_changed_files() -> None:
    """What the one refuses the other refuses: files with values, members and lists changed at random."""
    draw = random.Random(20261126)
    seeds = list(WHOLE_FILES)
    for name in ("Wish", "EqualsWish", "RegexWish", "ContainsWish", "OneOfWish", "BetweenWish", "PresentWish"):
        seeds += [{"rules": [{"when": {"fields": {"x": each}}}]} for each in DEFINITIONS[name]["examples"]]
    verdicts = {True: 0, False: 0}
    for _ in range(ROUNDS):
        data = copy.deepcopy(draw.choice(seeds))
        for _ in range(draw.randint(1, 3)):
            change(data, draw)
        valid = is_valid(data)
        verdicts[valid] += 1
        found = violation(data)
        # JSON has no infinite number, so the library takes one for a number; a file cannot hold it, but for TOML.
        if not has_infinity(data):
            assert (found is None) is valid, (data, found)
        if found is not None:
            with pytest.raises(FixtureError):
                rules_from(data, "changed")
    assert min(verdicts.values()) > ROUNDS / 20, verdicts


def change(data: Any, draw: random.Random) -> None:
    """Changes one place of the data, wherever that is."""
    places = list(containers(data))
    place = draw.choice(places)
    if isinstance(place, dict):
        name = draw.choice([*place, draw.choice(NAMES)])
        if name in place and draw.random() < 0.3:
            del place[name]
        else:
            place[name] = copy.deepcopy(draw.choice(ODD_VALUES))
    elif place and draw.random() < 0.5:
        place[draw.randrange(len(place))] = copy.deepcopy(draw.choice(ODD_VALUES))
    else:
        place.append(copy.deepcopy(draw.choice(ODD_VALUES)))


def containers(data: Any) -> Iterator[Any]:
    if isinstance(data, dict | list):
        yield data
        for value in data.values() if isinstance(data, dict) else data:
            yield from containers(value)


def has_infinity(data: Any) -> bool:
    return "Infinity" in json.dumps(data)


def test_a_number_without_end_is_refused_though_toml_has_it() -> None:
    assert violation({"rules": [{"then": {"delay_s": float("inf")}}]}) is not None
    assert violation({"rules": [{"then": {"reply": "x", "delay_s": float("nan")}}]}) is not None


def test_a_keyword_that_nobody_reads_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = copy.deepcopy(SCHEMA)
    changed["$defs"]["RuleFile"]["properties"]["rules"]["maxItems"] = 1
    monkeypatch.setattr("mockserver.rules.schema._document", lambda _: changed)
    with pytest.raises(NotImplementedError, match=r"that nobody reads: .'maxItems'"):
        violation({"rules": []})
