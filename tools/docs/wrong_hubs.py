"""The hubs that are wrong on purpose as a page: what each does, what it breaks, and which checks must notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.docs import requirements
from tools.docs.markdown import anchored, table

if TYPE_CHECKING:
    from tools.docs.facts import Facts

PAGE = "reference/wrong-hubs.md"
INTRODUCTION = """# Wrong hubs

`neuroengine mock --wrong NAME` starts a hub that breaks one requirement and keeps all others. They test suites and
clients: a suite that a wrong hub passes is blind to the requirement that it breaks.

"""


def render(facts: Facts) -> str:
    """The page, in the order of the requirements."""
    rows = [
        [
            anchored(f"`{hub.name}`", hub.name, "field"),
            hub.summary,
            requirements.links([row["id"]], "../specification/requirements.md"),
            ", ".join(f"`{check}`" for check in row.get("checks", ())) or "to come",
        ]
        for row in requirements.rows()
        for hub in facts.wrong_hubs.get(row["id"], ())
    ]
    columns = ("Name", "What it does", "Breaks", "Checks that notice")
    return f'{INTRODUCTION}<div class="wrong-hubs" markdown>\n\n{table(columns, rows)}\n</div>\n'
