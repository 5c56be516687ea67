"""How the commands that talk to a hub speak to a person: plain text, one sentence for an error, and the exit code.

Exit codes: 0 done; 1 the hub answered an error; 2 wrong usage; 3 the hub could not be reached or spoke nonsense. What
befalls every command, Ctrl-C for one, has its code in the package.
"""

from __future__ import annotations

import math
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import click

from neuroengine.errors import ConfigurationError, HubError, InvalidField, NeuroengineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from neuroengine.client import Client

EXIT_HUB_ERROR: Final = 1
EXIT_USAGE: Final = 2
EXIT_UNREACHABLE: Final = 3

_ESCAPE_SEQUENCE: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor, screen
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]).*?(?:\x1b\\|\x9c|\x07|$)"  # titles, links, device strings
    r"|\x1b.",
    re.DOTALL,
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

Command = TypeVar("Command", bound="Callable[..., Any]")


def plain(text: str) -> str:
    """The text without anything that would steer a terminal; line ends and tabs stay."""
    return _CONTROL.sub("", _ESCAPE_SEQUENCE.sub("", text.replace("\r\n", "\n")))


def one_line(text: str) -> str:
    """The text on one line, without anything that would steer a terminal."""
    return " ".join(plain(text).split())


def write(text: str) -> None:
    """Writes text to standard output at once, with escapes for characters that the output cannot show."""
    encoding = sys.stdout.encoding or "utf-8"
    click.echo(text.encode(encoding, "backslashreplace").decode(encoding), nl=False)


def fail(sentence: str, code: int) -> NoReturn:
    """Ends the command with one sentence on standard error and the exit code."""
    click.echo(f"Error: {sentence}", err=True)
    raise SystemExit(code)


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turns an error into one sentence on standard error and the exit code that belongs to it."""
    try:
        yield
    except NeuroengineError as error:
        click.echo(f"Error: {one_line(str(error))}", err=True)
        raise click.exceptions.Exit(_exit_code(error)) from None


def _exit_code(error: NeuroengineError) -> int:
    if isinstance(error, HubError):
        return EXIT_HUB_ERROR
    if isinstance(error, InvalidField | ConfigurationError):
        return EXIT_USAGE
    return EXIT_UNREACHABLE


def hub_options(command: Command) -> Command:
    """Adds the options that say how to reach a hub; `connected` takes them."""
    options = (
        click.option("--url", metavar="URL", help="The hub's address; else NEUROENGINE_URL, or the published hub."),
        click.option("--ca-file", metavar="PEM", help="A file of the authorities to trust; else SSL_CERT_FILE."),
        click.option("--insecure", is_flag=True, help="Do not check the hub's certificate."),
        click.option(
            "--timeout",
            type=float,
            metavar="SECONDS",
            help="Give up a call after so long; left out, the library's own time limits hold.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def connected(
    service: str | None, *, url: str | None, ca_file: str | None, insecure: bool, timeout: float | None
) -> Client:
    """A client for the options of `hub_options`."""
    if insecure and ca_file is not None:
        raise click.UsageError(
            "--insecure and --ca-file exclude each other: the one trusts everybody, the other one file"
        )

    if timeout is not None and not 0 < timeout < math.inf:
        raise click.BadParameter(f"{timeout:g} is no number of seconds above 0", param_hint="'--timeout'")

    from neuroengine.client import Client
    from neuroengine.protocol.retry import Timeouts

    timeouts = Timeouts() if timeout is None else Timeouts(answer_s=timeout, total_s=timeout)
    return Client(service, url=url, ca_file=ca_file, verify=not insecure, timeouts=timeouts)
