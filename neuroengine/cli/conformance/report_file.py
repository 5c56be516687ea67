"""Reads and writes the files of a report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from neuroengine.cli.console import fail

LOST: Final = 3
FORMS: Final = {
    "json": "as JSON, by its published schema",
    "html": "as one HTML file, for a person",
    "junit": "as JUnit XML",
    "markdown": "as Markdown, for a summary",
    "har": "as HAR: the exchanges that show what is broken",
    "ctrf": "in the Common Test Report Format",
    "badge": "as a badge, in SVG",
}
"""Every form of a report with its one line of help, so that `--help` does not import the suite."""

_Command = TypeVar("_Command", bound=Callable[..., Any] | click.Command)


def report_options(command: _Command) -> _Command:
    """Adds an option for each form of the report: the file to write it to."""
    for form in reversed(FORMS):
        option = click.option(
            f"--{form}",
            f"{form}_file",
            type=click.Path(dir_okay=False, path_type=Path),
            callback=_in_a_folder,
            metavar="FILE",
            help=f"Write the report {FORMS[form]}.",
        )
        command = option(command)
    return command


def taken_files(options: dict[str, Any]) -> dict[str, Path]:
    """Takes the files that were asked for out of a command's options, by form."""
    files = {form: options.pop(f"{form}_file") for form in FORMS}
    return {form: file for form, file in files.items() if file is not None}


def write_report(report: dict[str, Any], files: dict[str, Path]) -> None:
    """Writes each form to its file, and says so; ends the command where one cannot be written."""
    from conformance.reports.forms import FORMS as WRITERS

    for form, file in files.items():
        try:
            file.write_bytes(WRITERS[form](report))
        except OSError as error:
            fail(f"the report {str(file)!r} cannot be written: {error.strerror}", LOST)
        click.echo(f"report: {file}")


def read_report(file: Path) -> dict[str, Any]:
    """The report in a file.

    Raises:
        click.UsageError: there is none.
    """
    from conformance.reports.document import FORMAT

    try:
        report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise click.UsageError(f"the report {str(file)!r} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise click.UsageError(f"{str(file)!r} is no JSON: {error}") from None
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise click.UsageError(f"{str(file)!r} is no report of the form {FORMAT}; write one by: conformance run --json")
    return report


def _in_a_folder(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """A file in a folder that exists: better said before the run than after it."""
    if value is not None and not value.absolute().parent.is_dir():
        raise click.BadParameter(f"the folder of {str(value)!r} does not exist", context, parameter)
    return value
