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

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
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


def fault_rows(faults: Mapping[str, FaultKind]) -> Iterator[tuple[str, ...]]:
    """Each fault: its name, where it acts, its settings, and what it does."""
    for fault in faults.values():
        yield fault.name, " ".join(fault.legs), _settings(fault), fault.summary


def wrong_rows(hubs: Mapping[str, WrongHub]) -> Iterator[tuple[str, ...]]:
    """Each wrong hub: its name, the requirement that it breaks, and what it does."""
    for hub in hubs.values():
        yield hub.name, hub.breaks, hub.summary


def print_rows(rows: Iterable[tuple[str, ...]]) -> None:
    """Prints rows: one a line with tabs between for a program, under each name what there is to say for a person."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(row))
        return
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    for name, *facts, summary in rows:
        click.echo(f"{name}  {'  '.join(fact for fact in facts if fact != _NONE)}")
        click.echo(textwrap.fill(summary, width, initial_indent="    ", subsequent_indent="    "))


def _settings(fault: FaultKind) -> str:
    settings: dict[str, Any] = {}
    for act in fault.acts.values():
        settings |= act.settings
    return ",".join(f"{name}={value}" for name, value in settings.items()) or _NONE


def _say(what: str, text: str) -> None:
    click.echo(f"{what:{_COLUMN}}{text}")
    sys.stdout.flush()


def _say_json(content: Mapping[str, Any]) -> None:
    click.echo(json.dumps(content))
    sys.stdout.flush()
