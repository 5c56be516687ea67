"""The documentation's hand-written pages: their fenced blocks, what those include, and the commands in them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from neuroengine.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"

_FENCE: Final = re.compile(r"^( *)(`{3,})([^\n`]*)\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)
_INCLUDE: Final = re.compile(r'--8<-- "([^":]+)(?::([\w-]+))?"')


def hand_written() -> list[Path]:
    """The pages that a person writes; those that are made from the spec are no files."""
    return sorted(DOCS.rglob("*.md"))


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: Path
    line: int
    language: str
    lines: tuple[str, ...]

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def includes(self) -> list[Include]:
        """What it takes from files; empty where its text is its own."""
        found = [_INCLUDE.fullmatch(line) for line in self.lines]
        return [Include(ROOT / match[1], match[2]) for match in found if match]

    @property
    def is_included(self) -> bool:
        """Whether all its text comes from files."""
        return bool(self.lines) and len(self.includes) == len(self.lines)


@dataclass(frozen=True)
class Include:
    """A file that a block shows, or a marked section of it."""

    file: Path
    section: str | None

    @property
    def is_there(self) -> bool:
        """Whether there is such a file, and such a section in it."""
        if not self.file.is_file():
            return False
        text = self.file.read_text(encoding="utf-8")
        marks = (f"--8<-- [{end}:{self.section}]" for end in ("start", "end"))
        return self.section is None or all(text.count(mark) == 1 for mark in marks)


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        lines = [line.removeprefix(match[1]) for line in match[4].splitlines()]
        language = match[3].split()[0] if match[3].split() else ""
        yield Block(page, text[: match.start()].count("\n") + 1, language, tuple(lines))


def commands(block: Block) -> Iterator[list[str]]:
    """The words of each command of a shell block; comments and assignments before a command are left out."""
    text = "\n".join(block.lines).replace("\\\n", " ")
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, "|"]:
            if set(word) <= set("|;&"):
                if words:
                    yield _without_redirection(words)
                words = []
            elif words or not re.fullmatch(r"[A-Z_]+=.*", word):
                words.append(word)


def _without_redirection(words: list[str]) -> list[str]:
    """The words before `<` or `>`."""
    places = [place for place, word in enumerate(words) if word in {"<", ">"}]
    return words[: places[0]] if places else words


def parse_command(arguments: list[str]) -> None:
    """Parses arguments of `neuroengine` as it would, and runs nothing.

    Raises:
        click.UsageError: it would refuse them.
    """
    found: click.Command = main
    context: click.Context | None = None
    name = "neuroengine"
    while isinstance(found, click.Group):
        context = found.make_context(name, list(arguments), parent=context)
        name, *arguments = arguments
        command = found.get_command(context, name)
        if command is None:
            raise click.UsageError(f"there is no command {name!r}")
        found = command
    found.make_context(name, list(arguments), parent=context)
