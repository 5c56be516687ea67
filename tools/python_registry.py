"""Registry -> Python constants: errors, limits and state machines."""

from __future__ import annotations

from typing import Any

from tools import source

FILES = ("registry/spec.toml", "registry/errors.toml", "registry/limits.toml")
MACHINE_FILES = ("registry/machines.toml",)


def render_registry() -> str:
    """The text of `neuroengine/_generated/registry.py`."""
    spec, errors, limits = (source.load(path) for path in FILES)
    lines = _header("The spec's constants: revision, errors and limits.", FILES)
    lines += [
        "from enum import IntEnum",
        "from types import MappingProxyType",
        "from typing import TYPE_CHECKING, Final, NamedTuple",
        "",
        "if TYPE_CHECKING:",
        "    from collections.abc import Mapping",
        "",
    ]
    for name, value in spec.items():
        if name != "title":
            lines.append(f"{name.upper()}: Final = {_literal(value)}")
    lines += ["", "", "class ErrorCode(IntEnum):", '    """The codes of the registry of errors."""', ""]
    for row in errors["error"]:
        lines += [f"    {row['name'].upper()} = {row['code']}", f'    """{row["when"]}"""']
    lines += [
        "",
        "",
        "class ErrorEntry(NamedTuple):",
        '    """One row of the registry of errors."""',
        "",
        "    code: int",
        "    name: str",
        "    retry: str",
        "    http_status: int",
        "    when: str",
        "    cause: str",
        "    fix: str",
        "",
        "",
        "ERRORS: Final[Mapping[int, ErrorEntry]] = MappingProxyType(",
        "    {",
    ]
    for row in errors["error"]:
        fields = ", ".join(
            _literal(row[name]) for name in ("code", "name", "retry", "http_status", "when", "cause", "fix")
        )
        lines.append(f"        {row['code']}: ErrorEntry({fields}),")
    lines += ["    }", ")", '"""The registry of errors, by code."""', ""]
    for row in limits["limit"]:
        lines += [f"{row['name'].upper()}: Final = {row['value']}", f'"""{row["why"]} Unit: {row["unit"]}."""', ""]
    lines += ["HUB_LIMITS: Final[Mapping[str, int]] = MappingProxyType(", "    {"]
    lines += [f'        "{row["name"]}": {row["name"].upper()},' for row in limits["limit"] if row["scope"] == "hub"]
    lines += ["    }", ")", '"""A hub\'s own limits with their defaults, by name."""']
    return "\n".join(lines) + "\n"


def render_machines() -> str:
    """The text of `neuroengine/_generated/machines.py`."""
    machines = source.load(MACHINE_FILES[0])["machine"]
    lines = _header("The spec's state machines, as tables (state, event) -> state.", MACHINE_FILES)
    lines += [
        "from enum import Enum",
        "from types import MappingProxyType",
        "from typing import TYPE_CHECKING, Final",
        "",
        "if TYPE_CHECKING:",
        "    from collections.abc import Mapping",
    ]
    for machine in machines:
        lines += _machine(machine)
    return "\n".join(lines) + "\n"


def _machine(machine: dict[str, Any]) -> list[str]:
    prefix = "".join(word.capitalize() for word in machine["name"].split("_"))
    constant = machine["name"].upper()
    lines: list[str] = []
    for kind, rows in (("State", machine["state"]), ("Event", machine["event"])):
        lines += ["", "", f"class {prefix}{kind}(Enum):", f'    """{machine["title"]}: its {kind.lower()}s."""', ""]
        for row in rows:
            lines += [f'    {row["name"].upper()} = "{row["name"]}"', f'    """{row["meaning"]}"""']
    table = f"{constant}: Final[Mapping[tuple[{prefix}State, {prefix}Event], {prefix}State]] = MappingProxyType("
    lines += ["", "", table, "    {"]
    for transition in machine["transition"]:
        for state in transition["from"]:
            pair = f"({prefix}State.{state.upper()}, {prefix}Event.{transition['event'].upper()})"
            lines.append(f"        {pair}: {prefix}State.{transition['to'].upper()},")
    lines += ["    }", ")", f'"""{machine["title"]}."""']
    lines += [f"{constant}_INITIAL: Final = {prefix}State.{machine['initial'].upper()}"]
    return lines


def _header(title: str, paths: tuple[str, ...]) -> list[str]:
    names = ", ".join(f"spec/{path}" for path in paths)
    return [
        f'"""{title} Generated from {names} by tools/generate.py; do not edit.',
        "",
        f"sha256 {source.digest(*paths)}",
        '"""',
        "",
        "from __future__ import annotations",
        "",
    ]


def _literal(value: object) -> str:
    """A Python literal with double quotes, as the rest of the code has them."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return repr(value)
