"""The examples as a page: for each requirement of hubs the vector that shows it best, or why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools import source
from tools.docs import requirements
from tools.docs.markdown import block

if TYPE_CHECKING:
    from tools.docs.facts import Facts

PAGE = "specification/examples.md"
INTRODUCTION = """# Examples

One exchange for each rule that binds a hub, for whoever builds one. They are [vectors](downloads.md#vectors), which
tests play at the mock hub; `neuroengine conformance explain ID` shows the same.

An arrow is a message. Where an answer shows three dots, anything may stand; where it shows a piece of a text, another
hub may cut the text elsewhere. A hub may hand a provider sampling fields at their defaults that the client left out.

"""


def render(facts: Facts) -> str:
    """The page."""
    text = INTRODUCTION
    for section in source.load("registry/sections.toml")["section"]:
        own = [row for row in requirements.rows() if row["role"] == "hub" and row["section"] == section["anchor"]]
        if own:
            text += f"## {section['title']} {{ #{section['anchor']} }}\n\n" + "".join(_shown(row, facts) for row in own)
    return text


def _shown(row: dict[str, Any], facts: Facts) -> str:
    heading = f"### {row['id']}: {row['title']} {{ #{row['id']} }}\n\n"
    rule = f"The rule: {requirements.links([row['id']])}\n\n"
    if row["id"] not in facts.examples:
        return f"{heading}No example. {requirements.unshown(row)}\n\n{rule}"
    example = facts.examples[row["id"]]
    return f"{heading}{example.title}\n\n{block(chr(10).join(example.lines), 'text')}\n{rule}"
