"""Checks the fields of a request against the schema before they leave, and says in words what is allowed.

Only the keywords that `GenerateRequest` uses are read; a keyword that is not known here is an error, so that no rule
of the schema can be overlooked. The schema is read directly because building its models costs as much as the first
request itself.
"""

from __future__ import annotations

import math
import re
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from neuroengine import spec
from neuroengine.errors import InvalidField

if TYPE_CHECKING:
    from collections.abc import Mapping

_DESCRIPTIVE: Final = {"title", "description", "examples", "default"}
_HIDDEN: Final = "(not shown)"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@cache
def definitions() -> Mapping[str, dict[str, Any]]:
    """The named schemas between a client and a hub."""
    return MappingProxyType(spec.schema("client")["$defs"])


@cache
def generate_fields() -> Mapping[str, dict[str, Any]]:
    """The schema of each field of a generate request, references resolved, in the order of the spec."""
    properties = definitions()["GenerateRequest"]["properties"]
    return MappingProxyType({name: _resolved(schema) for name, schema in properties.items()})


@cache
def defaults() -> Mapping[str, Any]:
    """The default of each field of a generate request that has one."""
    return MappingProxyType({name: field["default"] for name, field in generate_fields().items() if "default" in field})


def check(name: str, value: object) -> Any:
    """The field's value as it goes on the wire: whole floats as integers, `raw` as `"True"` or `"False"`.

    Raises:
        InvalidField: the schema does not allow the value.
    """
    schema = generate_fields()[name]
    if not _allows(schema, value):
        raise InvalidField(name, _HIDDEN if name == "key" else value, _rule(schema))
    if name == "raw":
        return str(value).capitalize()  # NE-CLI-008
    if name == "gettokens" and isinstance(value, str):
        return int(value)
    # JSON Schema calls 40.0 an integer; on the wire it is written as one, for hubs that are stricter (NE-CLI-007).
    return int(value) if isinstance(value, float) and schema.get("type") != "number" else value


def check_service(name: object) -> str:
    """The service's name, if it is one.

    Raises:
        InvalidField: it is none.
    """
    schema = definitions()["ServiceName"]
    if not _allows(schema, name):
        raise InvalidField("service", name, "1 to 64 letters, digits, `.`, `_` or `-`, starting with a letter or digit")
    return str(name)


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its references replaced by what they point to."""
    if "$ref" in schema:
        target = definitions()[schema["$ref"].removeprefix("#/$defs/")]
        return _resolved({**target, **{key: value for key, value in schema.items() if key != "$ref"}})
    if "anyOf" in schema:
        return {**schema, "anyOf": [_resolved(choice) for choice in schema["anyOf"]]}
    return schema


def _is_number(value: object) -> bool:
    """A number that a double can hold: hubs need not read any other."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def has_lone_surrogate(text: str) -> bool:
    """Whether UTF-8 cannot carry the text."""
    return _SURROGATE.search(text) is not None


def _is_text(value: object) -> bool:
    """Text that UTF-8 can carry: a lone surrogate cannot travel."""
    return isinstance(value, str) and not has_lone_surrogate(value)


_TYPES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "number": _is_number,
        "integer": lambda value: _is_number(value) and value == int(value),
        "boolean": lambda value: isinstance(value, bool),
        "string": _is_text,
        "null": lambda value: value is None,
    }
)
_KEYWORDS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "anyOf": lambda rule, value: any(_allows(choice, value) for choice in rule),
        "type": lambda rule, value: any(_TYPES[kind](value) for kind in ([rule] if isinstance(rule, str) else rule)),
        "minimum": lambda rule, value: not _is_number(value) or value >= rule,
        "maximum": lambda rule, value: not _is_number(value) or value <= rule,
        "exclusiveMinimum": lambda rule, value: not _is_number(value) or value > rule,
        "maxLength": lambda rule, value: not isinstance(value, str) or len(value) <= rule,
        # The schema's patterns are anchored; `fullmatch` keeps Python's `$` from allowing a trailing line feed.
        "pattern": lambda rule, value: not isinstance(value, str) or re.fullmatch(rule, value) is not None,
    }
)


def _allows(schema: Mapping[str, Any], value: object) -> bool:
    """Whether the schema allows the value."""
    return all(_KEYWORDS[word](rule, value) for word, rule in schema.items() if word not in _DESCRIPTIVE)


_TYPE_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "number": "a finite number",
        "integer": "a whole number",
        "boolean": "true or false",
        "string": "text",
        "null": "none",
    }
)


def _rule(schema: Mapping[str, Any]) -> str:
    """What the schema allows, in words; where it allows several forms, the first, which is the usual one."""
    if "anyOf" in schema:
        return _rule(schema["anyOf"][0])
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    words: str = _TYPE_WORDS[kind]
    if schema.get("maximum", _LARGEST_INTEGER) < _LARGEST_INTEGER:
        words += f" from {schema['minimum']} to {schema['maximum']}"
    elif "minimum" in schema:
        words += f", {schema['minimum']} or more" if schema["minimum"] >= 0 else " of 64 bits"
    if "exclusiveMinimum" in schema:
        words += f" above {schema['exclusiveMinimum']}"
    if kind == "string":
        words += f" of at most {schema['maxLength']} characters" if "maxLength" in schema else ""
        words += " without lone surrogates"
    return words


_LARGEST_INTEGER: Final = 2**63 - 1
"""The bound of every integer on the wire; words leave it out."""
