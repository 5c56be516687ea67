"""What the packages tell the documentation: which hubs break what, and what shows each error and requirement."""

from __future__ import annotations

from collections import defaultdict

from error_exchanges import exchanges
from stories import stories

from mockserver.wrong import WRONG_HUBS
from neuroengine import spec
from neuroengine.cli.conformance.vectors import best_example, lines_of
from tools.docs.facts import Example, Facts, WrongHub


def gather() -> Facts:
    """All of it."""
    hubs: dict[str, list[WrongHub]] = defaultdict(list)
    for hub in WRONG_HUBS.values():
        hubs[hub.breaks].append(WrongHub(hub.name, hub.summary))
    return Facts(hubs, exchanges(), list(stories()), examples())


def examples() -> dict[str, Example]:
    """For each requirement that a vector shows the vector that shows it best."""
    shown = {row["id"]: best_example(row["id"]) for row in spec.requirements()}
    return {
        name: Example(found.vector["title"], list(lines_of(found.vector)))
        for name, found in shown.items()
        if found is not None
    }
