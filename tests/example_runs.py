"""Runs an example in the language that it is written in, as its reader would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
DEADLINE_S = 100
PROGRAMS = {
    ".py": (sys.executable, "-W", "error"),
    ".sh": ("bash", "-euo", "pipefail"),
    ".mjs": ("node",),
}
"""What runs a file, by its ending."""
NEEDS = {".sh": ("bash", "curl", "jq", "openssl"), ".mjs": ("node",)}
"""The programs of the machine that it takes."""


def run(example: Path, environment: dict[str, str], folder: Path | None = None) -> str:
    """What the example prints; it must end well and complain of nothing.

    It runs in a folder, or in the one where the tests were started. Skips where the machine lacks its language.
    """
    for program in NEEDS.get(example.suffix, ()):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed, and {example.relative_to(ROOT)} needs it")
    own = str(Path(sys.executable).parent)
    done = subprocess.run(
        [*PROGRAMS[example.suffix], str(example)],
        cwd=folder,
        env=os.environ | {"PATH": f"{own}{os.pathsep}{os.environ['PATH']}", "PYTHONIOENCODING": "utf-8"} | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def agrees(expected: str, actual: str) -> bool:
    """Whether an output is as expected, where `…` stands for what differs from run to run on a line."""
    pattern = ".*".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, actual) is not None
