"""What `neuroengine mock` prints: the addresses, what was applied, what was recorded, and its lists.

A service key is printed where it is no secret: the mock hub's own, and those that the command line shows anyway.
"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any, Final

import click

from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from mockserver import MockHub
    from mockserver.config import Config
    from mockserver.faults.kinds import FaultKind
    from mockserver.wrong.wrong_hub import WrongHub

_COLUMN: Final = 11
_WIDEST: Final = 100
_NONE: Final = "-"


class Words:
    """Speaks to a person, or in JSON to a program, one object a line.

    Args:
        as_json: whether to a program.
        own_key: the service key that is no secret, because the mock hub made it up.
        shown_keys: the services whose keys the command line shows anyway.
    """

    def __init__(self, *, as_json: bool, own_key: str, shown_keys: Collection[str]) -> None:
        self._as_json = as_json
        self._own_key = own_key
        self._shown_keys = shown_keys

    def announce(self, hub: MockHub, config: Config) -> None:
        """The addresses; the hub answers already."""
        services = [(service.name, self._key(service.name, service.key)) for service in hub.services]
        if self._as_json:
            rows = [{"name": name, "key": key} for name, key in services]
            admin = {"admin": hub.admin_url} if config.admin else {}
            _say_json({"url": hub.url, "provider": hub.provider, "ca_file": hub.ca_file, "services": rows, **admin})
            return
        _say("clients", hub.url)
        _say("providers", f"{hub.provider} (TLS)")
        _say("trust", hub.ca_file)
        if config.admin:
            _say("admin", hub.admin_url)
        for name, key in services:
            _say("service", name if key is None else f"{name}   key {key}")
        if config.record is not None:
            _say("records", f"{config.record.url} to {config.record.to}")
        for file in config.files:
            _say("watches", str(file))
        trust = f"--cacert {hub.ca_file} " if hub.url.startswith("https") else ""
        name = services[0][0]
        click.echo("\nTry it:\n")
        click.echo(f"""  curl {trust}{hub.url}/{name} -d '{{"message": "Hello LLM"}}'\n""")
        click.echo(
            f"  export NEUROENGINE_URL={hub.url} NEUROENGINE_PROVIDER={hub.provider} SSL_CERT_FILE={hub.ca_file}"
        )
        click.echo(f"""  neuroengine ask --service {name} "Hello LLM"\n""")
        click.echo("Ctrl-C ends it.")
        sys.stdout.flush()

    def applied(self, config: Config, hub: MockHub, waiting: Collection[str]) -> None:
        """A change of the files is in force; `waiting` is what has to wait for the next start."""
        if self._as_json:
            counts = {"services": len(hub.services), "rules": len(hub.rules), "faults": len(list(hub.faults))}
            _say_json({"applied": counts, "next_start": list(waiting)})
            return
        later = f"; {', '.join(waiting)} only at the next start" if waiting else ""
        _say("applied", f"{config}{later}")

    def refused(self, why: str) -> None:
        """A change of the files is not."""
        click.echo(f"Error: {why} (the settings from before stay)", err=True)

    def recorded(self, file: Path, rules: int, services: int, left_out: int) -> None:
        """A recording is written."""
        if self._as_json:
            _say_json({"recorded": {"file": str(file), "rules": rules, "services": services, "left_out": left_out}})
            return
        rest = f"; {left_out} answers were left out, because no rule can hold them" if left_out else ""
        _say("recorded", f"{file} (rules: {rules}, services: {services}){rest}")

    def _key(self, name: str, key: str) -> str | None:
        return key if key == self._own_key or name in self._shown_keys else None


def say_faults(faults: Mapping[str, FaultKind], known: Callable[[FaultKind], dict[str, Any]], *, as_json: bool) -> None:
    """Lists the faults: the name, where each acts, its settings, and what it does; `known` gives one as data."""
    if as_json:
        _say_json({"faults": [known(fault) for fault in faults.values()]})
        return
    _say_rows([(fault.name, " ".join(fault.legs), _settings(fault), fault.summary) for fault in faults.values()])


def say_wrong(hubs: Mapping[str, WrongHub], *, as_json: bool) -> None:
    """Lists the wrong hubs: the name, the requirement that each breaks, its level, profile and title, and how."""
    broken = {row["id"]: row for row in spec.requirements()}
    about = ("level", "profile", "title")
    rows = [(hub, {name: broken[hub.breaks][name] for name in about}) for hub in hubs.values()]
    if as_json:
        shown = [{"name": hub.name, "summary": hub.summary, "requirement": hub.breaks, **facts} for hub, facts in rows]
        _say_json({"wrong": shown})
        return
    _say_rows(
        [
            (hub.name, hub.breaks, facts["level"], facts["profile"], f"{facts['title']}: {hub.summary}")
            for hub, facts in rows
        ]
    )


def _say_rows(rows: Sequence[tuple[str, ...]]) -> None:
    """Prints rows in columns, a row a line; in a terminal the last column, a sentence, stands below the others."""
    *widths, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    edge = min(shutil.get_terminal_size().columns, _WIDEST) if sys.stdout.isatty() else None
    for *facts, sentence in rows:
        columns = "  ".join(f"{fact:{width}}" for fact, width in zip(facts, widths, strict=True))
        if edge is None:
            click.echo(f"{columns}  {sentence}")
            continue
        click.echo(columns.rstrip())
        click.echo(textwrap.fill(sentence, edge, initial_indent="    ", subsequent_indent="    "))


def _settings(fault: FaultKind) -> str:
    """The settings with their defaults, as the command line wants them; one without a default is named alone."""
    settings: dict[str, Any] = {}
    for act in fault.acts.values():
        settings |= act.settings
    shown = (name if value is None else f"{name}={value}" for name, value in settings.items())
    return ",".join(shown) or _NONE


def _say(what: str, text: str) -> None:
    click.echo(f"{what:{_COLUMN}}{text}")
    sys.stdout.flush()


def _say_json(content: Mapping[str, Any]) -> None:
    click.echo(json.dumps(content))
    sys.stdout.flush()
