"""Runs the example programs as a user would: a process of their own, pointed at the mock hub by the environment."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from patience import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockserver import MockHub

EXAMPLES = Path(__file__).parent.parent / "examples"


def environment(hub: MockHub) -> dict[str, str]:
    """The variables that point every program at the hub."""
    own = {"NEUROENGINE_URL": hub.url, "NEUROENGINE_PROVIDER": hub.provider, "SSL_CERT_FILE": hub.ca_file}
    return os.environ | own | {"PYTHONIOENCODING": "utf-8"}


def output(hub: MockHub, *arguments: str) -> str:
    """What a program prints; it must end well and complain of nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env=environment(hub),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@contextmanager
def running(hub: MockHub, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A program that goes on until it is ended, at the latest when this is left."""
    command = [sys.executable, "-W", "error", *arguments]
    with subprocess.Popen(command, env=environment(hub), stdout=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            program.kill()
