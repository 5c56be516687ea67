"""`neuroengine mock`: a mock hub until Ctrl-C or SIGTERM."""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import click

from neuroengine.cli.console import fail

if TYPE_CHECKING:
    from mockserver import MockHub


def _pairs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Reads NAME=VALUE options."""
    pairs = {}
    for value in values:
        name, separator, rest = value.partition("=")
        if not separator or not name or not rest:
            raise click.BadParameter(f"{value!r} is not of the form NAME=VALUE", context, parameter)
        if name in pairs:
            raise click.BadParameter(f"{name!r} is given twice", context, parameter)
        pairs[name] = rest
    return pairs


@click.command(name="mock")
@click.option("--http-port", type=click.IntRange(0, 65535), default=0, help="Port for clients; 0 takes a free one.")
@click.option(
    "--provider-port", type=click.IntRange(0, 65535), default=0, help="Port for providers; 0 takes a free one."
)
@click.option(
    "--tls/--no-tls", default=True, help="Speak TLS on the HTTP port, by a throw-away authority.", show_default=True
)
@click.option(
    "--service",
    "services",
    multiple=True,
    callback=_pairs,
    metavar="NAME=KEY",
    help="A service and its provider's key; may be repeated.",
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    callback=_pairs,
    metavar="NAME=VALUE",
    help="Change one of the hub's limits; may be repeated.",
)
@click.option(
    "--matching-statuses",
    is_flag=True,
    help="Answer errors with the HTTP status that the registry names, not with 200.",
)
@click.option("--wrong", metavar="NAME", help="Be wrong in one way on purpose; --list-wrong names them.")
@click.option("--list-wrong", is_flag=True, help="List the wrong hubs and the requirement that each breaks, and exit.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON with the addresses.")
def command(
    http_port: int,
    provider_port: int,
    tls: bool,
    services: dict[str, str],
    limits: dict[str, str],
    matching_statuses: bool,
    wrong: str | None,
    list_wrong: bool,
    as_json: bool,
) -> None:
    """Run a mock hub on this machine until Ctrl-C.

    A service is answered by a simulated model until a provider first logs in to it, from then on by providers only.
    """
    try:
        from mockserver import MockHub
        from mockserver.wrong import WRONG_HUBS
    except ImportError as error:
        fail(f"the mock hub needs the package {error.name!r}; run: pip install 'neuroengine[mock]'", 2)
    if list_wrong:
        for one in WRONG_HUBS.values():
            click.echo(f"{one.name}\t{one.breaks}\t{one.summary}")
        return
    options: dict[str, Any] = {"tls": tls, "http_port": http_port, "provider_port": provider_port, "wrong": wrong}
    if services:
        options["services"] = services
    try:
        hub = MockHub(limits=_numbers(limits), matching_statuses=matching_statuses, **options)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        hub.start()
    except OSError as error:
        fail(error.strerror or str(error), 3)
    try:
        _announce(hub, as_json)
        stopped.wait()
    finally:
        hub.stop()


def _numbers(limits: dict[str, str]) -> dict[str, float]:
    numbers = {}
    for name, text in limits.items():
        try:
            numbers[name] = float(text)
        except ValueError:
            raise ValueError(f"the limit {name!r} must be a number; it was {text!r}") from None
    return numbers


def _announce(hub: MockHub, as_json: bool) -> None:
    """Prints the addresses; the hub answers already."""
    if as_json:
        services = [{"name": service.name, "key": service.key} for service in hub.services]
        line = {"url": hub.url, "provider": hub.provider, "ca_file": hub.ca_file, "services": services}
        click.echo(json.dumps(line))
    else:
        name = hub.services[0].name
        trust = f"--cacert {hub.ca_file} " if hub.url.startswith("https") else ""
        click.echo(f"clients    {hub.url}")
        click.echo(f"providers  {hub.provider} (TLS)")
        click.echo(f"trust      {hub.ca_file}")
        for service in hub.services:
            click.echo(f"service    {service.name}   key {service.key}")
        click.echo("\nTry it:\n")
        click.echo(f"""  curl {trust}{hub.url}/{name} -d '{{"message": "Hello LLM"}}'\n""")
        click.echo(
            f"  export NEUROENGINE_URL={hub.url} NEUROENGINE_PROVIDER={hub.provider} SSL_CERT_FILE={hub.ca_file}"
        )
        click.echo(f"""  neuroengine ask --service {name} "Hello LLM"\n""")
        click.echo("Ctrl-C ends it.")
    sys.stdout.flush()
