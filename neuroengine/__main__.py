"""`python -m neuroengine`: the command line; with a prompt as its one argument it prints the reply (NE-PYC-014)."""

from __future__ import annotations

import sys

from neuroengine._generated.registry import DEFAULT_SERVICE
from neuroengine.cli import COMMANDS, main


def run(arguments: list[str]) -> None:
    """Runs the command line with these arguments."""
    is_prompt = len(arguments) == 1 and arguments[0] not in COMMANDS and not arguments[0].startswith("-")
    main(["ask", "--service", DEFAULT_SERVICE, "--", *arguments] if is_prompt else arguments, prog_name="neuroengine")


if __name__ == "__main__":
    run(sys.argv[1:])
