"""The state machines as a page: a diagram drawn from each table, and the table itself."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tools import source
from tools.docs.markdown import mermaid, table

INTRODUCTION = """# State machines

Who is in which state, and what takes them to another one. A pair of state and event that is not listed is an error of
whoever caused the event.

"""


def render() -> str:
    """The page."""
    return INTRODUCTION + "".join(_machine(machine) for machine in source.load("registry/machines.toml")["machine"])


def diagram(machine: dict[str, Any]) -> str:
    """Mermaid's text of a machine; events that lead the same way share an arrow, those that change nothing a line."""
    arrows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for transition in machine["transition"]:
        for state in transition["from"]:
            arrows[state, transition["to"]].append(transition["event"])
    lines = ["stateDiagram-v2", f"  accTitle: {machine['title']}", f"  [*] --> {machine['initial']}"]
    for (start, end), events in arrows.items():
        if start == end:
            lines += [f"  {start}: {start}", f"  {start}: (stays at {', '.join(events)})"]
        else:
            lines.append(f"  {start} --> {end}: {', '.join(events)}")
    lines += [f"  {state['name']} --> [*]" for state in machine["state"] if state.get("final")]
    return "\n".join(lines)


def _machine(machine: dict[str, Any]) -> str:
    events = {event["name"]: event["meaning"] for event in machine["event"]}
    states = [
        [f"`{state['name']}`", state["meaning"] + (" Nothing leads out of it." if state.get("final") else "")]
        for state in machine["state"]
    ]
    moves = [
        [
            ", ".join(f"`{state}`" for state in transition["from"]),
            f"`{transition['event']}`",
            f"`{transition['to']}`",
            events[transition["event"]],
        ]
        for transition in machine["transition"]
    ]
    return (
        f"## {machine['title']} {{ #{machine['name']} }}\n\n"
        f"Rules: [{_section(machine['section'])}](requirements.md#{machine['section']}). "
        f"It starts in `{machine['initial']}`.\n\n"
        f"{mermaid(machine['title'], diagram(machine))}\n{table(('State', 'Meaning'), states)}\n"
        f"{table(('From', 'Event', 'To', 'What the event is'), moves)}\n"
    )


def _section(anchor: str) -> str:
    (title,) = (row["title"] for row in source.load("registry/sections.toml")["section"] if row["anchor"] == anchor)
    return str(title)
