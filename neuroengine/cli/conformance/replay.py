"""`neuroengine conformance replay`: judge again what a report says is broken."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from neuroengine.cli.conformance.report_file import read_report

DEFAULT = Path("conformance-report.json")


@click.command()
@click.argument("what", nargs=-1, metavar="[REPORT] [CASE]...")
@click.option("--url", default="", metavar="URL", help="Another hub than the one that was judged.")
@click.option("--service", default="", metavar="NAME", help="Another service than the one that was asked.")
@click.option("--provider", default="", metavar="HOST:PORT", help="Another provider port.")
@click.option("--ca-file", default="", metavar="PEM", help="Another file of authorities.")
def replay(what: tuple[str, ...], url: str, service: str, provider: str, ca_file: str) -> None:
    """Judge again what a report says is broken.

    REPORT is a report's JSON (conformance-report.json by default), CASE a requirement's id or a case, with * for
    anything; without one, all that was broken. Exit codes as of `run`.
    """
    import conformance
    from conformance.replay import broken_cases, compared, settings_of
    from conformance.reports.terminal import Terminal
    from conformance.settings import SECRETS

    names = list(what)
    file = Path(names.pop(0)) if names and (names[0].endswith(".json") or Path(names[0]).is_file()) else DEFAULT
    report = read_report(file)
    cases = broken_cases(report, names)
    if not cases:
        named = f" that {', '.join(names)} names" if names else ""
        click.echo(f"{file}: nothing is broken{named}; there is nothing to judge again")
        return
    changes = {"service": service, "provider": provider, "ca_file": ca_file, "url": url}
    secrets = {name: os.environ.get(variable, "") for name, variable in SECRETS.items()}
    if (provider or report["settings"]["provider"]) and not secrets["service_key"]:
        raise click.UsageError("the suite was logged in as a provider: put the service's key into $NE_SERVICE_KEY")
    try:
        settings = settings_of(report, cases, **{name: text for name, text in changes.items() if text}, **secrets)
        terminal = Terminal()
        terminal.announce(settings, f"{settings.url}, service {settings.service}, again")
        after = conformance.run(settings, terminal)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    terminal.finish(after)
    for line in compared(report, after, cases):
        click.echo(line)
    sys.exit(after["exit_code"])
