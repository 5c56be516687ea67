"""Reads a report that was written by `neuroengine conformance run --json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path


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
