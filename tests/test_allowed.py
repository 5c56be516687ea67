"""What the hub allows in a request's fields is what the spec's models allow, in words that a person understands."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from mockserver.state.allowed import NO_DEFAULT, defaults, generate_fields, service_name
from neuroengine._generated.models import GenerateRequest, ServiceName

FIELDS = tuple(generate_fields())
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.integers().map(float)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.sampled_from(
    ["true", "FALSE", "True\n", "20", "007", "0", "-1", "", "9" * 18, "9" * 19, "x" * 256, "x" * 257]
)
EDGES = st.sampled_from(
    [0, 1, -1, 0.0, -0.0, 1.0, 1.5, 40.0, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, float(2**63), 5e-324]
)
VALUES: st.SearchStrategy[Any] = st.none() | st.booleans() | NUMBERS | EDGES | TEXTS | st.just([]) | st.just({})


def model_allows(name: str, value: Any) -> bool:
    try:
        GenerateRequest.model_validate({"message": "", name: value})
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", FIELDS)
@given(value=VALUES)
def test_a_value_is_allowed_where_the_model_allows_it(name: str, value: Any) -> None:
    assert generate_fields()[name].holds(value) is model_allows(name, value)


@given(name=TEXTS | st.from_regex(r"[A-Za-z0-9._-]{1,70}"))
@example("a" * 64)
@example("a" * 65)
@example("a\n")
@example("-a")
def test_a_services_name_is_allowed_where_the_model_allows_it(name: str) -> None:
    try:
        TypeAdapter(ServiceName).validate_python(name)
    except ValidationError:
        allowed = False
    else:
        allowed = True
    assert service_name().holds(name) is allowed


def test_the_defaults_are_the_models() -> None:
    fields = GenerateRequest.model_fields
    known = {name: field.default for name, field in fields.items() if name in defaults()}
    assert json.dumps(dict(defaults())) == json.dumps(known)
    assert {name for name in fields if generate_fields()[name].default is NO_DEFAULT} == {"message", "key", "seq"}


def test_what_is_allowed_is_said_in_words() -> None:
    assert {name: field.words for name, field in generate_fields().items()} == {
        "message": "text",
        "temperature": "a number, 0 or more",
        "top_p": "a number from 0 to 1",
        "top_k": "a whole number, 0 or more",
        "min_p": "a number from 0 to 1",
        "repetition_penalty": "a number above 0",
        "max_new_len": "a whole number, 0 or more",
        "seed": "a whole number of 64 bits",
        "raw": 'true or false or text such as "False" or "True"',
        "key": "text or null of at most 256 characters",
        "gettokens": 'a whole number, 1 or more, or text such as "20" of at most 18 characters',
        "seq": "a whole number, 0 or more",
    }
