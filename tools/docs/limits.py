"""The limits as a page: those of the messages, and those that are a hub's own settings."""

from __future__ import annotations

from typing import Any

from tools import source
from tools.docs import requirements
from tools.docs.markdown import anchored, table

COLUMNS = ("Limit", "Value", "Why", "Rules")
INTRODUCTION = """# Limits

Every hub limit can be set, and none can be infinite. A hub that is judged says its own: `--limit NAME=VALUE`.

"""
SCOPES = {
    "hub": (
        "Limits of a hub",
        "A hub's own settings, with their defaults. A client may rely on a floor, where there is one.",
    ),
    "wire": ("Limits of the messages", "The same everywhere."),
}


def render() -> str:
    """The page."""
    rows = source.load("registry/limits.toml")["limit"]
    known = requirements.rows()
    text = INTRODUCTION
    for scope, (title, summary) in SCOPES.items():
        listed = [_row(row, known) for row in rows if row["scope"] == scope]
        text += f'## {title}\n\n{summary}\n\n<div class="limits" markdown>\n\n{table(COLUMNS, listed)}\n</div>\n\n'
    return text


def _row(row: dict[str, Any], known: list[dict[str, Any]]) -> list[str]:
    ids = [one["id"] for one in known if f"`{row['name']}`" in one["sentence"]]
    value = f"{row['value']:,} {row['unit']}"
    if "floor" in row:
        value += f"<br><small>floor: {row['floor']:,}</small>"
    return [anchored(f"`{row['name']}`", row["name"], "field"), value, row["why"], requirements.links(ids) or "-"]
