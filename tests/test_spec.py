"""Where the package finds the spec: inside itself, in an archive, or beside itself in a checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import neuroengine
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(str(neuroengine.__file__)).parent
PROGRAM = """import sys
sys.path.insert(0, sys.argv[1])
from neuroengine import spec
print(spec.root(), spec.revision(), len(spec.errors()), len(list(spec.paths("schemas"))))"""
FILES = ("__init__.py", "_version.py", "spec.py")


@pytest.fixture
def forgetful() -> Iterator[None]:
    """The folder is looked for anew, and again behind the test."""
    spec.root.cache_clear()
    yield
    spec.root.cache_clear()


def parts() -> Iterator[tuple[str, bytes]]:
    """What a package needs to find its spec: the path and the content of each file, with the spec in `_spec`."""
    for name in FILES:
        yield f"neuroengine/{name}", (PACKAGE / name).read_bytes()
    for path in spec.paths():
        yield f"neuroengine/_spec/{path}", spec.read_text(path).encode()


def found_in(place: Path) -> list[str]:
    """What a fresh interpreter finds in a package at this place: the folder, the revision, and two counts."""
    arguments = [sys.executable, "-S", "-E", "-c", PROGRAM, str(place)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True, cwd=place.parent)
    return done.stdout.split()


def expected() -> list[str]:
    return [spec.revision(), str(len(spec.errors())), str(len(list(spec.paths("schemas"))))]


def test_an_installed_package_holds_the_spec(tmp_path: Path) -> None:
    for name, content in parts():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert found_in(tmp_path) == [str(tmp_path / "neuroengine" / "_spec"), *expected()]


def test_a_package_in_an_archive_holds_the_spec(tmp_path: Path) -> None:
    archive = tmp_path / "packages.zip"
    with zipfile.ZipFile(archive, "w") as packages:
        for name, content in parts():
            packages.writestr(name, content)
    folder, *counts = found_in(archive)
    assert folder.startswith(str(archive))
    assert counts == expected()


@pytest.mark.usefixtures("forgetful")
def test_the_archive_is_asked_where_there_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_spec").mkdir()
    monkeypatch.setattr(spec, "__file__", str(tmp_path / "elsewhere" / "spec.py"))
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    assert spec.root() == tmp_path / "_spec"


def test_a_checkout_has_the_spec_beside_the_package() -> None:
    assert Path(str(spec.root())).parent == PACKAGE.parent


@pytest.mark.usefixtures("forgetful")
def test_a_package_without_a_spec_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spec, "__file__", str(tmp_path / "neuroengine" / "spec.py"))
    with pytest.raises(spec.SpecNotFound) as caught:
        spec.root()
    assert str(tmp_path / "neuroengine" / "_spec") in str(caught.value)
    assert str(tmp_path / "spec") in str(caught.value)


def test_every_row_of_the_registry_is_listed() -> None:
    assert len({row["code"] for row in spec.errors()}) == len(spec.errors()) > 15
    assert {row["name"] for row in spec.limits()} >= {"http_body_bytes", "ping_s"}
    assert {row["name"] for row in spec.machines()} >= {"client_stream", "provider_link"}
    assert {"anchor", "title"} <= spec.sections()[0].keys()
    assert len({row["id"] for row in spec.requirements()}) == len(spec.requirements()) > 300
