"""Each page as plain Markdown beside its HTML, `page/index.md`, and `llms.txt`, which lists them."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

from markdown import Markdown
from mkdocs.structure.pages import Page
from python_text import text_of

from tools import source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mkdocs.structure import StructureItem
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation

NAME: Final = "index.md"
POINTER: Final = f'<p class="ne-twin" data-search-exclude><a href="{NAME}">This page as Markdown</a></p>'
"""No `rel="alternate"` in the head: the theme takes every such link for another language's site."""
LINK: Final = re.compile(r"(\]\()([^)#\s:]+)(#[^)]*)?\)")
PYTHON: Final = re.compile(r"^::: (\w[\w.]*)\n(?:[ ]{4,}.*\n|\n(?=[ ]{4}))*", re.MULTILINE)
MARKUP: Final = (
    (re.compile(r" ?\{ [#.][^}\n]* \}"), ""),  # anchors and classes
    (re.compile(r"<(form|script)\b.*?</\1>", re.DOTALL), ""),
    (re.compile(r"^(?:</?div[^>\n]*>)+\n?", re.MULTILINE), ""),
    (re.compile(r"</?(?:small|span)[^>\n]*>"), ""),
    (re.compile(r"<br>"), " "),
    (re.compile(r"\[([^]\n]+)\]\([^)\s]*#NE-[^)\s]*\)"), r"\1"),  # the id of a requirement says it all
    (re.compile(r"\[(`[^`\n]+`)\]\(#[^)\s]*\)"), r"\1"),  # a row's link to itself
)
FENCE: Final = re.compile(r"(^ *```.*?^ *```)", re.MULTILINE | re.DOTALL)


def twin(page: Page, files: Files, base_url: str) -> str:
    """The page's Markdown, whole: code that it includes, the Python API in words, and links as addresses."""
    text = "\n".join(_preprocessed((page.markdown or "").split("\n"))) + "\n"
    parts = FENCE.split(PYTHON.sub(lambda found: text_of(found[1]) + "\n", text))
    parts[::2] = [_without_markup(part, page, files, base_url) for part in parts[::2]]
    return re.sub(r"\n{3,}", "\n\n", "".join(parts)).lstrip("\n")


def listing(title: str, summary: str, nav: Navigation, base_url: str) -> str:
    """`llms.txt`: every page of the navigation, with what it is about, and the address of its twin."""
    lines = [f"# {title}", "", f"> {summary}"]
    for item in nav.items:
        pages = list(_pages(item))
        lines += ["", f"## {item.title or pages[0].title}", ""]
        lines += [f"- [{page.title}]({base_url}{page.url}{NAME}): {_about(page)}" for page in pages]
    return "\n".join(lines) + "\n"


def _preprocessed(lines: list[str]) -> list[str]:
    """The lines with snippets and commands put in, by the very extensions that the site uses."""
    snippets = {"base_path": [str(source.ROOT)], "check_paths": True}
    markdown = Markdown(
        extensions=["pymdownx.snippets", "mkdocs-click"], extension_configs={"pymdownx.snippets": snippets}
    )
    for preprocessor in markdown.preprocessors:
        if type(preprocessor).__module__.partition(".")[0] in {"pymdownx", "mkdocs_click"}:
            lines = preprocessor.run(lines)
    return lines


def _without_markup(text: str, page: Page, files: Files, base_url: str) -> str:
    for pattern, replacement in MARKUP:
        text = pattern.sub(replacement, text)

    folder = posixpath.dirname(page.file.src_uri)

    def address(found: re.Match[str]) -> str:
        target = files.get_file_from_path(posixpath.normpath(posixpath.join(folder, found[2])))
        if target is None:
            return found[0]
        end = NAME if target.is_documentation_page() else ""
        return f"{found[1]}{base_url}{target.url.removeprefix('./')}{end}{found[3] or ''})"

    return LINK.sub(address, text)


def _pages(item: StructureItem) -> Iterable[Page]:
    if isinstance(item, Page):
        yield item
    for child in getattr(item, "children", None) or ():
        yield from _pages(child)


def _about(page: Page) -> str:
    """The page's description, or else the first sentence of its text."""
    if said := page.meta.get("description"):
        return str(said)
    text = re.sub(r"^(#|\s*[|<:-]|```).*$", "", page.markdown or "", flags=re.MULTILINE).strip()
    paragraph = " ".join(text.partition("\n\n")[0].split())
    sentence = re.sub(r"\[([^]]*)\]\([^)]*\)(\{[^}]*\})?", r"\1", paragraph)
    return re.split(r"(?<=[.?!]) ", sentence)[0].rstrip(":") or str(page.title)
