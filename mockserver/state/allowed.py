"""What the spec's schema allows in one value: a field of a generate request, or a service's name.

The schema is read as it is. Its models say the same, but to load and to build them takes longer than all the rest that
a hub does before its first answer. Laws:

- Only the keywords that these values use are known. Any other one is an error, so that no rule can be overlooked.
- A number is a number whatever its form: 40.0 is an integer, while text and truth values never are.
"""

from __future__ import annotations

import json
import re
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Test = Callable[[Any], bool]

NO_DEFAULT: Final = object()
"""Stands for the default of a value that has none."""

_DESCRIPTIVE: Final = frozenset({"title", "description", "examples", "default"})
_MOST: Final = 2**63 - 1
"""A range that ends here ends with the integers of 64 bits, and is not worth a word."""


class Allowed(NamedTuple):
    """What one value may be: whether one is, and in words for a person."""

    holds: Test
    words: str
    default: Any = NO_DEFAULT


@cache
def generate_fields() -> Mapping[str, Allowed]:
    """What each field of a generate request may be, in the order of the spec."""
    properties = _definitions()["GenerateRequest"]["properties"]
    return MappingProxyType({name: _allowed(schema) for name, schema in properties.items()})


@cache
def defaults() -> MappingProxyType[str, Any]:
    """The default of each field of a generate request that has one."""
    fields = generate_fields().items()
    return MappingProxyType({name: field.default for name, field in fields if field.default is not NO_DEFAULT})


@cache
def service_name() -> Allowed:
    """What a service's name may be."""
    return _allowed(_definitions()["ServiceName"])


@cache
def _definitions() -> dict[str, Any]:
    definitions: dict[str, Any] = spec.schema("client")["$defs"]
    return definitions


def _allowed(schema: Mapping[str, Any]) -> Allowed:
    default = schema.get("default", NO_DEFAULT)
    while "$ref" in schema:
        schema = _definitions()[schema["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in schema:
        choices = [_allowed(choice) for choice in schema["anyOf"]]
        tests = [choice.holds for choice in choices]
        return Allowed(
            lambda value: any(test(value) for test in tests), ", or ".join(choice.words for choice in choices), default
        )
    tests = [_TESTS[word](rule) for word, rule in schema.items() if word not in _DESCRIPTIVE]
    return Allowed(_all(tests), _words(schema), default)


def _all(tests: list[Test]) -> Test:
    def holds(value: Any) -> bool:
        for test in tests:  # noqa: SIM110 - `all` takes twice as long, and every request's fields come by
            if not test(value):
                return False
        return True

    return tests[0] if len(tests) == 1 else holds


# -- the keywords of a schema; each but `type` binds values of its own type only


def _is_number(value: Any) -> bool:
    return type(value) is float or type(value) is int


_TYPES: Final[Mapping[str, Test]] = MappingProxyType(
    {
        "number": _is_number,
        "integer": lambda value: type(value) is int or (type(value) is float and value.is_integer()),
        "boolean": lambda value: type(value) is bool,
        "string": lambda value: type(value) is str,
        "null": lambda value: value is None,
    }
)


def _type(rule: str | list[str]) -> Test:
    if isinstance(rule, str):
        return _TYPES[rule]
    tests = [_TYPES[name] for name in rule]
    return lambda value: any(test(value) for test in tests)


def _pattern(rule: str) -> Test:
    # The schema's patterns are anchored; `fullmatch` keeps Python's `$` from allowing a line feed behind.
    matches = re.compile(rule).fullmatch
    return lambda value: type(value) is not str or matches(value) is not None


_TESTS: Final[Mapping[str, Callable[[Any], Test]]] = MappingProxyType(
    {
        "type": _type,
        "minimum": lambda rule: lambda value: not _is_number(value) or value >= rule,
        "maximum": lambda rule: lambda value: not _is_number(value) or value <= rule,
        "exclusiveMinimum": lambda rule: lambda value: not _is_number(value) or value > rule,
        "maxLength": lambda rule: lambda value: type(value) is not str or len(value) <= rule,
        "pattern": _pattern,
    }
)


# -- in words


_TYPE_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {"number": "a number", "integer": "a whole number", "boolean": "true or false", "string": "text", "null": "null"}
)


def _words(schema: Mapping[str, Any]) -> str:
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    words = " or ".join(_TYPE_WORDS[kind] for kind in kinds)
    if "pattern" in schema:
        examples = [json.dumps(example) for example in schema["examples"] if isinstance(example, str)]
        words += f" such as {' or '.join(examples[:2])}"
    if "maxLength" in schema:
        words += f" of at most {schema['maxLength']} characters"
    if "exclusiveMinimum" in schema:
        words += f" above {schema['exclusiveMinimum']}"
    if schema.get("maximum", _MOST) < _MOST:
        words += f" from {schema['minimum']} to {schema['maximum']}"
    elif "minimum" in schema:
        words += f", {schema['minimum']} or more" if schema["minimum"] > -_MOST else " of 64 bits"
    return words
