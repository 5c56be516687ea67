"""Markdown as the generated pages need it: tables, anchors, and code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; each cell is Markdown of one line."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in lines) + "\n"


def anchored(text: str, anchor: str, classes: str = "") -> str:
    """A link to itself that carries an anchor, for a row of a table."""
    attributes = " ".join([f"#{anchor}", *(f".{name}" for name in classes.split())])
    return f"[{text}](#{anchor}){{ {attributes} }}"


def chip(text: str, kind: str = "") -> str:
    """A short word in a frame, such as a level; `kind` is the style sheet's name for its colour."""
    return f"**{text}**{{ .chip {f'.{kind} ' if kind else ''}}}"


def code(value: Any) -> str:
    """A JSON value as inline code."""
    text = json.dumps(value, ensure_ascii=False)
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def block(value: Any, language: str = "json") -> str:
    """A JSON value, or text as it is, as a block of code."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return f"```{language}\n{text}\n```\n"


def mermaid(title: str, text: str) -> str:
    """A diagram, which on a narrow screen can be moved sideways, by keys too."""
    frame = f'<div class="diagram" role="group" tabindex="0" aria-label="{plain(title)}" markdown>'
    return f"{frame}\n\n{block(text, 'mermaid')}\n</div>\n"


def plain(markdown: str) -> str:
    """A sentence of the spec without its marks of code, for places that show none."""
    return markdown.replace("`", "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
