"""Runs the project's tasks: `python3 dev.py TASK [ARGUMENTS]`; alone, it lists them.

It needs Python and pip, and nothing else: the first run puts nox into `.nox/launcher`, and every run hands over to it.
The tasks are the sessions of noxfile.py. A Python that is too old can read it too, and gets a sentence, no traceback.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

LEAST_PYTHON = (3, 11)
NOX = "nox[uv]>=2026.10"
ROOT = Path(__file__).resolve().parent
LAUNCHER = ROOT / ".nox" / "launcher"
USAGE = """usage: python3 dev.py TASK [ARGUMENTS]

A task's first run installs what it needs below .nox; later runs start at once.
"""

if sys.version_info < LEAST_PYTHON:  # an older Python would fail below, at an annotation
    needed = ".".join(map(str, LEAST_PYTHON))
    sys.exit(f"dev.py needs Python {needed} or later; {sys.executable} is {sys.version.split()[0]}")


def main(arguments: list[str]) -> int:
    """Runs the task that the arguments name, or lists the tasks; returns the exit code."""
    nox = [launcher(), "-m", "nox", "--noxfile", str(ROOT / "noxfile.py")]
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(USAGE, flush=True)
        return subprocess.call([*nox, "--list"])
    return subprocess.call([*nox, "--session", arguments[0], "--", *arguments[1:]])


def launcher() -> str:
    """The Python that has nox, of an environment made once for this Python and this nox."""
    python = str(LAUNCHER / ("Scripts" if os.name == "nt" else "bin") / "python")
    made_for = f"{NOX} {sys.version} {sys.base_prefix}\n"
    mark = LAUNCHER / "made-for"
    if not mark.exists() or mark.read_text(encoding="utf-8") != made_for:
        print(f"Installing nox into {LAUNCHER}, once ...", file=sys.stderr, flush=True)
        _install(python)
        mark.write_text(made_for, encoding="utf-8")
    return python


def _install(python: str) -> None:
    """Makes the environment anew and installs nox by this Python's own pip, or else by the environment's."""
    if find_spec("pip"):
        venv, pip = ["--without-pip"], [sys.executable, "-m", "pip", "--python", python]
    elif find_spec("ensurepip"):
        venv, pip = [], [python, "-m", "pip"]
    else:
        sys.exit(f"dev.py needs pip, and {sys.executable} has none; install it (on Debian: apt install python3-pip)")
    for command in (
        [sys.executable, "-m", "venv", "--clear", *venv, str(LAUNCHER)],
        [*pip, "--quiet", "--disable-pip-version-check", "install", NOX],
    ):
        if subprocess.call(command):
            sys.exit(f"dev.py could not install nox; this command failed, and says why above: {' '.join(command)}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
