"""Requests made from the spec's schemas, and the hand-made edges that no schema knows.

Generated requests come from schemathesis; this is the one module that knows it. It is slow to import, so it is imported
when a check first asks for such a request.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from hypothesis import strategies as st

from neuroengine import spec

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy
    from schemathesis import GenerationMode

OPTIONAL_FIELDS: Final = (
    "temperature",
    "top_p",
    "top_k",
    "repetition_penalty",
    "max_new_len",
    "seed",
    "raw",
    "gettokens",
)
"""The documented fields of a request beside `message` and `key`."""
CHEAP_TOKENS: Final = 8
"""The longest reply that a generated request asks for: models cost time."""

json_values: Final[SearchStrategy[Any]] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.floats(-1e9, 1e9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
"""Any JSON value of a modest size."""

unicode_texts: Final[SearchStrategy[str]] = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=40
) | st.sampled_from(
    ["naïve café", "東京の天気", "Привет, мир", "👩‍👩‍👧‍👦 🇩🇪 🏳️‍🌈", "e\u0301\u0301", "\U0001d4b3\U0010fffd", "\u202eabc"]
)
"""Texts outside ASCII, with what breaks careless hubs: joined emoji, flags, combining marks, the last planes."""


def unknown_members() -> SearchStrategy[dict[str, Any]]:
    """Members that no hub knows, of every JSON type."""
    known = set(generate_request()["properties"]) | {"command"}
    names = st.text(min_size=1, max_size=12).filter(lambda name: name not in known)
    return st.dictionaries(names, json_values, min_size=1, max_size=3)


def selections() -> SearchStrategy[dict[str, Any]]:
    """Any selection of the documented fields, each at a value of everyday use."""
    everyday: dict[str, SearchStrategy[Any]] = {
        "temperature": st.sampled_from([1.0, 0.2, 0.7, 1.5]),
        "top_p": st.sampled_from([0.9, 0.5, 1.0]),
        "top_k": st.sampled_from([40, 1, 100]),
        "repetition_penalty": st.sampled_from([1.2, 1.0, 0.8]),
        "max_new_len": st.integers(1, CHEAP_TOKENS),
        "seed": st.integers(0, 2**31 - 1),
        "raw": st.sampled_from(["False", "True"]),
        "gettokens": st.integers(1, 40),
    }
    return st.fixed_dictionaries({}, optional={name: everyday[name] for name in OPTIONAL_FIELDS})


def values(field: str) -> SearchStrategy[Any]:
    """Every value that the schema allows in a number field, up to a size that every JSON reader knows."""
    schema = definitions()[generate_request()["properties"][field]["$ref"].rpartition("/")[2]]
    low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum")
    if schema["type"] == "integer":
        return st.integers(low, 10**6 if high is None else high)
    return st.floats(
        low, 1e6 if high is None else high, exclude_min="exclusiveMinimum" in schema, allow_subnormal=False
    )


def valid_requests() -> SearchStrategy[dict[str, Any]]:
    """Requests that the schema of a generate request allows, in every combination; cheap for the model."""
    from schemathesis import GenerationMode

    def cheap(body: dict[str, Any]) -> dict[str, Any]:
        return body | {"max_new_len": min(body.get("max_new_len", CHEAP_TOKENS), CHEAP_TOKENS)}

    return _bodies(GenerationMode.POSITIVE).map(cheap)


def invalid_requests() -> SearchStrategy[dict[str, Any]]:
    """Objects that the schema of a generate request refuses."""
    from schemathesis import GenerationMode

    return _bodies(GenerationMode.NEGATIVE).filter(lambda body: isinstance(body, dict) and "command" not in body)


@cache
def definitions() -> dict[str, Any]:
    """The named parts of the schema of what clients and hubs say."""
    return cast("dict[str, Any]", spec.schema("client")["$defs"])


def generate_request() -> dict[str, Any]:
    """The schema of a generate request."""
    return cast("dict[str, Any]", definitions()["GenerateRequest"])


def _bodies(mode: GenerationMode) -> SearchStrategy[Any]:
    """Bodies of a generate request that its schema allows, or refuses."""
    made: SearchStrategy[Any] = _operation().as_strategy(generation_mode=mode)
    return made.map(lambda case: case.body)


@cache
def _operation() -> Any:
    """The generate request as an operation of an OpenAPI document, as schemathesis wants it."""
    import schemathesis

    schemas = json.loads(json.dumps(definitions()).replace("#/$defs/", "#/components/schemas/"))
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/GenerateRequest"}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Generate", "version": spec.revision()},
        "paths": {"/": {"post": {"requestBody": {"required": True, "content": content}, "responses": {}}}},
        "components": {"schemas": schemas},
    }
    return schemathesis.openapi.from_dict(document)["/"]["POST"]
