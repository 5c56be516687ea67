"""Other people's projects, tested by pytest in a process of its own, as those who use the plugin do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

DEADLINE_S = 100
OF_THE_CALLER = ("PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "PYTEST_PLUGINS", "PYTHONPATH")


class Outcome(NamedTuple):
    """How a run of pytest ended: its counts, such as `passed`, and what it said."""

    counts: dict[str, int]
    output: str


def project(folder: Path, files: dict[str, str]) -> Path:
    """A project with these files, by their paths."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return folder


def run_pytest(folder: Path, *options: str, as_module: bool = False) -> Outcome:
    """Runs the project's tests; every warning is an error. As a module, pytest puts the folder on the path."""
    program = [sys.executable, "-m", "pytest"] if as_module else [str(Path(sys.executable).with_name("pytest"))]
    environment = {name: value for name, value in os.environ.items() if name not in OF_THE_CALLER}
    run = subprocess.run(
        [*program, "-W", "error", "--strict-markers", "-p", "no:schemathesis", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    output = run.stdout + run.stderr
    last = output.strip().splitlines()[-1] if output.strip() else ""
    return Outcome({word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|errors?)", last)}, output)
