"""`neuroengine conformance list` and `explain`: read the requirements."""

from __future__ import annotations

from typing import Any

import click

from neuroengine import spec


@click.command("list")
@click.option("--role", type=click.Choice(["hub", "client", "provider"]), help="Only what binds this role.")
@click.option("--profile", type=click.Choice(["core", "extended"]), help="Only this profile.")
@click.option("--level", type=click.Choice(["must", "should", "may"]), help="Only this level.")
def list_requirements(role: str | None, profile: str | None, level: str | None) -> None:
    """List the requirements: id, level, profile, whether they are judged, title."""
    for row in spec.requirements():
        if role in {None, row["role"]} and profile in {None, row["profile"]} and level in {None, row["level"].lower()}:
            click.echo(f"{row['id']:<16} {row['level']:<7}{row['profile']:<10}{_state(row):<12}{row['title']}")


@click.command()
@click.argument("requirement_id", metavar="ID")
def explain(requirement_id: str) -> None:
    """Explain one requirement: what it asks, where it comes from, and how it is judged."""
    rows = {row["id"]: row for row in spec.requirements()}
    row = rows.get(requirement_id.upper())
    if row is None:
        area = "-".join(requirement_id.upper().split("-")[:2])
        near = [known for known in rows if known.startswith(f"{area}-")]
        known = f"{near[0]} to {near[-1]}" if near else "see: neuroengine conformance list"
        raise click.UsageError(f"there is no requirement {requirement_id!r}; {known}")
    section = next(section for section in spec.sections() if section["anchor"] == row["section"])
    click.echo(f"{row['id']}  {row['title']}\n\n{row['sentence']}\n")
    for label, text in (
        ("binds", f"the {row['role']}, {row['level']}, profile {row['profile']}"),
        ("basis", f"{row['basis']}, since {row['since']}"),
        ("section", f"{section['title']} (#{section['anchor']})"),
        ("needs", ", ".join(row.get("needs", [])) or "the hub's address and one service"),
        ("judged by", ", ".join(row.get("checks", [])) or "nothing yet"),
        ("", row.get("untestable") or row.get("pending") or ""),
    ):
        if text:
            click.echo(f"{label:<10} {text}")


def _state(row: dict[str, Any]) -> str:
    if "checks" in row:
        return "judged"
    return "untestable" if "untestable" in row else "not yet"
