"""`neuroengine ask`: sends a prompt and prints the reply, whole or as it comes."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from neuroengine.cli.console import connected, exit_codes, hub_options, plain, write
from neuroengine.errors import HubError
from neuroengine.protocol import fields
from neuroengine.protocol.requests import SAMPLING_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from neuroengine.client import Client

_TYPES: Final = {"number": click.FLOAT, "integer": click.INT}


def _field_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds an option for each field of a request; the schema says its type, its meaning and its default."""
    for name in reversed((*SAMPLING_FIELDS, "gettokens")):
        schema = fields.generate_fields()[name]
        text = schema["description"].replace("`", "")
        flag = f"--{name.replace('_', '-')}"
        if name == "raw":
            option = click.option(flag, is_flag=True, default=None, help=text.split(". ")[0] + ".")
        else:
            kind = _TYPES[schema["type"] if "type" in schema else schema["anyOf"][0]["type"]]
            option = click.option(flag, type=kind, help=f"{text} [default: {schema['default']}]")
        command = option(command)
    return command


@click.command(name="ask")
@click.argument("prompt", required=False)
@click.option("--service", metavar="NAME", help="The service to ask; else NEUROENGINE_SERVICE, or Neuroengine-Large.")
@click.option("--stream", is_flag=True, help="Print the reply as it comes.")
@click.option("--json", "as_json", is_flag=True, help="Print the hub's answer as JSON; with --stream one line a piece.")
@hub_options
@_field_options
def command(
    prompt: str | None, service: str | None, *, stream: bool, as_json: bool, gettokens: int | None, **options: Any
) -> None:
    """Send PROMPT to a shared LLM and print its reply.

    Without PROMPT, or with "-", the prompt is read from standard input; one line end at its end is left out.
    """
    sampling = {name: options.pop(name) for name in SAMPLING_FIELDS}
    given = {name: value for name, value in sampling.items() if value is not None}
    with exit_codes():
        text = _prompt(prompt)
        with connected(service, **options) as client:
            try:
                if stream:
                    _print_stream(client, text, gettokens, given, as_json=as_json)
                else:
                    reply = client.generate(text, **given)
                    write(f"{_json(reply.members)}\n" if as_json else _ended(plain(reply.text)))
            except HubError as error:
                if as_json:
                    write(f"{_json(error.members)}\n")
                raise


def _prompt(argument: str | None) -> str:
    """The prompt from the command line or from standard input."""
    if argument not in {None, "-"}:
        return str(argument)
    if argument is None and sys.stdin.isatty():
        raise click.UsageError('there is no PROMPT; write it behind "ask", or pipe it in')
    try:
        text = sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"standard input is not UTF-8 (byte {error.start})") from None
    return text.removesuffix("\n").removesuffix("\r")


def _print_stream(
    client: Client, prompt: str, gettokens: int | None, sampling: Mapping[str, Any], *, as_json: bool
) -> None:
    """Prints the pieces of a reply as they come."""
    with client.stream(prompt, gettokens=gettokens, **sampling) as pieces:
        if as_json:
            for piece in _with_end(pieces):
                write(f"{_json({'reply': piece, 'errorcode': 0})}\n")
            return
        try:
            for piece in pieces:
                write(plain(piece))
        finally:
            write(_ended(plain(pieces.text)).removeprefix(plain(pieces.text)))


def _with_end(pieces: Iterator[str]) -> Iterator[str]:
    """The pieces and the empty end."""
    yield from pieces
    yield ""


def _ended(text: str) -> str:
    """The text with a line end, so that the shell's prompt begins a line."""
    return text if text.endswith("\n") or not text else f"{text}\n"


def _json(members: Mapping[str, Any]) -> str:
    """One line of JSON; ASCII, so that nothing in it can steer a terminal."""
    return json.dumps(dict(members))
