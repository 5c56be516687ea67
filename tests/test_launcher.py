"""`dev.py` finds its way with whatever the machine's Python has, and says in a sentence what is missing."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

ROOT = Path(__file__).parents[1]
LAUNCHER = ROOT / "dev.py"


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The launcher as a module, with an environment of its own that does not exist yet."""
    spec = util.spec_from_file_location("dev", LAUNCHER)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "LAUNCHER", tmp_path / "launcher")
    return module


@pytest.fixture
def commands(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that the launcher runs, recorded instead; each succeeds."""
    recorded: list[list[str]] = []

    def call(command: list[str]) -> int:
        recorded.append(command)
        dev.LAUNCHER.mkdir(exist_ok=True)
        return 0

    monkeypatch.setattr(dev.subprocess, "call", call)
    return recorded


def having(*modules: str) -> Callable[[str], Any]:
    """A `find_spec` of a Python that has these modules."""
    return lambda name: name if name in modules else None


def test_the_launcher_asks_for_the_python_that_the_package_asks_for(dev: ModuleType) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">={}.{}".format(*dev.LEAST_PYTHON)


def test_an_old_python_can_read_the_launcher_and_gets_a_sentence() -> None:
    ast.parse(LAUNCHER.read_text(encoding="utf-8"), feature_version=(3, 6))
    pretend = "import runpy, sys; sys.version_info = (3, 10, 13); runpy.run_path(sys.argv[1], run_name='__main__')"
    outcome = subprocess.run(
        [sys.executable, "-c", pretend, LAUNCHER], capture_output=True, text=True, timeout=60, check=False
    )
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("dev.py needs Python 3.11 or later; ")
    assert outcome.stderr.count("\n") == 1


def test_a_python_with_pip_installs_nox_by_it_and_only_once(
    dev: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "find_spec", having("pip"))
    python = dev.launcher()
    environment, install = commands
    assert "--without-pip" in environment
    assert install == [sys.executable, "-m", "pip", "--python", python, *install[5:]]
    assert dev.launcher() == python
    assert len(commands) == 2


def test_a_python_without_pip_installs_nox_by_the_environments_own(
    dev: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "find_spec", having("ensurepip"))
    python = dev.launcher()
    environment, install = commands
    assert "--without-pip" not in environment
    assert install[:3] == [python, "-m", "pip"]


def test_a_python_with_neither_gets_a_sentence(
    dev: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "find_spec", having())
    with pytest.raises(SystemExit, match=r"^dev\.py needs pip, and .* has none; install it"):
        dev.launcher()
    assert commands == []


def test_another_nox_or_another_python_makes_the_environment_anew(
    dev: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    dev.launcher()
    monkeypatch.setattr(dev, "NOX", "nox[uv]>=9999")
    dev.launcher()
    assert [command[-1] for command in commands[1::2]] == ["nox[uv]>=2026.10", "nox[uv]>=9999"]


def test_a_failed_installation_says_what_failed_and_is_tried_again(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev.subprocess, "call", lambda _: 1)
    for _ in range(2):
        with pytest.raises(SystemExit, match=r"^dev\.py could not install nox; this command failed"):
            dev.launcher()
