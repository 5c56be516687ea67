"""The flags of `neuroengine mock`, and what they say in the form of a configuration's data.

Whether a name exists or a value is in range is the mock hub's to say; here only the form is read.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Command = TypeVar("Command", bound="Callable[..., Any]")
Pairs = tuple[tuple[str, str], ...]

_TEXTS: Final = ("comment", "operator", "preprompt", "endprompt")
"""What a flag may say of a service, in the words of the configuration."""
_PLAIN: Final = (
    "http_port", "provider_port", "tls", "matching_statuses", "cors", "strict", "wrong", "clock_scale", "journal_file",
    "admin", "admin_port",
)  # fmt: skip
_RECORD: Final = {"record": "url", "record_to": "to", "record_ca_file": "ca_file", "record_insecure": "insecure",
                  "record_timings": "timings"}  # fmt: skip
_PACE: Final = {"first_token": "first_token_s", "tokens_per_second": "tokens_per_s"}


def _pairs(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...], *, several: bool = False
) -> Pairs:
    """Reads NAME=VALUE options; with `several` a name may have several values."""
    pairs: dict[str, list[str]] = {}
    for value in values:
        name, separator, rest = value.partition("=")
        if not separator or not name or not rest:
            raise click.BadParameter(f"{value!r} is not of the form {parameter.metavar}", context, parameter)
        if name in pairs and not several:
            raise click.BadParameter(f"{name!r} is given twice", context, parameter)
        pairs.setdefault(name, []).append(rest)
    return tuple((name, value) for name, values in pairs.items() for value in values)


def _numbers(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    """Reads NAME=NUMBER options."""
    return {name: _number(text, name, context, parameter) for name, text in _pairs(context, parameter, values)}


def _number(text: str, name: str, context: click.Context, parameter: click.Parameter) -> float:
    try:
        return float(text)
    except ValueError:
        raise click.BadParameter(f"{name!r} must be a number; it was {text!r}", context, parameter) from None


def _quotas(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Reads NAME=COUNT[/SECONDS] options."""
    quotas = {}
    for name, text in _pairs(context, parameter, values):
        count, slash, window = text.partition("/")
        if not (count.isascii() and count.isdecimal()):
            why = f"the quota of {name!r} must be a whole number, 0 or more; it was {count!r}"
            raise click.BadParameter(why, context, parameter)
        quota: dict[str, Any] = {"quota": int(count)}
        if slash:
            window_s = _number(window, name, context, parameter)
            if not 0 < window_s < float("inf"):
                why = f"the window of {name!r} must be a number of seconds above 0; it was {window!r}"
                raise click.BadParameter(why, context, parameter)
            quota["quota_window_s"] = window_s
        quotas[name] = quota
    return quotas


def _faults(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[Any]:
    """Reads NAME[:MEMBER=VALUE,...] options."""
    faults: list[Any] = []
    for value in values:
        name, colon, settings = value.partition(":")
        members = dict(_pairs(context, parameter, tuple(settings.split(",")))) if colon else {}
        if not name or "name" in members:
            raise click.BadParameter(f"{value!r} is not of the form {parameter.metavar}", context, parameter)
        faults.append({"name": name, **{member: _value(text) for member, text in members.items()}} if members else name)
    return faults


def _value(text: str) -> Any:
    """A number or a truth value; anything else is text."""
    try:
        value = json.loads(text, parse_constant=str)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text


def _option(*names: str, **settings: Any) -> Any:
    return click.option(*names, cls=_Option, **settings)


class _Option(click.Option):
    """An option whose help does not repeat in signs which numbers are allowed."""

    def get_help_extra(self, ctx: click.Context) -> Any:
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)
        return extra


_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_IN: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


def _named(flag: str, name: str, metavar: str, text: str, callback: Callable[..., Any] = _pairs) -> Any:
    return _option(flag, name, multiple=True, callback=callback, metavar=metavar, help=text)


_OPTIONS: Final = (
    _option("--config", "config_file", type=_IN, metavar="FILE",
                 help="Settings in TOML or JSON. Flags win over it; a change of it is applied at once."),
    _option("--check", is_flag=True, help="Say whether the settings are right, and exit."),
    _option("--http-port", type=click.IntRange(0, 65535), metavar="PORT",
                 help="Port for clients; 0, the default, takes a free one."),
    _option("--provider-port", type=click.IntRange(0, 65535), metavar="PORT",
                 help="Port for providers; 0, the default, takes a free one."),
    _option("--admin", is_flag=True, default=None,
                 help="Let other programs see and change the running hub, over HTTP on a port of its own."),
    _option("--admin-port", type=click.IntRange(0, 65535), metavar="PORT",
                 help="Port for that; 0, the default, takes a free one."),
    _option("--tls/--no-tls", default=None,
                 help="Speak TLS on the HTTP port, by a throw-away authority, as is the default."),
    _named("--service", "services", "NAME=KEY", "A service and its provider's key; may be repeated."),
    _named("--access-key", "access_keys", "NAME=KEY",
           "A key that clients have to show to use a service; may be repeated.",
           partial(_pairs, several=True)),
    _named("--quota", "quotas", "NAME=COUNT[/SECONDS]",
           "How many generations a service allows in a minute, or in so many seconds.", _quotas),
    _named("--comment", "comment", "NAME=TEXT", "What the model list says of a service."),
    _named("--operator", "operator", "NAME=TEXT", "Who the model list says that it belongs to."),
    _named("--preprompt", "preprompt", "NAME=TEXT", "What the model list says that stands before a prompt."),
    _named("--endprompt", "endprompt", "NAME=TEXT", "What the model list says that stands behind a prompt."),
    _option("--offline", multiple=True, metavar="NAME",
                 help="Let a service wait for its provider, instead of the simulated model answering for it."),
    _named("--limit", "limits", "NAME=VALUE", "Change one of the hub's limits; may be repeated.", _numbers),
    _option("--matching-statuses", is_flag=True, default=None,
                 help="Answer errors with the HTTP status that the registry names, not with 200."),
    _option("--cors", is_flag=True, default=None, help="Let web pages on this machine read the answers."),
    _option("--rules", "rule_files", type=_IN, multiple=True, metavar="FILE",
                 help="What matching requests are answered with, JSON or TOML; may be repeated."),
    _option("--strict", is_flag=True, default=None, help="Refuse prompts that no rule matches."),
    _option("--first-token", type=float, metavar="SECONDS", help="How long the first token of a reply takes."),
    _option("--tokens-per-second", type=float, metavar="NUMBER", help="How fast the tokens after it come."),
    _option("--clock-scale", type=click.FloatRange(min=0), metavar="NUMBER",
                 help="How many seconds pass at the hub in each real one; 0 stands until --admin advances it."),
    _named("--fault", "faults", "NAME[:MEMBER=VALUE,...]",
           "Let a fault befall exchanges, as in latency:seconds=2,rate=0.1; may be repeated.", _faults),
    _option("--list-faults", is_flag=True, help="List the faults and their members, and exit."),
    _option("--wrong", metavar="NAME", help="Be wrong in one way on purpose."),
    _option("--list-wrong", is_flag=True,
                 help="List the wrong hubs and the requirement that each breaks, and exit."),
    _option("--record", metavar="URL", help="Pass all requests on to a live hub, and write rules that answer so."),
    _option("--record-to", type=_FILE, metavar="FILE", help="Where to write them; else recorded.json."),
    _option("--record-ca-file", type=_IN, metavar="PEM",
                 help="A file of the authorities to trust there; else those of the system."),
    _option("--record-insecure", is_flag=True, default=None, help="Do not check the live hub's certificate."),
    _option("--record-timings", is_flag=True, default=None, help="Let the rules take as long as it did."),
    _option("--journal-file", type=_FILE, metavar="HAR", help="Write what happened there in the end."),
    _option("--json", "as_json", is_flag=True, help="Print one line of JSON with the addresses."),
)  # fmt: skip


_SECTIONS: Final = {
    "Settings": "config_file check as_json",
    "Addresses": "http_port provider_port tls cors admin admin_port",
    "Services": "services access_keys quotas comment operator preprompt endprompt offline",
    "Answers": "rule_files strict limits matching_statuses first_token tokens_per_second clock_scale",
    "Troubles": "faults list_faults wrong list_wrong",
    "Records": "record record_to record_ca_file record_insecure record_timings journal_file",
}
"""In which order the help shows the options, by their parameters' names; the rest comes last."""


class MockCommand(click.Command):
    """A command with many options, which its help shows in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the sections."""
        rows = {option.name: row for option in self.get_params(ctx) if (row := option.get_help_record(ctx))}
        for title, names in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([rows.pop(name) for name in names.split()])
        with formatter.section("Others"):
            formatter.write_dl(list(rows.values()))


def mock_options(command: Command) -> Command:
    """Adds all options of the command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def data_of(flags: Mapping[str, Any]) -> dict[str, Any]:
    """What the flags say, in the form of a configuration's data; those that are left out say nothing."""
    data: dict[str, Any] = {name: flags[name] for name in _PLAIN if flags[name] is not None}
    data |= {name: list(flags[name]) for name in ("faults", "rule_files") if flags[name]}
    if flags["limits"]:
        data["limits"] = flags["limits"]
    for name, members in (("record", _RECORD), ("pace", _PACE)):
        if given := {member: flags[flag] for flag, member in members.items() if flags[flag] is not None}:
            data[name] = given
    if services := _services(flags):
        data["services"] = services
    return data


def _services(flags: Mapping[str, Any]) -> list[dict[str, Any]]:
    services: dict[str, dict[str, Any]] = {}

    def lay(pairs: Iterable[tuple[str, dict[str, Any]]]) -> None:
        for name, members in pairs:
            services.setdefault(name, {"name": name}).update(members)

    lay((name, {"key": key}) for name, key in flags["services"])
    lay(flags["quotas"].items())
    lay((name, {"offline": True}) for name in flags["offline"])
    for text in _TEXTS:
        lay((name, {text: value}) for name, value in flags[text])
    for name, key in flags["access_keys"]:
        lay([(name, {"access_keys": [*services.get(name, {}).get("access_keys", ()), key]})])
    return list(services.values())
