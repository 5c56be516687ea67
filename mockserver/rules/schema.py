"""Checks a file's data against its schema, and says in words what is wrong and what is allowed.

The schemas in `spec/mock/` are read directly, because the `mock` extra has no JSON Schema library and a person who
writes a file deserves one clear sentence. Only the keywords that the schemas use are read; any other is an error, so
that no rule of them can be overlooked.
"""

from __future__ import annotations

import math
import re
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mockserver.rules.expected import shown
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

SCHEMA_PATH: Final = "mock/rules.schema.json"
"""The schema of fixture files, in the spec."""

_DESCRIPTIVE: Final = {"$schema", "$id", "$defs", "title", "description", "examples", "default"}


class Violation(NamedTuple):
    """One thing that the schema does not allow: where it is, and what is wrong, as a sentence without its subject."""

    path: str
    why: str


def violation(value: Any, schema: str = SCHEMA_PATH, definition: str = "") -> Violation | None:
    """The first thing in data that its schema does not allow, or none.

    `schema` is its path in the spec; `definition` is the one in it that is meant, where it is not the schema itself.
    """
    node = {"$ref": f"#/$defs/{definition}"} if definition else _document(schema)
    return _check(_Schema(node, schema), value, "")


def definition(schema: str, name: str) -> Mapping[str, Any]:
    """A definition of a schema, as it stands there."""
    named: Mapping[str, Any] = _document(schema)["$defs"][name]
    return named


class _Schema:
    """A schema, and the document that it stands in; references are resolved."""

    def __init__(self, node: Mapping[str, Any], document: str) -> None:
        while "$ref" in node:
            place, _, name = node["$ref"].partition("#/$defs/")
            if place:
                document = f"schemas/{place.removeprefix('../')}" if place.startswith("../") else f"mock/{place}"
            node = {**_document(document)["$defs"][name], **{word: node[word] for word in node if word != "$ref"}}
        unknown = node.keys() - _KEYWORDS.keys() - _DESCRIPTIVE
        if unknown:
            raise NotImplementedError(f"the schema {document} uses keywords that nobody reads: {sorted(unknown)}")
        self.node = node
        self._document = document

    def within(self, node: Mapping[str, Any]) -> _Schema:
        """A schema that stands in this one."""
        return _Schema(node, self._document)

    def choices(self) -> list[_Schema]:
        """All forms that it allows: itself, or those of its choice."""
        if "anyOf" not in self.node:
            return [self]
        return [form for choice in self.node["anyOf"] for form in self.within(choice).choices()]

    @property
    def types(self) -> tuple[str, ...]:
        """The JSON types that it allows; none for any."""
        kinds = self.node.get("type", ())
        return (kinds,) if isinstance(kinds, str) else tuple(kinds)

    @property
    def properties(self) -> Mapping[str, Any]:
        """The members that it names."""
        named: Mapping[str, Any] = self.node.get("properties", {})
        return named

    @property
    def required(self) -> set[str]:
        """The members that must be there."""
        return set(self.node.get("required", ()))


@cache
def _document(path: str) -> Mapping[str, Any]:
    return MappingProxyType(spec.read_json(path))


def _check(schema: _Schema, value: Any, path: str) -> Violation | None:
    """The first violation of a schema, keyword by keyword."""
    found = (_KEYWORDS[word](schema, rule, value, path) for word, rule in schema.node.items() if word in _KEYWORDS)
    return next((one for one in found if one is not None), None)


# -- keywords


def _type(schema: _Schema, _rule: Any, value: Any, path: str) -> Violation | None:
    return None if any(_TYPES[kind](value) for kind in schema.types) else _must(schema, value, path)


def _any_of(schema: _Schema, _rule: Any, value: Any, path: str) -> Violation | None:
    forms = schema.choices()
    found = [_check(form, value, path) for form in forms]
    if None in found:
        return None
    near = [
        (one, form)
        for one, form in zip(found, forms, strict=True)
        if one is not None and any(_TYPES[kind](value) for kind in form.types)
    ]
    if not near:
        return Violation(path, f"must be {_either(form for form in forms)}; it was {shown(value)}")
    if isinstance(value, dict):
        return _nearest_table(near, value, path)
    return near[0][0]


def _nearest_table(near: list[tuple[Violation, _Schema]], value: dict[str, Any], path: str) -> Violation:
    """What is wrong with a table that is none of several: by the one whose own members it has."""
    meant = [(one, form) for one, form in near if form.required and form.required <= value.keys()]
    known = {name: None for _, form in near for name in form.properties}
    unknown = [name for name in value if name not in known]
    if not meant and unknown:
        return Violation(_member(path, unknown[0]), f"is not known here; known are {', '.join(known)}")
    return max(meant or near, key=lambda miss: len(miss[1].properties.keys() & value.keys()))[0]


def _properties(schema: _Schema, rule: Any, value: Any, path: str) -> Violation | None:
    if not isinstance(value, dict):
        return None
    members = (
        _check(schema.within(rule[name]), member, _member(path, name)) for name, member in value.items() if name in rule
    )
    return next((one for one in members if one is not None), None)


def _additional(schema: _Schema, rule: Any, value: Any, path: str) -> Violation | None:
    if not isinstance(value, dict):
        return None
    for name in value.keys() - schema.properties.keys():
        if rule is False:
            known = ", ".join(schema.properties)
            return Violation(_member(path, name), f"is not known here; known are {known}")
        if isinstance(rule, dict) and (one := _check(schema.within(rule), value[name], _member(path, name))):
            return one
    return None


def _required(_schema: _Schema, rule: Any, value: Any, path: str) -> Violation | None:
    missing = [name for name in rule if isinstance(value, dict) and name not in value]
    return Violation(_member(path, missing[0]), "is missing") if missing else None


def _items(schema: _Schema, rule: Any, value: Any, path: str) -> Violation | None:
    if not isinstance(value, list):
        return None
    found = (_check(schema.within(rule), item, f"{path}[{place}]") for place, item in enumerate(value))
    return next((one for one in found if one is not None), None)


def _unless(holds: Callable[[Any, Any], bool]) -> Callable[[_Schema, Any, Any, str], Violation | None]:
    """A keyword that holds or not; the sentence is the schema's own."""

    def keyword(schema: _Schema, rule: Any, value: Any, path: str) -> Violation | None:
        return None if holds(rule, value) else _must(schema, value, path)

    return keyword


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = MappingProxyType(
    {
        "string": lambda value: isinstance(value, str),
        "number": _is_number,
        "integer": lambda value: _is_number(value) and value == int(value),
        "boolean": lambda value: isinstance(value, bool),
        "null": lambda value: value is None,
        "array": lambda value: isinstance(value, list),
        "object": lambda value: isinstance(value, dict),
    }
)
_KEYWORDS: Final[Mapping[str, Callable[[_Schema, Any, Any, str], Violation | None]]] = MappingProxyType(
    {
        "type": _type,
        "anyOf": _any_of,
        "properties": _properties,
        "additionalProperties": _additional,
        "required": _required,
        "items": _items,
        "minimum": _unless(lambda rule, value: not _is_number(value) or value >= rule),
        "maximum": _unless(lambda rule, value: not _is_number(value) or value <= rule),
        "exclusiveMinimum": _unless(lambda rule, value: not _is_number(value) or value > rule),
        "minLength": _unless(lambda rule, value: not isinstance(value, str) or len(value) >= rule),
        "pattern": _unless(lambda rule, value: not isinstance(value, str) or re.fullmatch(rule, value) is not None),
        "minItems": _unless(lambda rule, value: not isinstance(value, list) or len(value) >= rule),
        "minProperties": _unless(lambda rule, value: not isinstance(value, dict) or len(value) >= rule),
    }
)

# -- words

_TYPE_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "string": "text",
        "number": "a finite number",
        "integer": "a whole number",
        "boolean": "true or false",
        "null": "null",
        "array": "a list",
        "object": "a table",
    }
)


def _must(schema: _Schema, value: Any, path: str) -> Violation:
    return Violation(path, f"must be {_allowed(schema)}; it was {shown(value)}")


def _either(forms: Iterable[_Schema]) -> str:
    words = dict.fromkeys(word for form in forms for word in _words(form))
    return " or ".join(words) if len(words) < 3 else f"{', '.join(list(words)[:-1])} or {list(words)[-1]}"


def _words(schema: _Schema) -> Iterator[str]:
    """Each thing that a form may be."""
    own = [_TYPE_WORDS[kind] for kind in schema.types]
    yield from own if len(own) > 1 or "object" in schema.types else [_allowed(schema)]


def _allowed(schema: _Schema) -> str:
    """What a schema without a choice allows, in words."""
    node = schema.node
    words = " or ".join(_TYPE_WORDS[kind] for kind in schema.types)
    if "maximum" in node and node["maximum"] < _LARGEST_INTEGER:
        words += f" from {node['minimum']} to {node['maximum']}"
    elif "minimum" in node:
        words += f", {node['minimum']} or more" if node["minimum"] >= 0 else " of 64 bits"
    if "exclusiveMinimum" in node:
        words += f" above {node['exclusiveMinimum']}"
    if "minLength" in node or "minItems" in node or "minProperties" in node:
        words += " that is not empty"
    if "pattern" in node:
        words += f" of the form {node['pattern']}"
    return words


def _member(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


_LARGEST_INTEGER: Final = 2**63 - 1
