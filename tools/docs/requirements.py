"""The requirements as a page: a table for each section, with a row for each requirement under its id as anchor."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from tools import source
from tools.docs.markdown import anchored, chip, table

if TYPE_CHECKING:
    from tools.docs.facts import Facts

PAGE = "specification/requirements.md"
INTRODUCTION = """# Requirements

One row is one rule that can be judged alone. Its id never changes and is never used again.

<div id="requirement-filter"></div>

"""


@cache
def rows() -> list[dict[str, Any]]:
    """Every requirement, in the order of the files; read once, because every field of a message looks through them."""
    paths = sorted((source.SPEC / "registry" / "requirements").glob("*.toml"))
    return [row for path in paths for row in source.load(f"registry/requirements/{path.name}")["requirement"]]


def render(facts: Facts) -> str:
    """The page."""
    known = rows()
    text = INTRODUCTION
    for section in source.load("registry/sections.toml")["section"]:
        own = [_row(row, facts) for row in known if row["section"] == section["anchor"]]
        text += f"## {section['title']} {{ #{section['anchor']} }}\n\n{section['summary']}\n\n"
        if own:
            text += f'<div class="requirements" markdown>\n\n{table(("Requirement", "Level", "Rule"), own)}\n</div>\n\n'
    return text


def links(ids: list[str], prefix: str = "requirements.md") -> str:
    """Requirements as links, from a page that stands beside theirs unless `prefix` says otherwise."""
    return ", ".join(f"[{name}]({prefix}#{name})" for name in ids)


def unshown(row: dict[str, Any]) -> str:
    """Why no exchange can be an example of a requirement; nothing where one can."""
    reasons = source.load("registry/unshown.toml")["unshown"]
    return next((str(each["why"]) for each in reasons if each["id"] == row["id"]), "")


def _row(row: dict[str, Any], facts: Facts) -> list[str]:
    level = " ".join([chip(row["level"], row["level"].lower()), chip(row["profile"]), chip(row["basis"])])
    return [
        f"{anchored(row['id'], row['id'], 'requirement')}<br>{row['title']}",
        f"{level}<br><small>binds the {row['role']}</small>",
        "<br>".join([row["sentence"], *(f"<small>{line}</small>" for line in _judged(row, facts))]),
    ]


def _judged(row: dict[str, Any], facts: Facts) -> list[str]:
    """How the rule is judged, or why it is not, and the hubs that break it on purpose."""
    if "checks" in row:
        lines = [f"Checks: {', '.join(f'`{check}`' for check in row['checks'])}"]
    elif "pending" in row:
        lines = [f"Check to come: {row['pending']}"]
    else:
        lines = [f"Cannot be judged: {row['untestable']}"]
    if row["id"] in facts.examples:
        lines.append(f"[Example](examples.md#{row['id']})")
    elif reason := unshown(row):
        lines.append(f"No example: {reason}")
    if needs := row.get("needs"):
        lines.append(f"Needs: {', '.join(needs)}")
    if hubs := facts.wrong_hubs.get(row["id"]):
        lines.append(f"Wrong hubs: {', '.join(f'`{hub.name}`' for hub in hubs)}")
    return lines
