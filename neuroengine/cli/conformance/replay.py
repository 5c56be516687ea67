"""`neuroengine conformance replay`: judge again what a report says is broken."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuroengine.cli.conformance.ending import ended_by_sigterm
from neuroengine.cli.conformance.report_file import read_report, report_options, taken_files, write_report

if TYPE_CHECKING:
    from conformance import Settings

DEFAULT = Path("conformance-report.json")


@click.command()
@click.argument("what", nargs=-1, metavar="[REPORT] [CASE]...")
@click.option("--url", default="", metavar="URL", help="Another hub than the one that was judged.")
@click.option("--service", default="", metavar="NAME", help="Another service than the one that was asked.")
@click.option("--provider", default="", metavar="HOST:PORT", help="Another provider port.")
@click.option("--ca-file", default="", metavar="PEM", help="Another file of authorities.")
@click.option("--insecure", is_flag=True, help="Verify no certificate.")
@click.option("--access-key-env", default="NE_KEY", metavar="VARIABLE", help="Where the access key stands.")
@report_options
def replay(what: tuple[str, ...], *, access_key_env: str, **options: Any) -> None:
    """Judge again what a report says is broken.

    REPORT is a report's JSON (conformance-report.json by default), CASE a requirement's id or a case, with * for
    anything; without one, all that was broken. Keys are in no report: the service's is read from $NE_SERVICE_KEY.
    Exit codes as of `run`.
    """
    import conformance
    from conformance.replay import broken_cases, compared, settings_of
    from conformance.reports.terminal import Terminal

    files = taken_files(options)
    names = list(what)
    file = Path(names.pop(0)) if names and (names[0].endswith(".json") or Path(names[0]).is_file()) else DEFAULT
    report = read_report(file)
    cases = broken_cases(report, names)
    if not cases:
        named = f" that {', '.join(names)} names" if names else ""
        click.echo(f"{file}: nothing is broken{named}; there is nothing to judge again")
        return
    changes = {name: value for name, value in options.items() if value}
    changes |= {name: os.environ.get(variable, "") for name, variable in _keys(access_key_env).items()}
    terminal = Terminal()
    try:
        settings = settings_of(report, cases, **changes)
        _check_keys(settings, access_key_env)
        with ended_by_sigterm():
            terminal.announce(settings, f"{settings.url}, service {settings.service}, again")
            after = conformance.run(settings, terminal)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    terminal.finish(after)
    for line in compared(report, after, cases):
        click.echo(line)
    write_report(after, files)
    sys.exit(after["exit_code"])


def _keys(access_key_env: str) -> dict[str, str]:
    """The settings that are secret, with the variables that hold them."""
    from conformance.settings import SECRETS

    return SECRETS | {"access_key": access_key_env}


def _check_keys(settings: Settings, access_key_env: str) -> None:
    """Sees to it that the keys are there which the report's run had.

    Raises:
        ValueError: one is missing.
    """
    if settings.provider and not settings.service_key:
        raise ValueError("the suite was logged in as a provider: put the service's key into $NE_SERVICE_KEY")
    if settings.access_service and not settings.access_key:
        raise ValueError(f"the suite had an access key for {settings.access_service}: put it into ${access_key_env}")
