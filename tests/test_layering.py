"""The layering holds, and each contract of it breaks when its rule is broken on purpose.

The contracts stand in pyproject.toml; import-linter judges them here on a copy of the packages.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract["name"] for contract in SETTINGS["contracts"]}
BREACHES = {
    "layers": ("neuroengine.client", "neuroengine.cli"),
    "sans-io": ("neuroengine.protocol.machine", "time"),
    "hub-state": ("mockserver.state", "time"),
    "hub-independence": ("mockserver", "neuroengine.client"),
    "suite-independence": ("conformance", "neuroengine.models"),
    "downward": ("neuroengine.client", "mockserver"),
    "generators": ("tools.source", "neuroengine.spec"),
}
"""For each contract a module and what it must not import."""


@pytest.fixture(scope="module")
def copy_of_the_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("layering")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in SETTINGS["root_packages"]:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def broken_contracts(folder: Path) -> set[str]:
    """The names of the contracts that import-linter finds broken; it must have judged every contract."""
    program = Path(sysconfig.get_path("scripts"), "lint-imports")
    wide = {**os.environ, "COLUMNS": "200"}  # or else a contract's long name is broken into two lines
    outcome = subprocess.run(
        [program, "--no-logo"], cwd=folder, env=wide, capture_output=True, text=True, timeout=100, check=False
    )
    verdicts = dict(re.findall(r"^(.+) (KEPT|BROKEN)\b.*$", outcome.stdout, re.MULTILINE))
    assert verdicts.keys() == set(CONTRACTS.values()), outcome.stdout + outcome.stderr
    broken = {name for name, verdict in verdicts.items() if verdict == "BROKEN"}
    assert outcome.returncode == bool(broken)
    return broken


def source_of(module: str, folder: Path) -> Path:
    """The file that holds a module or a package's own code."""
    path = folder.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def test_every_contract_is_kept(copy_of_the_packages: Path) -> None:
    assert broken_contracts(copy_of_the_packages) == set()


def test_every_contract_has_a_breach_to_prove_it() -> None:
    assert set(BREACHES) == set(CONTRACTS)


@pytest.mark.parametrize("contract", BREACHES)
def test_a_forbidden_import_breaks_its_contract_and_no_other(copy_of_the_packages: Path, contract: str) -> None:
    importer, imported = BREACHES[contract]
    source = source_of(importer, copy_of_the_packages)
    original = source.read_text(encoding="utf-8")
    source.write_text(f"{original}\nimport {imported}\n", encoding="utf-8")
    try:
        assert broken_contracts(copy_of_the_packages) == {CONTRACTS[contract]}
    finally:
        source.write_text(original, encoding="utf-8")


def test_a_new_module_of_the_library_must_be_given_its_layer(copy_of_the_packages: Path) -> None:
    newcomer = copy_of_the_packages / "neuroengine" / "newcomer.py"
    newcomer.write_text("", encoding="utf-8")
    try:
        assert broken_contracts(copy_of_the_packages) == {CONTRACTS["layers"]}
    finally:
        newcomer.unlink()


def test_the_layers_that_the_guide_names_are_those_of_the_contract() -> None:
    (layers,) = (contract["layers"] for contract in SETTINGS["contracts"] if contract["type"] == "layers")
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`neuroengine\.[^|]+) \|", guide, re.MULTILINE)
    assert [re.findall(r"neuroengine\.(\w+)", row) for row in rows] == [layer.split(" | ") for layer in layers]
