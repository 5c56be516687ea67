"""The client's own check of a request's fields says the same as a full JSON Schema validator."""

from __future__ import annotations

import ast
import inspect
import math
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroengine import spec
from neuroengine.errors import InvalidField
from neuroengine.protocol import fields, requests
from neuroengine.protocol.requests import SAMPLING_FIELDS, Sampling

SCHEMA = spec.schema("client")
FIELDS = list(SCHEMA["$defs"]["GenerateRequest"]["properties"])
EDGES: list[Any] = [
    None, True, False, -1, 0, 1, -0.0, 0.5, 1.0, 1.5, 40.0, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 1e300, "",
    "0", "020", "20", "20\n", "True", "true", "FALSE", "maybe", "x" * 256, "x" * 257, [], {}, "9" * 18, "9" * 19,
]  # fmt: skip
VALUES = (
    st.sampled_from(EDGES)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.from_regex(r"[0-9]{1,20}", fullmatch=True)
)


def accepts(name: str, value: Any) -> bool:
    try:
        fields.check(name, value)
    except InvalidField:
        return False
    return True


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_is_checked_as_the_schema_says(name: str) -> None:
    reference = {"$ref": f"#/$defs/GenerateRequest/properties/{name}", "$defs": SCHEMA["$defs"]}
    validator = jsonschema.Draft202012Validator(reference)

    @given(value=VALUES)
    def same(value: Any) -> None:
        # Python's `$` lets a last line feed pass that ECMA-262, JSON Schema's own dialect, does not.
        has_pattern = name in {"raw", "gettokens"}
        expected = validator.is_valid(value) and not (has_pattern and str(value).endswith("\n"))
        assert accepts(name, value) is expected

    same()
    for edge in EDGES:
        same.hypothesis.inner_test(edge)  # type: ignore[attr-defined]  # hypothesis' own way to call the test itself


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 10**400, 10**5000], ids=["nan", "inf", "-inf", "large", "huge"]
)
@pytest.mark.parametrize("name", FIELDS)
def test_a_number_that_no_hub_can_read_is_refused(name: str, value: float) -> None:
    assert not accepts(name, value)


@pytest.mark.parametrize("name", ["message", "key"])
def test_a_lone_surrogate_is_refused(name: str) -> None:
    assert not accepts(name, "a\ud800b")
    assert accepts(name, "a🙂b")


@pytest.mark.parametrize("name", FIELDS)
def test_the_rule_of_every_field_can_be_told(name: str) -> None:
    with pytest.raises(InvalidField) as caught:
        fields.check(name, object())
    assert caught.value.rule
    assert str(caught.value).startswith(f"{name} must be ")


def test_the_rule_tells_the_bounds() -> None:
    for name, value, words in (
        ("top_p", 2, "a finite number from 0 to 1"),
        ("temperature", -1, "a finite number, 0 or more"),
        ("repetition_penalty", 0, "a finite number above 0"),
        ("gettokens", 0, "a whole number, 1 or more; it was 0$"),
        ("seed", 2**63, "a whole number of 64 bits; it was"),
        ("raw", "yes", "true or false; it was"),
        ("key", "x" * 257, "text of at most 256 characters without lone surrogates; it was"),
        ("message", 5, "text without lone surrogates"),
    ):
        with pytest.raises(InvalidField, match=words):
            fields.check(name, value)


@pytest.mark.parametrize(
    ("name", "value", "wire"),
    [
        ("raw", True, "True"),
        ("raw", False, "False"),
        ("raw", "tRUE", "True"),
        ("top_k", 40.0, 40),
        ("temperature", 1.0, 1.0),
        ("gettokens", "020", 20),
        ("gettokens", 20.0, 20),
        ("seed", -5, -5),
    ],
)
def test_a_value_goes_on_the_wire_in_its_canonical_form(name: str, value: Any, wire: Any) -> None:
    found = fields.check(name, value)
    assert (found, type(found)) == (wire, type(wire))


def test_a_keyword_that_the_check_does_not_know_is_an_error_and_not_overlooked() -> None:
    with pytest.raises(KeyError, match="multipleOf"):
        fields._allows({"type": "integer", "multipleOf": 2}, 3)


def test_the_sampling_fields_are_those_of_the_schema_with_its_words() -> None:
    properties = fields.generate_fields()
    assert set(SAMPLING_FIELDS) == set(properties) - {"message", "key", "gettokens", "seq"}
    body = ast.parse(inspect.getsource(Sampling)).body[0]
    assert isinstance(body, ast.ClassDef)
    said = {}
    for field, words in zip(body.body[1::2], body.body[2::2], strict=True):
        assert isinstance(field, ast.AnnAssign)
        assert isinstance(field.target, ast.Name)
        assert isinstance(words, ast.Expr)
        assert isinstance(words.value, ast.Constant)
        said[field.target.id] = " ".join(str(words.value.value).split())
    for name, description in said.items():
        meant = properties[name]["description"]
        assert meant == description or (name == "raw" and meant.startswith(description.removesuffix(".")))


@given(
    prompt=st.text(st.characters(exclude_categories=["Cs"])), seed=st.integers(-(2**63), 2**63 - 1), raw=st.booleans()
)
def test_every_request_is_valid_against_the_schema(prompt: str, seed: int, raw: bool) -> None:
    validator = jsonschema.Draft202012Validator({"$ref": "#/$defs/GenerateRequest", "$defs": SCHEMA["$defs"]})
    whole = requests.generation(prompt, {"seed": seed, "raw": raw})
    validator.validate(whole)
    validator.validate(requests.poll(whole, key="k", gettokens=1, seq=0))
    assert whole["message"] == prompt
    assert requests.encoded(whole).isascii()
