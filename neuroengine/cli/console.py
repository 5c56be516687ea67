"""How the commands that talk to a hub speak to a person: plain text, one sentence for an error, and the exit code.

Exit codes: 0 done; 1 the hub answered an error; 2 wrong usage; 3 the hub could not be reached or spoke nonsense. What
befalls every command, Ctrl-C for one, has its code in the package.
"""

from __future__ import annotations

import math
import re
import shutil
import sys
import textwrap
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import click

from neuroengine._generated.registry import DEFAULT_SERVICE
from neuroengine.cli.keys import access_key
from neuroengine.errors import (
    ConfigurationError,
    ConnectionFailed,
    HubError,
    InvalidField,
    NeuroengineError,
    ProtocolError,
    ProviderOfflineError,
    RequestTooLargeError,
    UnauthorizedError,
    UnknownServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from neuroengine.client import Client
    from neuroengine.models import Model

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

_ADVICE: Final[Mapping[type[NeuroengineError], str]] = MappingProxyType(
    {
        UnknownServiceError: '"neuroengine models" lists the names',
        ProviderOfflineError: '"neuroengine models" shows who is connected',
        UnauthorizedError: "give the key with --access-key-file, or in NEUROENGINE_KEY",
        RequestTooLargeError: "shorten it; in a chat a smaller --budget does",
        ConnectionFailed: '"neuroengine doctor" finds out where it breaks',
        ProtocolError: '"neuroengine doctor" finds out whether this is a hub',
    }
)
"""What the command line can do about an error; it holds for the derived classes too."""

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


def complain(error: NeuroengineError) -> None:
    """Writes an error as one paragraph to standard error, with what can be done about it."""
    known = next((_ADVICE[kind] for kind in type(error).__mro__ if kind in _ADVICE), "")
    advice = "; ".join(part for part in (*getattr(error, "__notes__", ()), known) if part)
    text = one_line(str(error))
    if advice:
        text += f" {advice[0].upper()}{advice[1:]}." if text.endswith((".", "!", "?")) else f"; {advice}"
    text = f"Error: {text}"
    if sys.stderr.isatty():  # a terminal breaks lines inside words
        width = shutil.get_terminal_size().columns
        text = textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
    click.echo(text, err=True)


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
        complain(error)
        raise click.exceptions.Exit(exit_code(error)) from None


def exit_code(error: NeuroengineError) -> int:
    """The exit code that belongs to an error."""
    if isinstance(error, HubError):
        return EXIT_HUB_ERROR
    if isinstance(error, InvalidField | ConfigurationError):
        return EXIT_USAGE
    return EXIT_UNREACHABLE


def meant(name: str, models: Iterable[Model]) -> str:
    """Words for what a name may mean that no service has; empty when nothing is near."""
    from neuroengine.models import names_near  # here, because it brings pydantic

    near = names_near(name, models)
    return f"perhaps you meant {' or '.join(one_line(one) for one in near)}" if near else ""


def service_option(command: Command) -> Command:
    """Adds the option that says which service is asked."""
    text = f"The service to ask; else NEUROENGINE_SERVICE, or {DEFAULT_SERVICE}."
    return click.option("--service", metavar="NAME", help=text)(command)


def hub_options(command: Command) -> Command:
    """Adds the options that say how to reach a hub; `connected` takes them."""
    options = (
        click.option("--url", metavar="URL", help="The hub's address; else NEUROENGINE_URL, or the published hub."),
        click.option(
            "--access-key-file",
            metavar="FILE",
            help="A file that holds the access key of a service that needs one; else NEUROENGINE_KEY.",
        ),
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


@contextmanager
def connected(
    service: str | None,
    *,
    url: str | None,
    access_key_file: str | None,
    ca_file: str | None,
    insecure: bool,
    timeout: float | None,
) -> Iterator[Client]:
    """A client for the options of `hub_options` while the block lasts; an error that leaves it ends the command."""
    check_trust(ca_file, insecure=insecure)
    check_seconds(timeout)

    from neuroengine.client import Client
    from neuroengine.protocol.retry import Timeouts

    timeouts = Timeouts() if timeout is None else Timeouts(answer_s=timeout, piece_s=timeout, total_s=timeout)
    with exit_codes():
        key = access_key(access_key_file)
        with Client(
            service, url=url, access_key=key, ca_file=ca_file, verify=not insecure, timeouts=timeouts
        ) as client:
            try:
                yield client
            except UnknownServiceError as error:
                _note_what_was_meant(error, client)
                raise


def _note_what_was_meant(error: UnknownServiceError, client: Client) -> None:
    """Asks the hub for its names; the error that is to be shown must not be hidden by another."""
    with suppress(NeuroengineError):
        error.add_note(meant(client.service, client.models()))


def check_trust(ca_file: str | None, *, insecure: bool) -> None:
    """Refuses two options that contradict each other."""
    if insecure and ca_file is not None:
        raise click.UsageError(
            "--insecure and --ca-file exclude each other: the one trusts everybody, the other one file"
        )


def check_seconds(seconds: float | None, option: str = "--timeout") -> None:
    """Refuses a time that cannot be waited."""
    if seconds is not None and not 0 < seconds < math.inf:
        raise click.BadParameter(f"{seconds:g} is no number of seconds above 0", param_hint=f"'{option}'")
