"""`neuroengine models`: lists the services of a hub."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from neuroengine.cli.console import connected, hub_options, one_line, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neuroengine.models import Model

_COLUMNS: Final = ("name", "connected", "queuelen", "numreq", "operator", "comment")
_HEADINGS: Final = ("name", "connected", "waiting", "requests", "operator", "comment")

_COMMENT_WIDTH: Final = 18
"""The comment is wrapped, the other columns stay whole; a table needs room for so many characters of it."""
_GAP: Final = 2
"""Blanks between two columns."""

_EPILOG: Final = """\b
Examples:
  neuroengine models
  neuroengine models --json | jq -r '.[] | select(.connected) | .name'

Exit code: 0 there is a list; 1 the hub answered an error; 2 wrong usage; 3 the hub could not be reached, or spoke
nonsense."""


@click.command(name="models", epilog=_EPILOG)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@hub_options
def command(*, as_json: bool, **options: Any) -> None:
    """List the LLMs that a hub offers.

    On a terminal a table; piped, one line a service with tabs between the columns, by the protocol's names: "queuelen"
    requests wait, "numreq" came so far.
    """
    with connected(None, **options) as client:
        models = client.models()
        if as_json:
            write(json.dumps([model.model_dump() for model in models], indent=2) + "\n")
        elif not sys.stdout.isatty():
            rows = [_COLUMNS, *(_cells(model) for model in models)]
            write("".join("\t".join(row) + "\n" for row in rows))
        elif models:
            _print_table(models)
        else:
            click.echo("The hub offers no service.")


def _cells(model: Model) -> Sequence[str]:
    """A service's row; what an operator wrote stays on one line and cannot steer the terminal."""
    values = (getattr(model, column) for column in _COLUMNS)
    return [("yes" if value else "no") if isinstance(value, bool) else one_line(str(value)) for value in values]


def _print_table(models: Sequence[Model]) -> None:
    """Prints the services as a table or, where the terminal is too narrow for one, one below the other."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False)
    for heading, column in zip(_HEADINGS, _COLUMNS, strict=True):
        is_figure = column in {"queuelen", "numreq"}
        table.add_column(
            heading, justify="right" if is_figure else "left", overflow="fold", no_wrap=column != "comment"
        )
    for model in models:
        row = [Text(cell) for cell in _cells(model)]  # as text: a comment's brackets are no markup
        table.add_row(*row, style="" if model.connected else "dim")
    terminal = Console()
    *columns, _ = zip(_HEADINGS, *map(_cells, models), strict=True)
    if terminal.width - sum(max(map(len, column)) + _GAP for column in columns) >= _COMMENT_WIDTH:
        terminal.print(table)
        return
    for model in models:
        name, *rest = _cells(model)
        lines = [f"{heading}: {cell}" for heading, cell in zip(_HEADINGS[1:], rest, strict=True) if cell]
        terminal.print(Text(name, "bold"), *(Text(f"  {line}") for line in lines), sep="\n")
