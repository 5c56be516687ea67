"""The examples as a page: for each requirement the vector that shows it best, or why none can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools import source
from tools.docs import requirements
from tools.docs.markdown import block

if TYPE_CHECKING:
    from tools.docs.facts import Facts

PAGE = "specification/examples.md"
INTRODUCTION = """# Examples

One exchange for each rule that binds a hub, and for the rules of providers that a hub's bytes can show. They are
[vectors](downloads.md#vectors), which tests play; `neuroengine conformance explain ID` shows the same.

An arrow is a message. Where an answer shows three dots, anything may stand; where it shows a piece of a text, another
hub may cut the text elsewhere. A hub may hand a provider sampling fields at their defaults that the client left out.

"""


def render(facts: Facts) -> str:
    """The page."""
    text = INTRODUCTION
    for section in source.load("registry/sections.toml")["section"]:
        told = "".join(_told(row, facts) for row in requirements.rows() if row["section"] == section["anchor"])
        if told:
            text += f"## {section['title']}: examples {{ #{section['anchor']} }}\n\n{told}"
    return text


def _told(row: dict[str, Any], facts: Facts) -> str:
    """A rule with its example, or with the reason why it has none; nothing where there is neither."""
    if row["id"] in facts.examples:
        example = facts.examples[row["id"]]
        shown = "Example: " + example.title + "\n\n" + block("\n".join(example.lines), "text")
    elif reason := requirements.unshown(row):
        shown = f"No example: {reason}\n"
    else:
        return ""
    rule = f"{row['sentence']} ({requirements.links([row['id']])})"
    return f"### {row['id']}: {row['title']} {{ #{row['id']} }}\n\n{rule}\n\n{shown}\n"
