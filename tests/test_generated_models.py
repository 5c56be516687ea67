"""The generated models accept and refuse exactly what the schemas do, and keep what they read as it came."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import MISSING, TypeAdapter, ValidationError
from referencing import Registry, Resource

from neuroengine import spec
from neuroengine._generated import models

if TYPE_CHECKING:
    from collections.abc import Callable

    from jsonschema.exceptions import ValidationError as SchemaViolation

SCHEMAS = [spec.schema(name) for name in spec.SCHEMA_NAMES]
REGISTRY: Registry[Any] = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS
)
DEFINITIONS: dict[str, Any] = {name: rule for schema in SCHEMAS for name, rule in schema["$defs"].items()}
VALIDATORS = {
    name: Draft202012Validator({"$ref": f"{schema['$id']}#/$defs/{name}"}, registry=REGISTRY)
    for schema in SCHEMAS
    for name in schema["$defs"]
}
ADAPTERS: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(getattr(models, name)) for name in DEFINITIONS}
LEFT_TO_THE_SCHEMA = {("SuccessAnswer", "dependentRequired"), ("ProviderRequest", "not")}
"""Rules between members. A pydantic field knows nothing of its neighbours, so the models leave these to the schemas."""
EXPRESSED = {
    "$ref", "additionalProperties", "anyOf", "const", "default", "description", "enum", "examples", "exclusiveMinimum",
    "items", "maxLength", "maximum", "minLength", "minimum", "pattern", "properties", "required", "title", "type",
}  # fmt: skip


def violations(name: str, value: Any) -> list[SchemaViolation]:
    """What the schema finds wrong, without the rules that the models leave to it."""
    errors = VALIDATORS[name].iter_errors(value)
    return [error for error in errors if (name, str(error.validator)) not in LEFT_TO_THE_SCHEMA]


def accepts(validate: Callable[[Any], object], value: Any) -> bool:
    try:
        validate(value)
    except ValidationError:
        return False
    return True


PARITY: list[tuple[str, Any, bool]] = [
    ("TopK", 40, True),
    ("TopK", 40.0, True),
    ("TopK", 40.5, False),
    ("TopK", "40", False),
    ("TopK", True, False),
    ("TopK", None, False),
    ("TopK", -1, False),
    ("TopK", 0, True),
    ("TopK", 1e300, False),
    ("Seed", 2**63 - 1, True),
    ("Seed", 2**63, False),
    ("Seed", -(2**63), True),
    ("Seed", -(2**63) - 1, False),
    ("Temperature", 1, True),
    ("Temperature", 0, True),
    ("Temperature", -0.1, False),
    ("Temperature", "1.0", False),
    ("Temperature", True, False),
    ("Temperature", None, False),
    ("TopP", 1, True),
    ("TopP", 1.01, False),
    ("RepetitionPenalty", 0, False),
    ("RepetitionPenalty", 5e-324, True),
    ("Message", "", True),
    ("Message", None, False),
    ("Message", 1, False),
    ("RawFlag", "True", True),
    ("RawFlag", "tRuE", True),
    ("RawFlag", False, True),
    ("RawFlag", "yes", False),
    ("RawFlag", 0, False),
    ("RawFlag", None, False),
    ("StreamKey", None, True),
    ("StreamKey", "", True),
    ("StreamKey", "\N{GRINNING FACE}" * 256, True),
    ("StreamKey", "k" * 257, False),
    ("StreamKey", 5, False),
    ("GetTokens", 20, True),
    ("GetTokens", 20.0, True),
    ("GetTokens", "20", True),
    ("GetTokens", "020", True),
    ("GetTokens", "0", False),
    ("GetTokens", "20.0", False),
    ("GetTokens", "\N{ARABIC-INDIC DIGIT TWO}", False),
    ("GetTokens", 0, False),
    ("GetTokens", True, False),
    ("ServiceName", "MYGPT", True),
    ("ServiceName", ".hidden", False),
    ("ServiceName", "a" * 65, False),
    ("GenerateRequest", {"message": "Hello", "unknown": [1]}, True),
    ("GenerateRequest", {}, False),
    ("GenerateRequest", [], False),
    ("GenerateRequest", {"message": "Hello", "key": None}, True),
    ("GenerateRequest", {"message": "Hello", "seq": None}, False),
    ("GetmodelsRequest", {"command": "getmodels", "message": 1}, True),
    ("GetmodelsRequest", {"command": "Getmodels"}, False),
    ("Answer", {"reply": "x", "errorcode": 0, "more": {}}, True),
    ("Answer", {"reply": "x"}, False),
    ("Answer", {"reply": None, "errorcode": 0}, False),
    ("Answer", {"reply": "x", "errorcode": 0, "done": 1}, False),
    ("SuccessAnswer", {"reply": "x", "errorcode": 0}, True),
    ("SuccessAnswer", {"reply": "x", "errorcode": 0.0}, True),
    ("SuccessAnswer", {"reply": "x", "errorcode": False}, False),
    ("SuccessAnswer", {"reply": "x", "errorcode": 1}, False),
    ("SuccessAnswer", {"reply": "x", "errorcode": 0, "more": 1}, False),
    ("ErrorAnswer", {"reply": "Why.", "errorcode": 7, "error": "provider_offline"}, True),
    ("ErrorAnswer", {"reply": "Why.", "errorcode": 0, "error": "ok"}, False),
    ("ErrorAnswer", {"reply": "", "errorcode": 7, "error": "provider_offline"}, False),
    ("ModelList", [], True),
    ("ModelList", {}, False),
    ("ProviderLogin", {"user": "MYGPT", "key": "DEMOKEY", "streaming": "true"}, False),
    ("Ping", {"ping": None}, True),
    ("Ping", {}, False),
    ("ProviderRequest", {"message": "Hello", "raw": "true"}, False),
    ("ProviderRequest", {"message": "Hello", "raw": True}, False),
    ("ProviderAnswer", {"reply": "x"}, True),
    ("ProviderAnswer", {"reply": "x", "errorcode": None}, False),
    ("ProviderAnswer", {"reply": "x", "errorcode": -5}, True),
]


@pytest.mark.parametrize(("name", "value", "valid"), PARITY, ids=lambda value: repr(value)[:60])
def test_schema_and_model_agree_on_a_known_case(name: str, value: Any, *, valid: bool) -> None:
    assert VALIDATORS[name].is_valid(value) is valid
    assert accepts(ADAPTERS[name].validate_python, value) is valid
    assert accepts(ADAPTERS[name].validate_json, json.dumps(value)) is valid


def test_a_pattern_ends_at_the_end_of_the_text() -> None:
    """A newline at the end is refused, as ECMA-262 has `$`. Python's `re` has it otherwise, and so has jsonschema."""
    assert not accepts(ADAPTERS["ServiceName"].validate_python, "MYGPT\n")
    assert VALIDATORS["ServiceName"].is_valid("MYGPT\n")


def test_every_message_definition_has_its_model_and_no_model_is_without_one() -> None:
    generated = {name for name, value in vars(models).items() if getattr(value, "__module__", "") == models.__name__}
    assert generated == set(DEFINITIONS)


def test_the_schemas_use_no_keyword_that_the_models_do_not_express() -> None:
    used = {(name, keyword) for name, definition in DEFINITIONS.items() for keyword in keywords(definition)}
    assert {pair for pair in used if pair[1] not in EXPRESSED} == LEFT_TO_THE_SCHEMA


def keywords(schema: dict[str, Any]) -> set[str]:
    """The keywords of a schema and of the schemas in it, but for those inside a rule that is left to the schema."""
    found = set(schema)
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    inner += [schema["items"]] if "items" in schema else []
    return found.union(*(keywords(rule) for rule in inner))


# Text without a newline at its end: see test_a_pattern_ends_at_the_end_of_the_text.
TEXTS = st.text(max_size=8).map(lambda text: text.rstrip("\n")) | st.sampled_from(
    ["True", "false", "20", "0", "MYGPT", "getmodels", "ok", "k" * 256, "k" * 257]
)
NUMBERS = (
    st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(min_value=-3, max_value=100).map(float)
    | st.sampled_from([0, 1, 99, 100, 0.0, 1.0, -0.0, 2**63 - 1, 2**63])
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=3,
)


@st.composite
def altered_examples(draw: st.DrawFn, name: str) -> Any:
    """An example of a definition with some members changed, added or left out; or any value at all."""
    example = draw(st.sampled_from(DEFINITIONS[name]["examples"]))
    if not isinstance(example, dict):
        return draw(VALUES)
    members = st.sampled_from([*DEFINITIONS[name]["properties"], "unknown"])
    changes = draw(st.dictionaries(members, VALUES, max_size=3))
    missing = draw(st.sets(members, max_size=1))
    return {member: value for member, value in {**example, **changes}.items() if member not in missing}


@pytest.mark.parametrize("name", DEFINITIONS)
@settings(max_examples=150)
@given(data=st.data())
def test_schema_and_model_agree_on_any_value(name: str, data: st.DataObject) -> None:
    value = data.draw(altered_examples(name))
    found = violations(name, value)
    assert accepts(ADAPTERS[name].validate_python, value) is not bool(found), [error.message for error in found]
    assert accepts(ADAPTERS[name].validate_json, json.dumps(value)) is not bool(found)


@pytest.mark.parametrize("spelling", ["True", "False", "tRuE", True, False])
def test_raw_keeps_its_spelling(spelling: str | bool) -> None:
    request = models.GenerateRequest.model_validate({"message": "Hello", "raw": spelling})
    assert (request.raw, type(request.raw)) == (spelling, type(spelling))


def test_what_is_absent_stays_absent_and_null_stays_null() -> None:
    absent = models.GenerateRequest.model_validate({"message": "Hello"})
    assert absent.key is MISSING
    assert "key" not in absent.model_dump()
    assert models.GenerateRequest.model_validate({"message": "Hello", "key": None}).model_dump()["key"] is None


def test_unknown_members_are_kept_where_a_form_is_open() -> None:
    members = {"message": "Hello", "grammar": {"root": ["a"]}}
    assert models.GenerateRequest.model_validate(members).model_dump(exclude_unset=True) == members


def test_a_model_has_the_defaults_of_its_schema() -> None:
    properties = DEFINITIONS["GenerateRequest"]["properties"]
    stated = {member: rule["default"] for member, rule in properties.items() if "default" in rule}
    assert models.GenerateRequest(message="Hello").model_dump(exclude={"message"}) == stated
