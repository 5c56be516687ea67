"""The options that shape a reply, for every command that asks for one: read from the schema, never typed again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from neuroengine.protocol import fields
from neuroengine.protocol.requests import SAMPLING_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TYPES: Final = {"number": click.FLOAT, "integer": click.INT}

Command = TypeVar("Command", bound="Callable[..., Any]")


def sampling_options(**defaults: Any) -> Callable[[Command], Command]:
    """Adds an option for each sampling field and for `gettokens`; the schema says type, meaning and default.

    `defaults` replaces defaults where a command has its own. An option that is not given is None.
    """

    def add(command: Command) -> Command:
        for name in reversed((*SAMPLING_FIELDS, "gettokens")):
            command = _option(name, defaults.get(name))(command)
        return command

    return add


def take_sampling(options: dict[str, Any], **defaults: Any) -> Mapping[str, Any]:
    """Takes the sampling fields that were given, or that have a default of the command's own, out of the options."""
    values = {name: options.pop(name) for name in SAMPLING_FIELDS}
    return defaults | {name: value for name, value in values.items() if value is not None}


def _option(name: str, default: Any) -> Callable[[Command], Command]:
    """The option of one field."""
    schema = fields.generate_fields()[name]
    words = schema["description"].replace("`", "")
    flag = f"--{name.replace('_', '-')}"
    if name in {"raw", "gettokens"}:  # what their descriptions say further is about the wire
        words = f"{words.partition('. ')[0]}."
    if name == "raw":
        return click.option(flag, is_flag=True, default=None, help=words.removeprefix("True ").capitalize())
    kind = schema["type"] if "type" in schema else schema["anyOf"][0]["type"]
    shown = schema["default"] if default is None else default
    return click.option(flag, type=_TYPES[kind], help=f"{words} [default: {shown}]")
