"""A JSON Schema as a page: a section for every definition, with a row for each field of an object.

Anchors are the definition's name, and `Definition.field` for a field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools import source
from tools.docs.markdown import anchored, block, chip, code, table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Bound = Callable[[str, str], list[str]]
    """What else there is to say of a definition's field, as lines of Markdown."""

PAGES = {
    "schemas/client.schema.json": "specification/client.md",
    "schemas/provider.schema.json": "specification/provider.md",
    "mock/config.schema.json": "reference/config.md",
    "mock/rules.schema.json": "reference/rules.md",
    "mock/admin.schema.json": "reference/admin.md",
    "reports/conformance.schema.json": "reference/report.md",
    "reports/expected.schema.json": "reference/expected.md",
}
"""Where each schema of the spec has its page."""
LARGEST = {2**63 - 1: "2^63^ - 1", -(2**63): "-2^63^"}


def definitions(path: str, bound: Bound = lambda _message, _field: []) -> str:
    """A section for each definition of a schema: objects first, then the values that they are made of."""
    entries = entries_of(source.load(path))
    objects = {name: entry for name, entry in entries.items() if "properties" in entry}
    values = {name: entry for name, entry in entries.items() if name not in objects}
    text = "".join(_object(path, name, entry, bound) for name, entry in objects.items())
    if values:
        text += "## Values\n\n" + "".join(_value(path, name, entry) for name, entry in values.items())
    return text


def entries_of(schema: dict[str, Any]) -> dict[str, Any]:
    """The definitions of a schema by their names; a file that is an object itself is one by the name of its title."""
    whole = {schema["title"].title().replace(" ", ""): schema} if "properties" in schema else {}
    return {**whole, **schema["$defs"]}


def fields(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an object by name, those of an object inside it as `outer.inner`."""
    found: dict[str, Any] = {}
    for name, schema in definition.get("properties", {}).items():
        found[name] = schema
        found |= {f"{name}.{inner}": one for inner, one in fields(schema.get("items", schema)).items()}
    return found


def _object(path: str, name: str, definition: dict[str, Any], bound: Bound) -> str:
    required = _required(definition)
    rows = []
    for field, schema in fields(definition).items():
        known = _resolved(path, schema)
        more = bound(name, field)
        meaning = [known.get("description", ""), *_examples(known), *more]
        label = anchored(f"`{field}`", f"{name}.{field}", "field")
        rows.append(
            [
                label + (f"<br>{chip('required', 'required')}" if field in required else ""),
                type_of(path, schema),
                code(known["default"]) if "default" in known else "",
                "<br>".join(part for part in meaning if part),
            ]
        )
    closed = definition.get("additionalProperties") is False
    rest = "No other members are allowed." if closed else "Other members may be there too."
    return (
        f"## {definition['title']} {{ #{name} }}\n\n{definition['description']} {rest}\n\n"
        f'<div class="fields" markdown>\n\n{table(("Field", "Type", "Default", "Meaning"), rows)}\n</div>\n\n'
        + "".join(block(example) + "\n" for example in definition.get("examples", []))
    )


def _value(path: str, name: str, definition: dict[str, Any]) -> str:
    lines = [definition["description"], "", f"Type: {type_of(path, definition)}"]
    if shown := _examples(definition):
        lines += ["", *shown]
    return f"### {definition['title']} {{ #{name} }}\n\n" + "\n".join(lines) + "\n\n"


def type_of(path: str, schema: Mapping[str, Any]) -> str:
    """A type in words with its range, linked where it is a definition of its own."""
    if "$ref" in schema:
        return _reference(path, schema["$ref"])
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return " or ".join(code(value) for value in schema["enum"])
    for word in ("anyOf", "oneOf"):
        if any("$ref" in one or "type" in one for one in schema.get(word, [])):
            return " or ".join(type_of(path, one) for one in schema[word])
    kind = schema.get("type", "any")
    text = " or ".join(kind) if isinstance(kind, list) else kind
    if kind == "array" and "items" in schema:
        text = f"array of {type_of(path, schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        text = f"object, each member {type_of(path, schema['additionalProperties'])}"
    return ", ".join([text, *_range(schema)])


def _reference(path: str, reference: str) -> str:
    """A link to a definition, with the type and range of a plain value, so that nobody needs to follow it for them."""
    target, name = target_of(path, reference)
    definition = source.load(target)["$defs"][name]
    depth = PAGES[path].count("/")
    page = "" if target == path else "../" * depth + PAGES[target]
    link = f"[{definition['title'].lower()}]({page}#{name})"
    is_plain = "properties" not in definition and "anyOf" not in definition and definition.get("type") != "array"
    return f"{type_of(target, definition)}<br>{link}" if is_plain else link


def target_of(path: str, reference: str) -> tuple[str, str]:
    """The file of the spec and the definition that a reference in the file `path` means."""
    place, _, name = reference.partition("#/$defs/")
    ids = {source.load(known)["$id"].rpartition("/")[2]: known for known in PAGES}
    return (ids[place.rpartition("/")[2]] if place else path), name


def _resolved(path: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A field's schema with what it does not say itself taken from the definition that it refers to."""
    if "$ref" not in schema:
        return schema
    target, name = target_of(path, schema["$ref"])
    return {**source.load(target)["$defs"][name], **schema}


def _required(definition: Mapping[str, Any]) -> set[str]:
    names = set(definition.get("required", []))
    for name, schema in definition.get("properties", {}).items():
        names |= {f"{name}.{inner}" for inner in _required(schema.get("items", schema))}
    return names


def _examples(schema: Mapping[str, Any]) -> list[str]:
    shown = [code(example) for example in schema.get("examples", [])]
    return [f"Examples: {', '.join(shown)}" if len(shown) > 1 else f"Example: {shown[0]}"] if shown else []


def _range(schema: Mapping[str, Any]) -> list[str]:
    """The bounds of a value, each as a few words."""
    least, most, above = (schema.get(name) for name in ("minimum", "maximum", "exclusiveMinimum"))
    words = []
    if least is not None and most is not None:
        words.append(f"{_number(least)} to {_number(most)}")
    elif least is not None:
        words.append(f"{_number(least)} or more")
    elif most is not None:
        words.append(f"{_number(most)} or less")
    if above is not None:
        words.append(f"above {_number(above)}")
    if "pattern" in schema:
        words.append(f"pattern {_pattern(schema['pattern'])}")
    for name, one, many in (("Length", "character", "characters"), ("Items", "entry", "entries")):
        for bound, word in (("min", "least"), ("max", "most")):
            if count := schema.get(f"{bound}{name}"):
                words.append(f"at {word} {count} {one if count == 1 else many}")
    return words


def _number(value: float) -> str:
    return LARGEST.get(int(value), f"{value:,}")


def _pattern(pattern: str) -> str:
    return f"`` {pattern} ``" if "`" in pattern else f"`{pattern}`"
