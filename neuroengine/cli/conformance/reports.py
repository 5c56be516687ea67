"""`neuroengine conformance report`, `diff` and `badge`: what can be made of a report that was written before."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from neuroengine.cli.conformance.report_file import read_report, report_options, taken_files, write_report

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("report_file", metavar="REPORT", type=_FILE)
@report_options
def report(report_file: Path, **options: Any) -> None:
    """Write the judgement in REPORT (its JSON) in other forms; without any, print it."""
    from conformance.reports.terminal import Terminal

    judged, files = read_report(report_file), taken_files(options)
    if files:
        write_report(judged, files)
    else:
        Terminal().finish(judged)


@click.command()
@click.argument("report_file", metavar="REPORT", type=_FILE)
@click.option("--endpoint", is_flag=True, help="Print the JSON that shields.io makes a badge from, not the picture.")
def badge(report_file: Path, *, endpoint: bool) -> None:
    """Print a badge for the judgement in REPORT, as SVG."""
    from conformance.reports.badge import badge as said
    from conformance.reports.badge import badge_svg

    judged = read_report(report_file)
    click.echo(json.dumps(said(judged)) if endpoint else badge_svg(judged), nl=endpoint)


@click.command()
@click.argument("before", type=_FILE)
@click.argument("after", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print the difference as JSON.")
def diff(before: Path, after: Path, *, as_json: bool) -> None:
    """Show what changed from the report BEFORE to the report AFTER.

    Exit code: 0 when nothing became worse, 1 when something did, or was found broken when it was first judged.
    """
    from conformance.reports.diff import SUMMED, compare, told

    difference = compare(read_report(before), read_report(after))
    if as_json:
        click.echo(json.dumps(difference, indent=2))
    else:
        for line in told(difference):
            click.echo(line)
        counts = [f"{len(difference[group])} {words}" for group, words in SUMMED.items() if difference[group]]
        click.echo(", ".join(counts) or "no verdict changed")
    sys.exit(1 if difference["worse"] or difference["found"] else 0)
