"""The built documentation, as its tests look at it: pages by their paths, with their anchors, links and table rows."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from neuroengine._generated.registry import BASE_URL

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PREFIX = urlsplit(BASE_URL).path.strip("/")
BUILD_DEADLINE_S = 280
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Row:
    """One row of a table: what its cells say, and the anchors in it."""

    cells: list[str] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """One page: `anchors` are all ids, `links` all that it points to or loads, `rows` those of its tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[tuple[str, str]] = []
        self.rows: list[Row] = []
        self.title = ""
        self._words: list[str] = []
        self._cell: list[str] | None = None
        self._stack: list[str] = []
        self.feed(html)
        self.text = " ".join("".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        members = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._stack.append(tag)
        if "id" in members:
            self.anchors.add(members["id"])
            if self.rows and self._cell is not None:
                self.rows[-1].anchors.append(members["id"])
        for name in ("href", "src"):
            if name in members:
                self.links.append((tag, members[name]))
        if tag == "tr":
            self.rows.append(Row())
        elif tag in {"td", "th"}:
            self._cell = []
        elif tag == "br":
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._stack:
            while self._stack.pop() != tag:
                pass
        if tag in {"td", "th"} and self._cell is not None:
            self.rows[-1].cells.append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._stack and self._stack[-1] in {"script", "style"}:
            return
        if "title" in self._stack:
            self.title += data
        self._words.append(data)
        if self._cell is not None:
            self._cell.append(data)


class Site:
    """A built site; paths are those below the revision's folder, such as `errors/ok/index.html`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / PREFIX

    @cached_property
    def pages(self) -> dict[str, Page]:
        """Every page, parsed."""
        files = sorted(self.folder.rglob("*.html"))
        return {path.relative_to(self.folder).as_posix(): Page(path.read_text(encoding="utf-8")) for path in files}

    def page(self, path: str) -> Page:
        """The page of a folder, such as `errors/ok/`."""
        return self.pages[f"{path}index.html"]

    def broken(self, path: str) -> Iterator[str]:
        """What is wrong with a page's links: no such file, no such anchor, something loaded from elsewhere."""
        address = f"http://site/{PREFIX}/{path}"
        for tag, link in self.pages[path].links:
            target = urlsplit(urljoin(address, link))
            if target.netloc != "site":
                if tag != "a" and target.scheme != "data" and link != f"{BASE_URL}{path.removesuffix('index.html')}":
                    yield f"{path}: loads {link}"
                continue
            file = self.root / unquote(target.path).lstrip("/")
            file = file / "index.html" if target.path.endswith("/") else file
            if not file.is_file():
                yield f"{path}: {link}: no such file"
            elif target.fragment and file.suffix == ".html":
                known = self.pages[file.relative_to(self.folder).as_posix()].anchors
                if unquote(target.fragment) not in known and target.fragment != "__":
                    yield f"{path}: {link}: no such anchor"


def built(shared: Path) -> Site:
    """The site, built once into the folder `shared`, whichever process asks first.

    Raises:
        AssertionError: it does not build.
    """
    root, done = shared / "site", shared / "site-is-built"
    with (shared / "site-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(root)]
            quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
            outcome = subprocess.run(
                command, cwd=ROOT, env=quiet, capture_output=True, text=True, timeout=BUILD_DEADLINE_S, check=False
            )
            assert outcome.returncode == 0, outcome.stdout + outcome.stderr
            done.touch()
    return Site(root)
