"""`neuroengine conformance`: judge a hub against the spec, and read its requirements."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

COMMANDS: Final = {
    "run": "run",
    "replay": "replay",
    "selftest": "selftest",
    "baseline": "baseline",
    "report": "reports",
    "diff": "reports",
    "badge": "reports",
    "list": "requirements",
    "explain": "explain",
}
"""Each command with the module that holds it, imported when the command is named."""


class _Group(click.Group):
    """A group that imports a command's module when the command is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or none."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"neuroengine.cli.conformance.{COMMANDS[cmd_name]}")
        return next(
            found for found in vars(module).values() if isinstance(found, click.Command) and found.name == cmd_name
        )


@click.group(name="conformance", cls=_Group)
def command() -> None:
    """Judge a hub against the spec, and read its requirements."""
