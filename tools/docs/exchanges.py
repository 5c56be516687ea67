"""Sequence diagrams of whole exchanges, drawn from messages that were really sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tools.docs.facts import Arrow
from tools.docs.markdown import mermaid

if TYPE_CHECKING:
    from tools.docs.facts import Facts, Story

COLOURS = '%%{init: {"themeVariables": {"actorLineColor": "#8796a0", "signalColor": "#8796a0"}}}%%'
"""A grey that is seen on both grounds; the rest follows the style sheet."""
PARTIES = ("Client", "Hub", "Provider")
"""Who takes part, from left to right."""
INTRODUCTION = """# Exchanges

Who says what, and when. Every message here went to or came from the mock hub when this page was built;
long texts are cut.

"""


def render(facts: Facts) -> str:
    """The page."""
    return INTRODUCTION + "".join(
        f"## {story.title} {{ #{story.name} }}\n\n{story.summary}\n\n{mermaid(story.title, diagram(story))}\n"
        for story in facts.stories
    )


def diagram(story: Story) -> str:
    """Mermaid's text of a story."""
    named = {name for step in story.steps if isinstance(step, Arrow) for name in step[:2]}
    parties = [name for name in PARTIES if name in named]
    lines = [COLOURS, "sequenceDiagram", f"  accTitle: {story.title}", *(f"  participant {name}" for name in parties)]
    for step in story.steps:
        if isinstance(step, Arrow):
            arrow = "-x" if step.is_lost else "->>"
            lines.append(f"  {step.sender}{arrow}{step.receiver}: {_safe(step.text)}")
        else:
            lines.append(f"  Note over {parties[0]},{parties[-1]}: {_safe(step)}")
    return "\n".join(lines)


def _safe(text: str) -> str:
    """Text without what Mermaid takes for its own: the end of a statement, comments, entities."""
    return re.sub(r"[#;]", lambda found: f"#{ord(found.group())};", text)
