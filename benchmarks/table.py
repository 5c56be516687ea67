"""The results as a page of the documentation: what a person wrote in `page.md`, with tables and curves from the JSON.

A line `<!-- rows ITEM -->` becomes the item's table and curves, `<!-- goals -->` the table of all that has a goal, and
`<!-- machine -->` what they were measured on.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.measure import IDLE_LOAD
from benchmarks.plot import svg
from benchmarks.results import Results, read_results

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.measure import Row

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results.json"
TEXT: Final = HERE / "page.md"
DOCS: Final = HERE.parent / "docs"
_MARK: Final = re.compile(r"^<!-- (?:rows (\w+)|(\w+)) -->$", re.MULTILINE)


def write_page(*, check: bool) -> list[Path]:
    """Writes the page and its curves, and returns those files that were not what they are to be."""
    stale = []
    for path, content in _files(read_results(RESULTS), TEXT.read_text(encoding="utf-8")).items():
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            stale.append(path)
            if not check:
                path.parent.mkdir(exist_ok=True)
                path.write_text(content, encoding="utf-8")
    return stale


def _files(results: Results, text: str) -> dict[Path, str]:
    parts = {"machine": _machine, "goals": _goals}
    page = _MARK.sub(lambda mark: _item(results, mark[1]) if mark[1] else parts[mark[2]](results), text)
    curves = {DOCS / "benchmarks" / _file(row): svg(row) for row in _drawn(results)}
    return {DOCS / "benchmarks.md": page, **curves}


def _drawn(results: Results) -> Iterable[Row]:
    return [row for rows in results.items.values() for row in rows if row.points]


def _file(row: Row) -> str:
    return re.sub("[^a-z0-9]+", "-", row.name.lower()).strip("-") + ".svg"


def _goals(results: Results) -> str:
    """Every row with a goal, those that were missed too."""
    rows = [row for rows in results.items.values() for row in rows if row.goal is not None]
    met = sum(row.met is True for row in rows)
    return "\n".join([f"{met} of {len(rows)} goals are met.", "", *_table(rows)])


def _table(rows: Iterable[Row]) -> list[str]:
    head = ["| what | against | goal | median | spread | met |", "|---|---|---|---|---|---|"]
    return [*head, *(_cells(row) for row in rows)]


def _item(results: Results, item: str) -> str:
    rows = results.items.get(item)
    if not rows:
        return "Not measured yet."
    loads = [row.load for row in rows if row.load is not None]
    times = sorted({row.rounds for row in rows if not row.why_not})
    rounds = f"{times[0]}" if len(times) == 1 else f"{times[0]} to {times[-1]}"
    busy = f" The machine was busy with other work too (load {max(loads):.1f})." if max(loads) > IDLE_LOAD else ""
    told = f"Measured on {results.days[item]}, in {rounds} round{'' if rounds == '1' else 's'}.{busy}"
    curves = [f"![{row.name}](benchmarks/{_file(row)})" for row in rows if row.points]
    return "\n".join([*_table(rows), "", told, *(["", *curves] if curves else [])])


def _cells(row: Row) -> str:
    goal = "" if row.goal is None else str(row.goal)
    if row.why_not:
        return f"| {row.name} | {row.against} | {goal} | not measured: {row.why_not} | | |"
    met = {None: "", True: "yes", False: "**no**"}[row.met]
    low, high = map(figure, row.spread)
    spread = "" if row.rounds == 1 else f"{low} to {high}"
    return f"| {row.name} | {row.against} | {goal} | {_with_unit(row)} | {spread} | {met} |"


def _with_unit(row: Row) -> str:
    signs = {
        "x": " ×",  # noqa: RUF001 - the sign itself
        "power": "",
        "1/s": "/s",
    }
    return figure(row.median) + signs.get(row.unit, f" {row.unit}")


def _machine(results: Results) -> str:
    machine = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    return (
        f"Machine: {machine['processors']} processors ({machine['processor']}), {machine['memory_gb']} GB, "
        f"{machine['system']}, {machine['python']}.\n\nVersions: {versions}."
    )


def figure(value: float) -> str:
    """Three digits, and thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def line(row: Row) -> str:
    """The row on one line, for a person who waits for it."""
    if row.why_not:
        return f"   {row.name}: not measured, {row.why_not}"
    low, high = map(figure, row.spread)
    goal = "" if row.goal is None else f", goal {row.goal}: {'met' if row.met else 'MISSED'}"
    against = f" of {row.against}" if row.against else ""
    return f"   {row.name}: {figure(row.median)} {row.unit}{against} [{low} to {high}]{goal}"
