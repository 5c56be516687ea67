"""`neuroengine conformance list`: the requirements, and which of them are judged."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any, Final

import click

from neuroengine import spec

STATES: Final = {"judged": "judged", "untestable": "untestable", "pending": "not judged yet"}
"""What becomes of a requirement, and how that is said: has checks, cannot be judged from outside, has none yet."""


@click.command("list")
@click.argument("ids", nargs=-1, metavar="[GLOB]...")
@click.option("--role", type=click.Choice(["hub", "client", "provider"]), help="Only what binds this role.")
@click.option("--profile", type=click.Choice(["core", "extended"]), help="Only this profile.")
@click.option("--level", type=click.Choice(["must", "should", "may"]), help="Only this level.")
@click.option("--area", metavar="AREA", help="Only this area, as STREAM.")
@click.option("--state", type=click.Choice(list(STATES)), help="Only what is judged, cannot be, or is not yet.")
@click.option("--needs", metavar="NEED", help="Only what needs this, as provider; `none` for what needs nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def list_requirements(ids: tuple[str, ...], *, as_json: bool, **filters: str | None) -> None:
    """List the requirements: id, level, profile, whether they are judged, title.

    GLOB leaves those of an id, as 'NE-STREAM-*'; without one all are listed.
    """
    rows = spec.requirements()
    _check(rows, filters)
    chosen = [row for row in rows if _is_chosen(row, filters) and _is_named(row, ids)]
    if as_json:
        click.echo(json.dumps([row | {"state": state(row)} for row in chosen], indent=2))
        return
    for row in chosen:
        said = STATES[state(row)]
        click.echo(f"{row['id']:<16} {row['level']:<7}{row['profile']:<10}{said:<16}{row['title']}")


def state(row: dict[str, Any]) -> str:
    """What becomes of a requirement: one of `STATES`."""
    return next((name for name in ("untestable", "pending") if name in row), "judged")


def _check(rows: list[dict[str, Any]], filters: dict[str, str | None]) -> None:
    """Sees to it that there is what a filter names.

    Raises:
        click.UsageError: there is no such area or need.
    """
    known = {
        "area": {_area(row) for row in rows},
        "needs": {"none"} | {need for row in rows for need in row.get("needs", ())},
    }
    for name, values in known.items():
        value = filters[name]
        if value is not None and value.lower() not in {each.lower() for each in values}:
            raise click.UsageError(f"--{name}: there is no {value!r}; there are {', '.join(sorted(values))}")


def _is_chosen(row: dict[str, Any], filters: dict[str, str | None]) -> bool:
    of_row = {
        "role": [row["role"]],
        "profile": [row["profile"]],
        "level": [row["level"]],
        "area": [_area(row)],
        "state": [state(row)],
        "needs": row.get("needs") or ["none"],
    }
    return all(
        wanted is None or wanted.lower() in {value.lower() for value in of_row[name]}
        for name, wanted in filters.items()
    )


def _is_named(row: dict[str, Any], ids: tuple[str, ...]) -> bool:
    return not ids or any(fnmatchcase(row["id"], glob.upper()) for glob in ids)


def _area(row: dict[str, Any]) -> str:
    return str(row["id"].split("-")[1])
