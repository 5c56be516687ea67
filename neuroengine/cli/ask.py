"""`neuroengine ask`: sends a prompt and prints the reply, whole or as it comes."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from neuroengine.cli.console import connected, hub_options, plain, service_option, write
from neuroengine.cli.sampling import sampling_options, take_sampling
from neuroengine.errors import HubError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from neuroengine.client import Client

_EPILOG: Final = """\b
Examples:
  neuroengine ask --stream "Tell me about the sea."
  neuroengine ask --service MYGPT --max-new-len 500 < prompt.txt

Exit code: 0 there is a reply; 1 the hub answered an error; 2 wrong usage; 3 the hub could not be reached, or spoke
nonsense."""


@click.command(name="ask", epilog=_EPILOG)
@click.argument("prompt", required=False)
@service_option
@click.option("--stream", is_flag=True, help="Print the reply as it comes.")
@click.option("--json", "as_json", is_flag=True, help="Print the hub's answer as JSON; with --stream one line a piece.")
@hub_options
@sampling_options()
def command(
    prompt: str | None, service: str | None, *, stream: bool, as_json: bool, gettokens: int | None, **options: Any
) -> None:
    """Send PROMPT to a shared LLM and print its reply.

    Without PROMPT, or with "-", the prompt is read from standard input; one line end at its end is left out.
    """
    sampling = take_sampling(options)
    text = _prompt(prompt)
    with connected(service, **options) as client:
        try:
            if stream:
                _print_stream(client, text, gettokens, sampling, as_json=as_json)
            else:
                reply = client.generate(text, **sampling)
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
