"""`neuroengine conformance baseline`: the file of expected failures."""

from __future__ import annotations

from pathlib import Path

import click

from neuroengine.cli.conformance.report_file import read_report

DEFAULT = Path("expected-failures.toml")
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def baseline() -> None:
    """Keep the file of expected failures."""


@baseline.command()
@click.argument("report_file", metavar="REPORT", type=_FILE)
@click.option(
    "--file", type=_FILE, default=Path("expected-failures.toml"), show_default=True, help="The file to write."
)
def update(report_file: Path, file: Path) -> None:
    """Write into FILE what the judgement in REPORT (its JSON) found broken, and take out what it found mended.

    What people wrote stays: reasons, dates, comments. Refused for the report of a partial run.
    """
    from conformance.baseline import TO_BE_SAID, updated
    from conformance.expected import read_expected

    report = read_report(report_file)
    before = ""
    try:
        if file.exists():
            read_expected(file)
            before = file.read_text(encoding="utf-8")
        text = updated(before, report)
    except (OSError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    file.write_text(text, encoding="utf-8")
    entries = read_expected(file)
    new = sum(entry.reason == TO_BE_SAID for entry in entries)
    click.echo(f"{file}: {len(entries)} expected failures" + (f"; say the reason of {new} of them" if new else ""))
