"""Writes data as TOML, which the standard library only reads: tables for the rules, everything else in one line."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


class NoToml(ValueError):
    """Raised when TOML has no form for a value."""


def toml_text(data: Mapping[str, list[dict[str, Any]]]) -> str:
    """A document of arrays of tables.

    Raises:
        NoToml: a value is null, or text that UTF-8 cannot carry.
    """
    tables = [
        "\n".join([f"[[{name}]]", *(f"{_key(member)} = {_value(value)}" for member, value in table.items())])
        for name, rows in data.items()
        for table in rows
    ]
    empty = [f"{_key(name)} = []" for name, rows in data.items() if not rows]  # before all tables, or one would hold it
    return "\n\n".join([*empty, *tables]) + "\n"


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return json.dumps(value)
    if isinstance(value, dict):
        members = ", ".join(f"{_key(name)} = {_value(member)}" for name, member in value.items())
        return f"{{ {members} }}" if members else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    raise NoToml("TOML has no null" if value is None else f"TOML has no form for {value!r}")


def _text(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise NoToml("TOML cannot hold a lone surrogate") from None
    # TOML's escapes are those of JSON, but for DEL, which it wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
