"""`neuroengine spec`: what it lists, shows and exports is what the spec holds, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from neuroengine import spec
from neuroengine.cli import main

SPEC = Path(__file__).parents[1] / "spec"
FILES = sorted(path.relative_to(SPEC).as_posix() for path in SPEC.rglob("*") if path.is_file())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["spec", *arguments], prog_name="neuroengine")


def test_every_file_is_listed_once() -> None:
    listed = run("list").stdout.splitlines()
    assert listed == list(spec.paths())
    assert sorted(listed) == FILES


@pytest.mark.parametrize("path", ["registry/spec.toml", "schemas/client.schema.json", "openapi.json"])
def test_a_file_is_shown_as_it_is(path: str) -> None:
    assert run("show", path).stdout_bytes == (SPEC / path).read_bytes()


def test_an_export_is_the_spec_byte_for_byte(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    assert run("export", str(folder)).stdout == f"{len(FILES)} files written to {folder}\n"
    exported = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert exported == {path: (SPEC / path).read_bytes() for path in FILES}


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["show", "registry/nothing.toml"], 2, "'registry/nothing.toml'"),
        (["show", "../README.md"], 2, "'../README.md'"),
        (["show"], 2, "'PATH'"),
        (["export"], 2, "'FOLDER'"),
        (["export", __file__], 2, "is a file"),
        (["export", f"{__file__}/folder"], 3, "folder"),
        (["--nonsense"], 2, "--nonsense"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_its_code(arguments: list[str], code: int, named: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert isinstance(result.exception, SystemExit)
    sentence = result.stderr.splitlines()[-1]
    assert sentence.startswith("Error: ")
    assert named in sentence
