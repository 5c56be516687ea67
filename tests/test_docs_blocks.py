"""No code in the documentation goes untested: programs are files that a test runs, commands are parsed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click
import pytest
from doc_blocks import DOCS, ROOT, Block, blocks, commands, hand_written, parse_command

if TYPE_CHECKING:
    from pathlib import Path

PAGES = hand_written()
BLOCKS = [block for page in PAGES for block in blocks(page)]
PROSE = {"text", "mermaid"}
"""Blocks that are no programs: what is printed, and diagrams."""
SHELL = "sh"
FILES = re.compile(r"[\w./-]+\.(?:toml|json|pem|txt|xml|har|html|svg|md)")
PYTHON = {"python", "python3"}


@pytest.mark.parametrize("block", [pytest.param(block, id=block.place) for block in BLOCKS])
def test_a_block_is_a_tested_file_or_commands_that_can_be_parsed(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert block.language, f"{block.place}: the block says no language; take `text` for what is printed"
    missing = [
        f"{include.file.relative_to(ROOT)}:{include.section}" for include in block.includes if not include.is_there
    ]
    assert not missing, f"{block.place} includes what is not there"
    if block.is_included:
        unrun = [include.file for include in block.includes if not is_run(include.file)]
        assert not unrun, f"{block.place} shows files that no test runs"
    elif block.language == SHELL:
        monkeypatch.chdir(tmp_path)
        for words in commands(block):
            check(words, block, tmp_path)
    else:
        assert block.language in PROSE, f"{block.place}: a program must be an included file, so that it is tested"


def examples() -> list[Path]:
    """Every example; caches and the linter's settings are none."""
    found = (path for path in (ROOT / "examples").rglob("*") if path.is_file() and path.name != "ruff.toml")
    return [path for path in found if not re.search(r"/[._]", path.relative_to(ROOT).as_posix())]


def is_run(file: Path) -> bool:
    """Whether a test runs the file, or it is no program of the examples."""
    if not file.is_relative_to(ROOT / "examples") or file.with_suffix(".out").exists():
        return True
    named = re.compile(rf'["/]({re.escape(file.name)}|{re.escape(file.stem)})["/:]')
    return any(named.search(test.read_text(encoding="utf-8")) for test in (ROOT / "tests").glob("test_*.py"))


def check(words: list[str], block: Block, folder: Path) -> None:
    """Fails for a command that a reader could not run."""
    program, *arguments = words
    if program == "neuroengine":
        for word in arguments:
            for name in FILES.findall(word):
                if "//" not in word and not name.startswith("/"):
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    (folder / name).touch()
        parse_command(arguments)
    elif program in PYTHON and arguments[0] == "-m":
        assert arguments[1] in {"neuroengine", "pytest"}, block.place
    elif program in PYTHON:
        assert (ROOT / arguments[0]).is_file(), f"{block.place}: there is no {arguments[0]}"
        if arguments[0] == "dev.py":
            task = arguments[1]
            assert f"def {task}(" in (ROOT / "noxfile.py").read_text(encoding="utf-8"), f"{block.place}: no task {task}"
    else:
        assert program in {"cd", "export", "git", "jq", "pip", "pytest"}, f"{block.place}: {program} must be tested"


def test_the_pages_are_found() -> None:
    names = {page.relative_to(DOCS).as_posix() for page in PAGES}
    assert {"index.md", "start/validate-a-hub.md", "guides/client.md", "guides/write-a-hub.md"} <= names
    assert len(BLOCKS) > 60


def test_every_example_is_run_by_a_test() -> None:
    assert [path for path in examples() if path.suffix != ".out" and not is_run(path)] == []


def test_every_output_belongs_to_an_example() -> None:
    for output in (path for path in examples() if path.suffix == ".out"):
        assert [path for path in output.parent.glob(f"{output.stem}.*") if path != output]


def test_a_wrong_option_is_found() -> None:
    parse_command(["ask", "--stream", "Hello!"])
    with pytest.raises(click.UsageError):
        parse_command(["ask", "--streem", "Hello!"])
    with pytest.raises(click.UsageError):
        parse_command(["conformance", "run", "--profile", "all"])


def test_the_words_of_a_command_are_found() -> None:
    text = ("A=1 neuroengine ask \\", '  "Hello, you!" < in.txt | jq .reply  # why', "pip install '.[all]' && pytest")
    block = Block(DOCS / "index.md", 1, SHELL, text)
    assert list(commands(block)) == [
        ["neuroengine", "ask", "Hello, you!"],
        ["jq", ".reply"],
        ["pip", "install", ".[all]"],
        ["pytest"],
    ]
