"""`neuroengine models`: lists the services of a hub."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from neuroengine.cli.console import connected, exit_codes, hub_options, one_line, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neuroengine.models import Model

_COLUMNS: Final = ("name", "connected", "queuelen", "numreq", "operator", "comment")


@click.command(name="models")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@hub_options
def command(*, as_json: bool, **options: Any) -> None:
    """List the LLMs that a hub offers.

    On a terminal a table; piped, one line a service with tabs between the columns.
    """
    with exit_codes(), connected(None, **options) as client:
        models = client.models()
        if as_json:
            write(json.dumps([model.model_dump() for model in models], indent=2) + "\n")
        elif sys.stdout.isatty():
            _print_table(models)
        else:
            rows = [_COLUMNS, *(_cells(model) for model in models)]
            write("".join("\t".join(row) + "\n" for row in rows))


def _cells(model: Model) -> Sequence[str]:
    """A service's row; what an operator wrote stays on one line and cannot steer the terminal."""
    values = (getattr(model, column) for column in _COLUMNS)
    return [("yes" if value else "no") if isinstance(value, bool) else one_line(str(value)) for value in values]


def _print_table(models: Sequence[Model]) -> None:
    """Prints the services as a table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*_COLUMNS)
    for model in models:
        table.add_row(*(Text(cell) for cell in _cells(model)))  # as text: a comment's brackets are no markup
    Console().print(table)
