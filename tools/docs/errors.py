"""The registry of errors as pages: a list, and `errors/NAME/` for every code, where a client's errors point."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tools import source
from tools.docs import requirements
from tools.docs.markdown import block, plain, table

if TYPE_CHECKING:
    from tools.docs.facts import Exchange, Facts

FOLDER = "errors"
RETRY = {
    "no": "No",
    "yes": "Yes, after a pause",
    "after": "Yes, not before `retry_after` seconds",
    "at-once": "Yes, at once",
}
BOOST = 4
"""How much more an error's page weighs in the search than others."""
INTRODUCTION = """---
search: {boost: 2}
---
# Errors

An answer's `errorcode` decides: 0 is success, anything else an error, and `reply` is then a sentence for a person.
In the core profile that is all. The exact codes below and the member `error`, which holds the name, belong to the
extended profile. Any code that is not in this list is a provider's own.

"""


def render(facts: Facts) -> dict[str, str]:
    """The pages, by their paths."""
    rows = source.load("registry/errors.toml")["error"]
    listed = [
        [
            str(row["code"]),
            f"[{row['name']}]({row['name']}.md)",
            row["when"],
            RETRY[row["retry"]],
            str(row["http_status"]),
        ]
        for row in rows
    ]
    columns = ("Code", "Name", "When", "Try again?", "HTTP status")
    after = (
        "\nErrors come with HTTP status 200 too, because some deployed clients drop the body of any other. The last "
        "column is for hubs that are switched to matching statuses.\n"
    )
    pages = {f"{FOLDER}/index.md": INTRODUCTION + table(columns, listed) + after}
    for row in rows:
        begins_others = sum(str(other["code"]).startswith(str(row["code"])) for other in rows) > 1
        head = _head(row, begins_others=begins_others)
        pages[f"{FOLDER}/{row['name']}.md"] = head + _page(row, facts.error_exchanges.get(row["name"]))
    return pages


def _head(row: dict[str, Any], *, begins_others: bool) -> str:
    """What MkDocs and the search are told of a page.

    To the search a tag says more than a title. It takes what begins with 1 for 1 too, so a code that others begin with
    must weigh more than they.
    """
    tags = [str(row["code"])] * (3 if begins_others else 1)
    lines = [
        f"title: '{row['code']} {row['name']}'",
        f"description: '{_quoted(row['when'])}'",
        f"tags: {tags}",
        f"search: {{boost: {2 * BOOST if begins_others else BOOST}}}",
    ]
    return "---\n" + "\n".join(lines) + "\n---\n"


def _page(row: dict[str, Any], exchange: Exchange | None) -> str:
    code, name = row["code"], row["name"]
    kind = "Code" if code == 0 else "Error"
    facts = table(
        ("Code", "Name", "Try again?", "HTTP status, where it matches"),
        [[f"`{code}`", f"`{name}`", RETRY[row["retry"]], str(row["http_status"])]],
    )
    text = (
        f"# {kind} {code}: {name}\n\n**{row['when']}**\n\n{facts}\n"
        f"## Cause\n\n{row['cause']}\n\n## What to do\n\n{row['fix']}\n\n"
    )
    if exchange:
        before = f"{exchange.circumstances} " if exchange.circumstances else ""
        text += (
            f"## Example\n\n{before}Posted to `{exchange.path}`:\n\n{block(exchange.body)}\n"
            f"The mock hub answers:\n\n{block(exchange.answer)}\n"
        )
    ids = [one["id"] for one in requirements.rows() if _speaks_of(one, code, name)]
    if ids:
        text += f"## Requirements\n\n{requirements.links(ids, '../' + requirements.PAGE)}\n"
    return text


def _speaks_of(row: dict[str, Any], code: int, name: str) -> bool:
    """Whether a requirement's sentence names the error by its name or its code."""
    return re.search(rf"(`errorcode`|\bcode) {code}\b|\b{name}\b", row["sentence"]) is not None


def _quoted(sentence: str) -> str:
    return plain(sentence).replace("'", "''")
