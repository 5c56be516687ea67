"""Runs `neuroengine doctor` and reads what it found, as data."""

from __future__ import annotations

import json
import os
import re
import socket
from typing import TYPE_CHECKING, Any, NamedTuple

from click.testing import CliRunner, Result

from neuroengine.cli import main

if TYPE_CHECKING:
    import pytest

SERVICE = "Neuroengine-Large"
HUB_STEPS = ("settings", "proxy", "name", "tcp", "tls", "certificate", "http", "getmodels", "service", "generate")
PROVIDER_STEPS = ("settings", "name", "tcp", "tls", "certificate")
VARIABLE = re.compile(r"NEUROENGINE_\w+|SSL_CERT_(FILE|DIR)|\w+_PROXY", re.IGNORECASE)


class Found(NamedTuple):
    """What the doctor found."""

    code: int
    well: bool
    environment: dict[str, str]
    steps: dict[tuple[str, str], dict[str, Any]]

    def hub(self, name: str) -> tuple[str, str, str]:
        return self._of("hub", name)

    def provider(self, name: str) -> tuple[str, str, str]:
        return self._of("provider", name)

    def _of(self, part: str, name: str) -> tuple[str, str, str]:
        step = self.steps[part, name]
        return step["status"], step["detail"], step["fix"]

    def failed(self) -> list[tuple[str, str]]:
        return [place for place, step in self.steps.items() if step["status"] == "failed"]

    def not_tried_behind(self, part: str, broken: str) -> bool:
        """Whether every step behind the broken one was left out because of it, and says so."""
        names = [name for where, name in self.steps if where == part]
        behind = [self.steps[part, name] for name in names[names.index(broken) + 1 :]]
        return all((step["status"], step["detail"]) == ("not tried", f"because {broken} failed") for step in behind)


def clear_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes away every variable that the doctor reads."""
    for name in os.environ:
        if VARIABLE.fullmatch(name):
            monkeypatch.delenv(name)


def know_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the name server say of every name that there is none, whatever this machine's own one would do."""

    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["doctor", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def examine(*arguments: str) -> Found:
    result = run("--json", *arguments)
    found = json.loads(result.stdout)
    steps = {(step["part"], step["name"]): step for step in found["steps"]}
    for step in steps.values():
        assert bool(step["fix"]) == (step["status"] == "failed"), "a failure, and nothing else, has a fix"
        assert step["detail"]
        assert step["seconds"] >= 0
    assert len(steps) == len(found["steps"])
    assert (result.exit_code == 0) == found["well"] == all(step["status"] != "failed" for step in steps.values())
    return Found(result.exit_code, found["well"], found["environment"], steps)
