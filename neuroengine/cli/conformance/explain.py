"""`neuroengine conformance explain`: one requirement, from its sentence to how a hub that fails it is mended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click

from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES_SHOWN: Final = 2
SHOWN_CHARS: Final = 240
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


@click.command()
@click.argument("requirement_id", metavar="ID")
def explain(requirement_id: str) -> None:
    """Explain one requirement.

    What it asks, where it comes from, how it is judged, an example, what wrong hubs do, and how one is mended.
    """
    row = _row(requirement_id.upper())
    section = next(section for section in spec.sections() if section["anchor"] == row["section"])
    click.echo(f"{row['id']}  {row['title']}\n\n{row['sentence']}\n")
    needs = [NEEDED.get(need, need) for need in row.get("needs", [])]
    for label, texts in (
        ("binds", [f"the {row['role']}, {row['level']}, profile {row['profile']}"]),
        ("basis", [f"{row['basis']}, since {row['since']}"]),
        ("section", [f"{section['title']} (#{section['anchor']})"]),
        ("needs", needs or ["the hub's address and one service"]),
        ("judged by", list(_judged_by(row))),
        ("example", list(_examples(row["id"]))),
        ("wrong is", list(_wrong_hubs(row["id"]))),
        ("to mend", list(_mending(row))),
    ):
        for place, text in enumerate(texts):
            click.echo(f"{'' if place else label:<10} {text}")


def _row(requirement_id: str) -> dict[str, Any]:
    """The requirement.

    Raises:
        click.UsageError: there is none.
    """
    rows = {row["id"]: row for row in spec.requirements()}
    if requirement_id in rows:
        return rows[requirement_id]
    area = "-".join(requirement_id.split("-")[:2])
    near = [known for known in rows if known.startswith(f"{area}-")]
    known = f"{near[0]} to {near[-1]}" if near else "see: neuroengine conformance list"
    raise click.UsageError(f"there is no requirement {requirement_id!r}; {known}")


def _judged_by(row: dict[str, Any]) -> Iterator[str]:
    """The checks, whose names are sentences, or why there is none."""
    for check in row.get("checks", ()):
        yield f"{check.partition('::')[2].removeprefix('test_').replace('_', ' ')} ({check})"
    if "untestable" in row:
        yield f"nothing, it cannot be judged from outside: {row['untestable']}"
    elif "pending" in row:
        yield f"nothing yet; it will be so: {row['pending']}"


def _examples(requirement_id: str) -> Iterator[str]:
    """Exchanges of the spec's vectors that show it."""
    found = [
        vector
        for path in spec.paths("vectors")
        for vector in spec.read_json(path)["vectors"]
        if requirement_id in vector["requirements"]
    ]
    for vector in found[:EXAMPLES_SHOWN]:
        yield f"{vector['title']} (vector {vector['name']})"
        for step in vector.get("steps", ()):
            yield f"  POST {_sent(step['request'])}"
            if "expect" in step:
                yield f"  -> {_expected(step['expect'])}"
        if "chunks" in vector:
            sent = " | ".join(chunk.get("text") or json.dumps(chunk) for chunk in vector["chunks"])
            yield f"  {vector['direction'].replace('-to-', ' to ')}: {_short(json.dumps(sent))}"
            yield f"  -> {_short(json.dumps(vector['expect']))}"
    if len(found) > EXAMPLES_SHOWN:
        yield f"and {len(found) - EXAMPLES_SHOWN} more; see: neuroengine spec list"


def _sent(request: dict[str, Any]) -> str:
    body = json.dumps(request["json"]) if "json" in request else request.get("text") or json.dumps(request)
    return f"{request.get('path', '/{service}/')} {_short(body)}"


def _expected(expect: dict[str, Any]) -> str:
    return _short(", ".join(f"{name} {json.dumps(value)}" for name, value in expect.items()))


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]} …"


def _wrong_hubs(requirement_id: str) -> Iterator[str]:
    """What hubs that break it do, where the mock hub is there to play them."""
    try:
        from mockserver.wrong import WRONG_HUBS
    except ImportError:
        return
    for hub in WRONG_HUBS.values():
        if hub.breaks == requirement_id:
            yield f"a hub that {hub.summary} (neuroengine mock --wrong {hub.name})"


def _mending(row: dict[str, Any]) -> Iterator[str]:
    if row["role"] != "hub" or "checks" not in row:
        return
    yield "judge it alone, and send again what the report prints to repeat the breach, until it keeps the sentence:"
    yield f"  neuroengine conformance run URL --service NAME --profile {row['profile']} --select {row['id']}"
    yield "compare with a hub that keeps it: neuroengine mock"
