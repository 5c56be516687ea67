"""Our own `mockserver` is found whatever a project calls its folders."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

import mockserver
from neuroengine import sibling

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = Path(mockserver.__file__).parent


@pytest.fixture(autouse=True)
def _looks_again() -> Iterator[None]:
    sibling.mockserver.cache_clear()
    yield
    sibling.mockserver.cache_clear()


def test_where_nobody_has_taken_the_name_it_is_the_package_itself() -> None:
    assert sibling.mockserver() is mockserver


def test_a_stranger_of_that_name_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = ModuleType("mockserver")
    monkeypatch.setitem(sys.modules, "mockserver", stranger)
    ours = sibling.mockserver()
    assert ours.__name__ == sibling.OTHER_NAME
    assert ours.MockHub is not mockserver.MockHub
    monkeypatch.delitem(sys.modules, "mockserver")
    assert sibling.mockserver() is ours
    monkeypatch.setitem(sys.modules, "mockserver", stranger)
    assert importlib.import_module("mockserver") is stranger


def test_every_module_of_ours_can_be_loaded_beside_a_stranger(tmp_path: Path) -> None:
    (tmp_path / "mockserver.py").write_text("OWNER = 'the stranger'", encoding="utf-8")
    modules = [".".join(path.relative_to(HOME).with_suffix("").parts) for path in HOME.rglob("*.py")]
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from importlib import import_module
from neuroengine.sibling import OTHER_NAME, mockserver
hub = mockserver().MockHub()
for module in {[module for module in modules if not module.endswith("__init__")]!r}:
    import_module(f"{{OTHER_NAME}}.{{module}}")
with hub:
    assert hub.url
assert [name for name in sys.modules if name.split(".")[0] == "mockserver"] == []
import mockserver as theirs
assert theirs.OWNER == "the stranger"
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert run.returncode == 0, run.stderr


def test_our_modules_name_each_other_in_the_one_form_that_is_read_as_another_name() -> None:
    for path in HOME.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not any(f"{name.name}.".startswith("mockserver.") for name in node.names), path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"import_module", "__import__"}, path


def test_it_is_said_what_to_do_where_ours_is_not_in_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "mockserver", ModuleType("mockserver"))
    monkeypatch.setattr(sibling, "_HOME", tmp_path)
    with pytest.raises(ImportError, match=r"another package takes the name 'mockserver'.*install neuroengine again"):
        sibling.mockserver()


def test_it_is_said_what_to_install_where_a_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> ModuleType:
        raise ModuleNotFoundError(f"No module named {name!r}", name="pydantic")

    monkeypatch.setattr(sibling, "import_module", fail)
    with pytest.raises(ImportError, match=r"needs the package 'pydantic'; run: pip install 'neuroengine\[mock\]'"):
        sibling.mockserver()
