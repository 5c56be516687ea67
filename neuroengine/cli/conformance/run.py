"""`neuroengine conformance run`: judge a hub."""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from neuroengine.cli.conformance.ending import ended_by_sigterm
from neuroengine.cli.conformance.report_file import report_options, taken_files, write_report
from neuroengine.cli.console import fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance import Settings

FIRST_REPORT: Final = "conformance-report.json"
"""Where a judgement of the embedded mock hub leaves its report, so that a first run leaves something to look at."""
OF_A_TARGET: Final = (
    "service",
    "second_service",
    "provider",
    "provider_service",
    "access_service",
    "quota_service",
)
"""Options that the embedded hub answers itself."""


def _limits(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    """Reads NAME=NUMBER options; the names are checked by the suite."""
    limits = {}
    for value in values:
        name, separator, number = value.partition("=")
        try:
            limits[name] = float(number)
        except ValueError:
            separator = ""
        if not separator or not name:
            raise click.BadParameter(f"{value!r} is not of the form NAME=NUMBER", context, parameter)
    return limits


_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_SECONDS: Final = click.FloatRange(min=0, min_open=True)


@click.command()
@click.argument("target", required=False)
@click.option("--service", default="", metavar="NAME", help="The service to ask.")
@click.option("--second-service", default="", metavar="NAME", help="Another service of the hub.")
@click.option("--provider", default="", metavar="HOST:PORT", help="Log in there as a provider, to see both ends.")
@click.option("--service-key", default="", metavar="KEY", help="The key to log in with; better in $NE_SERVICE_KEY.")
@click.option("--provider-service", default="", metavar="NAME", help="The service to log in to, if it is another one.")
@click.option("--access-service", default="", metavar="NAME", help="A service with access keys.")
@click.option("--access-key-env", default="NE_KEY", metavar="VARIABLE", help="Where an access key for it stands.")
@click.option("--quota-service", default="", metavar="NAME", help="A service with a quota of a few requests.")
@click.option("--ca-file", type=_FILE, help="Trust the authorities of this PEM file instead of the system's.")
@click.option("--insecure", is_flag=True, help="Verify no certificate.")
@click.option(
    "--profile",
    type=click.Choice(["smoke", "core", "extended"]),
    default="core",
    show_default=True,
    help="How much to judge; smoke sends at most 20 requests.",
)
@click.option(
    "--level",
    type=click.Choice(["must", "should"]),
    default="should",
    show_default=True,
    help="Judge the binding requirements alone, or the recommendations too.",
)
@click.option(
    "--select", multiple=True, metavar="GLOB", help="Judge these ids alone, as 'NE-STREAM-*'; may be repeated."
)
@click.option(
    "--seed", type=click.IntRange(min=0), help="What every generated request follows from; by chance if left out."
)
@click.option("--timeout", type=_SECONDS, default=20.0, show_default=True, help="Seconds that one exchange may take.")
@click.option(
    "--max-wait", type=_SECONDS, default=20.0, show_default=True, help="Seconds that a check may wait for a limit."
)
@click.option("--case-time", type=_SECONDS, default=300.0, show_default=True, help="Seconds that one check may take.")
@click.option(
    "--max-time", type=_SECONDS, default=1800.0, show_default=True, help="Seconds that the whole run may take."
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    callback=_limits,
    metavar="NAME=NUMBER",
    help="A limit of the hub's own; may be repeated.",
)
@click.option("--rate", type=click.FloatRange(min=0), help="Requests a second, 0 for no bound; 2 off this machine.")
@click.option(
    "--max-requests", type=click.IntRange(min=0), help="Requests in all, 0 for no bound; 200 off this machine."
)
@click.option(
    "--expected-failures", "expected_file", type=_FILE, help="What is known to be broken (TOML); see `baseline`."
)
@report_options
@click.option("--require-complete", is_flag=True, help="Fail when a MUST that can be judged was not.")
def run(
    target: str | None,
    expected_file: Path | None,
    *,
    require_complete: bool,
    **options: Any,
) -> None:
    """Judge the hub at TARGET, a URL; without TARGET, the embedded mock hub.

    Exit code: 0 conforming as far as it was judged, expected failures apart; 1 not conforming, or an expected failure
    that is stale; 2 usage; 3 the hub could not be reached, stopped answering or accepted no login, or the suite failed.
    """
    try:
        import conformance
    except ImportError as error:
        fail(f"the suite needs the package {error.name!r}; run: pip install 'neuroengine[conformance]'", 2)
    from conformance.expected import read_expected
    from conformance.reports.terminal import Terminal

    files = taken_files(options)
    if target is None:
        files.setdefault("json", Path(FIRST_REPORT))
    terminal = Terminal()
    with ended_by_sigterm(), _judged(target, options) as (settings, what):
        try:
            expected = read_expected(expected_file) if expected_file else ()
            terminal.announce(settings, what)
            report = conformance.run(settings, terminal, expected=expected, require_complete=require_complete)
        except (OSError, ValueError) as error:
            raise click.UsageError(str(error)) from None
    terminal.finish(report)
    write_report(report, files)
    sys.exit(report["exit_code"])


@contextmanager
def _judged(target: str | None, options: dict[str, Any]) -> Iterator[tuple[Settings, str]]:
    """The settings for the given hub, or for an embedded one that lives as long as it is judged."""
    if target is not None:
        settings = _settings(target, options)
        yield settings, f"{settings.url}, service {settings.service}"
        return
    named = [name for name in OF_A_TARGET if options[name]]
    if named:
        flags = ", ".join("--" + name.replace("_", "-") for name in named)
        raise click.UsageError(f"{flags}: that belongs to a TARGET; say which")
    from neuroengine.cli.conformance.embedded import BRISK, embedded_hub

    with embedded_hub(limits=BRISK) as told:
        told["limits"] |= options["limits"]
        url = told.pop("url")
        yield _settings(url, options | told), f"the embedded mock hub at {url}"


def _settings(target: str, options: dict[str, Any]) -> Settings:
    from conformance import Settings, check_limits, polite, read_target

    try:
        url, service = read_target(target, options["service"])
        check_limits(options["limits"])
        rate, most = polite(url, options["profile"], options["rate"], options["max_requests"])
        given = options | {"url": url, "service": service, "rate": rate, "max_requests": most}
        given |= _secrets(given)
        given["ca_file"] = str(options["ca_file"] or "")
        given["seed"] = secrets.randbelow(2**32) if options["seed"] is None else options["seed"]
        return Settings(**given)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _secrets(options: dict[str, Any]) -> dict[str, str]:
    """The keys, from the environment where they were not given.

    Raises:
        ValueError: one is missing that an option needs, or the provider's address is none.
    """
    from conformance.settings import read_provider

    variable = options.pop("access_key_env")
    service_key = options["service_key"] or os.environ.get("NE_SERVICE_KEY", "")
    access_key = options.get("access_key") or os.environ.get(variable, "")
    if options["provider"]:
        read_provider(options["provider"])
        if not service_key:
            raise ValueError("--provider needs the service's key: put it into $NE_SERVICE_KEY")
    if options["access_service"] and not access_key:
        raise ValueError(f"--access-service needs an access key: put it into ${variable}")
    return {"service_key": service_key, "access_key": access_key}
