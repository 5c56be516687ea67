"""`neuroengine conformance explain`: requirements, each from its sentence to how a hub that fails it is mended."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import click

from neuroengine import spec
from neuroengine.cli.conformance.requirements import state
from neuroengine.cli.conformance.vectors import best_example, examples, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Row = dict[str, Any]

WIDEST: Final = 100
LABEL_CHARS: Final = 9
NEAR: Final = 3
NEEDED: Final = {
    "provider": "a login as provider: --provider HOST:PORT and $NE_SERVICE_KEY",
    "access-service": "a service with access keys: --access-service NAME and a key of it",
    "quota-service": "a service with a small quota: --quota-service NAME",
    "second-service": "a second service: --second-service NAME",
    "limits": "the hub's own limits: --limit NAME=VALUE",
    "time": "time to wait for a limit: --max-wait SECONDS",
    "known-text": "a text that is known beforehand: a model that repeats itself, or a login as provider",
    "deterministic-model": "a model that repeats itself",
    "wire": "a look at single TLS records, which the login as provider gives",
}
"""What each of the registry's needs means for whoever judges."""
BASIS: Final = {
    "documented": "it stands in the published documentation",
    "deployed": "observed in deployed clients and providers",
    "decided": "by this spec, where nothing is known",
}
"""What each basis of the registry means."""


@click.command()
@click.argument("requirement_ids", metavar="ID...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON, one entry an ID.")
def explain(requirement_ids: tuple[str, ...], *, as_json: bool) -> None:
    """Explain requirements.

    What each asks, where it comes from, how it is judged, an example exchange, what wrong hubs do, and how a hub that
    fails it is mended.
    """
    rows = [_row(name) for name in dict.fromkeys(map(str.upper, requirement_ids))]
    if as_json:
        click.echo(json.dumps([_known_of(row) for row in rows], indent=2))
        return
    width = min(shutil.get_terminal_size().columns, WIDEST)
    for place, row in enumerate(rows):
        if place:
            click.echo(f"\n{'-' * width}\n")
        click.echo("\n".join(_told(row, width)))


def _row(name: str) -> Row:
    """The requirement of that name.

    Raises:
        click.UsageError: there is none.
    """
    rows = {row["id"]: row for row in spec.requirements()}
    if name in rows:
        return rows[name]
    raise click.UsageError(f"there is no requirement {name!r}; {_hint(name, rows)}")


def _hint(name: str, rows: dict[str, Row]) -> str:
    """What may have been meant."""
    areas: dict[str, list[str]] = {}
    for known in rows:
        areas.setdefault(known.split("-")[1], []).append(known)
    found = re.search(r"([A-Z]+)[\W_]*0*(\d{0,3})$", name)
    area, number = (found[1], found[2]) if found else ("", "")
    meant = f"NE-{area}-{number:>03}"
    if meant in rows:
        return f"did you mean {meant}, {rows[meant]['title']}?"
    if area in areas:
        return f"{areas[area][0]} to {areas[area][-1]} are there"
    if near := get_close_matches(area, areas, NEAR):
        likely = [f"NE-{each}-{number:>03}" for each in near if f"NE-{each}-{number:>03}" in rows]
        return f"did you mean {' or '.join(likely or [areas[each][0] for each in near])}?"
    return f"the areas are {', '.join(areas)}; see: neuroengine conformance list"


# -- for a program


def _known_of(row: Row) -> dict[str, Any]:
    """All that is known of a requirement."""
    example = best_example(row["id"])
    shown = None
    if example is not None:
        text = list(lines_of(example.vector))
        shown = {"file": example.file, "vector": example.vector, "lines": text}
    hubs = [{"name": name, "summary": summary} for name, summary in _wrong_hubs(row["id"])]
    known = {"state": state(row), "section": _section(row), "wrong_hubs": hubs}
    return row | known | {"example": shown, "no_example": spec.unshown().get(row["id"])}


def _section(row: Row) -> Row:
    return next(section for section in spec.sections() if section["anchor"] == row["section"])


def _wrong_hubs(requirement_id: str) -> Iterator[tuple[str, str]]:
    """The hubs that break it and what each does, where the mock hub is there to play them."""
    try:
        from mockserver.wrong import WRONG_HUBS
    except ImportError:
        return
    for hub in WRONG_HUBS.values():
        if hub.breaks == requirement_id:
            yield hub.name, hub.summary


# -- for a person


def _told(row: Row, width: int) -> Iterator[str]:
    """A requirement in lines."""
    yield f"{row['id']}  {row['title']}"
    yield ""
    yield from _wrapped(row["sentence"], width)
    yield ""
    section = _section(row)
    needs = [NEEDED.get(need, need) for need in row.get("needs", ())]
    if not needs and row["role"] == "hub" and "untestable" not in row:
        needs = ["the hub's address and one service"]
    for label, texts in (
        ("binds", [f"the {row['role']}, {row['level']}, profile {row['profile']}"]),
        ("basis", [f"{row['basis']}, since {row['since']}: {BASIS[row['basis']]}"]),
        ("section", [f"{section['title']} (#{section['anchor']})"]),
        ("needs", needs),
    ):
        for place, text in enumerate(texts):
            start = f"{'' if place else label:<{LABEL_CHARS}}"
            yield from textwrap.wrap(
                text, width, initial_indent=start, subsequent_indent=" " * LABEL_CHARS, break_on_hyphens=False
            )
    for heading, lines in (
        ("How it is judged", _judging(row, width)),
        (*_example(row, width),),
        ("How to mend a hub that fails it", _mending(row, width)),
        ("See it broken", _broken(row, width)),
    ):
        if found := list(lines):
            yield from ("", *_wrapped(heading, width), *(f"  {line}" for line in found))


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False)


def _judging(row: Row, width: int) -> Iterator[str]:
    """How a judge finds out, and by which checks; or why there is none."""
    if "untestable" in row:
        yield from _wrapped(f"Not at all: it cannot be judged from outside. {row['untestable']}", width - 2)
        return
    if "method" in row:
        yield from _wrapped(row["method"], width - 2)
    for check in row.get("checks", ()):
        yield f"check: {check}"
    if "pending" in row:
        planned = "" if "method" in row else f" It will be so: {row['pending']}"
        yield from _wrapped(f"It is not judged yet.{planned}", width - 2)


def _example(row: Row, width: int) -> tuple[str, Iterable[str]]:
    """The heading and the lines of the vector that shows it best, or why none does."""
    example = best_example(row["id"])
    if example is None:
        return "No example", _wrapped(spec.unshown().get(row["id"], ""), width - 2)
    lines = list(lines_of(example.vector))
    if "twin" in example.vector:
        lines.append(f"It counts only beside a twin that holds: vector {example.vector['twin']}.")
    more = sum(each.shows == row["id"] for each in examples()) - 1
    others = f"; {more} more {'show' if more > 1 else 'shows'} {row['id']}" if more else ""
    lines.append(f"(vector {example.vector['name']} of {example.file}{others})")
    return f"Example: {example.vector['title']}", lines


def _mending(row: Row, width: int) -> Iterator[str]:
    if "mend" not in row:
        return
    yield from _wrapped(row["mend"], width - 2)
    if "checks" in row:
        yield "Then judge it again:"
        yield f"  neuroengine conformance run URL --service NAME --profile {row['profile']} --select {row['id']}"


def _broken(row: Row, width: int) -> Iterator[str]:
    for name, summary in _wrong_hubs(row["id"]):
        yield f"neuroengine mock --wrong {name}"
        yield from (f"  {line}" for line in _wrapped(f"a hub that {summary}", width - 4))
