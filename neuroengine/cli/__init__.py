"""The command line, `neuroengine`. Each command lives in a module of its name, imported only when it is called."""

from __future__ import annotations

import errno
from importlib import import_module
from typing import Any, Final

import click

from neuroengine._version import __version__

COMMANDS: Final = {
    "ask": "Ask a shared LLM for a reply.",
    "chat": "Hold a conversation with a shared LLM.",
    "models": "List the LLMs that a hub offers.",
    "doctor": "Find out what works between here and a hub.",
    "serve": "Share an LLM under a service's name.",
    "mock": "Run a mock hub on this machine.",
    "conformance": "Judge a hub against the spec.",
    "spec": "Print or export the spec.",
}
"""Every command with its one line of help, so that `--help` imports none of them."""

FAILED: Final = 3
"""The exit code when the system refuses what a command needs: a full disk, a folder that cannot be written."""
INTERRUPTED: Final = 130
"""The exit code after Ctrl-C: 128 and the signal's number."""


class LazyGroup(click.Group):
    """A group whose commands are imported from `neuroengine.cli.{name}` when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"neuroengine.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; Ctrl-C ends it quietly, with the exit code that shells know it by."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo(err=True)  # the shell's prompt begins a line
            ctx.exit(INTERRUPTED)
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read the output has gone, and click ends quietly
                raise
            click.echo(f"Error: {error}", err=True)
            ctx.exit(FAILED)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the table of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="neuroengine")
def main() -> None:
    """Use, share, mock and judge LLMs over the Neuroengine protocol."""
