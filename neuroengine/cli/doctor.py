"""`neuroengine doctor`: says step by step what works between here and a hub."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import TYPE_CHECKING, Final

import click

from neuroengine.cli import console
from neuroengine.cli.keys import access_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from neuroengine.doctor import Step

_TITLES: Final = {"hub": "The hub, as clients reach it", "provider": "The hub's provider port"}
_STYLES: Final = {"ok": "green", "failed": "bold red", "not tried": "dim"}
_SLOW_S: Final = 0.5
"""A step that takes so long is shown with its time. Unit: seconds."""
_WIDTHS: Final = (len("not tried"), len("certificate"))

_EPILOG: Final = """\b
Examples:
  neuroengine doctor
  neuroengine doctor --url https://localhost:8443 --ca-file ca.pem
  neuroengine doctor --json | jq '.steps[] | select(.status == "failed")'

Exit code: 0 all that was tried is well; 1 something is wrong; 2 wrong usage."""


@click.command(name="doctor", epilog=_EPILOG)
@console.service_option
@click.option(
    "--provider",
    metavar="HOST:PORT",
    help="Where the hub's providers log in; else NEUROENGINE_PROVIDER, or the published hub's port.",
)
@click.option("--no-provider", is_flag=True, help="Leave the provider port out: who only asks does not need it.")
@click.option("--generate", is_flag=True, help="Ask the service for a few tokens too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@console.hub_options
def command(
    service: str | None,
    provider: str | None,
    *,
    no_provider: bool,
    generate: bool,
    as_json: bool,
    url: str | None,
    access_key_file: str | None,
    ca_file: str | None,
    insecure: bool,
    timeout: float | None,
) -> None:
    """Find out what works between here and a hub: name, TCP, TLS, certificate, HTTP, model list, provider port.

    A step that fails says why and what to do. Name, TCP and TLS together have 5 seconds, and so has the hub's answer;
    --timeout changes that. No service key is ever sent, and no key is shown.

    On a terminal a table; piped, one line a step with tabs between its parts: door, step, status, what was found, and
    what to do.
    """
    console.check_trust(ca_file, insecure=insecure)
    console.check_seconds(timeout)
    with console.exit_codes():
        key = access_key(access_key_file)

    from neuroengine.doctor import Checkup, Status, environment, examine

    limits = {} if timeout is None else {"connect_s": timeout, "answer_s": timeout}
    checkup = Checkup(
        url=url,
        service=service,
        access_key=key,
        verify=not insecure,
        ca_file=ca_file,
        provider=provider,
        with_provider=not no_provider,
        generate=generate,
        **limits,
    )
    steps = examine(checkup)
    if as_json:
        tried = _report(environment(), steps)
    elif sys.stdout.isatty():
        tried = _table(environment(), steps)
    else:
        tried = _lines(environment(), steps)
    if any(step.status is Status.FAILED for step in tried):
        raise click.exceptions.Exit(1)


def _report(variables: Mapping[str, str], steps: Iterator[Step]) -> list[Step]:
    """Prints one JSON object."""
    from neuroengine.doctor import Status

    tried = list(steps)
    well = all(step.status is not Status.FAILED for step in tried)
    found = {"well": well, "environment": dict(variables), "steps": [dataclasses.asdict(step) for step in tried]}
    console.write(json.dumps(found, indent=2) + "\n")
    return tried


def _lines(variables: Mapping[str, str], steps: Iterator[Step]) -> list[Step]:
    """Prints lines for programs, each as soon as its step has ended."""
    for name, value in variables.items():
        console.write(f"environment\t{name}\tset\t{console.one_line(value)}\t\n")
    tried = []
    for step in steps:
        parts = (step.part, step.name, step.status, step.detail, step.fix)
        console.write("\t".join(console.one_line(part) for part in parts) + "\n")
        tried.append(step)
    return tried


def _table(variables: Mapping[str, str], steps: Iterator[Step]) -> list[Step]:
    """Prints for a person, row by row as the steps end."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = Console()

    def row(status: str, style: str, name: str, *lines: Text) -> None:
        grid = Table.grid(padding=(0, 2), pad_edge=False)
        grid.add_column(width=_WIDTHS[0])
        grid.add_column(width=_WIDTHS[1])
        grid.add_column(overflow="fold")
        grid.add_row(Text(status, style), Text(name), Text("\n").join(lines))
        terminal.print(grid)

    for name, value in variables.items():
        terminal.print(Text(f"{name}={console.one_line(value)}", "dim"))
    tried: list[Step] = []
    for step in steps:
        if not tried or tried[-1].part != step.part:
            terminal.print(Text(f"\n{_TITLES[step.part]}", "bold"))
        took = f" ({step.seconds:.1f} s)" if step.seconds >= _SLOW_S else ""
        lines = [Text(f"{console.one_line(step.detail)}{took}")]
        if step.fix:
            lines.append(Text(f"Fix: {console.one_line(step.fix)}", "bold"))
        row(step.status, _STYLES[step.status], step.name, *lines)
        tried.append(step)
    failed = sum(step.status == "failed" for step in tried)
    verdict = Text(f"Failed: {failed}.", "bold red") if failed else Text("All that was tried is well.", "bold green")
    terminal.print("", verdict, sep="\n")
    return tried
