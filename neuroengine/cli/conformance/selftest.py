"""`neuroengine conformance selftest`: the suite against hubs whose verdict is known beforehand."""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from conformance.selftest.hubs import KnownHub


@click.command()
@click.option("--only", multiple=True, metavar="GLOB", help="Only hubs of this name or requirement; may be repeated.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(["wrong", "right", "variant", "null"]),
    help="Only hubs of this kind; may be repeated.",
)
@click.option("--whole", is_flag=True, help="Judge wrong hubs by all rules, not by the one alone that each breaks.")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Seeds for each right hub.")
@click.option("--variant-seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Seeds for a variant.")
@click.option("--wrong-seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Seeds for a wrong hub.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Judgements at the same time.")
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("selftest.jsonl"),
    show_default=True,
    help="Where each judgement is kept; a later run goes on from there.",
)
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Write the results as Markdown.")
def selftest(
    only: tuple[str, ...],
    kinds: tuple[str, ...],
    *,
    whole: bool,
    seeds: int,
    variant_seeds: int,
    wrong_seeds: int,
    jobs: int,
    file: Path,
    markdown: Path | None,
) -> None:
    """Judge hubs that are wrong on purpose, right, right in their own way, or none at all.

    Each wrong hub must be found by the requirement that it breaks, right ones and variants must be clean, and null hubs
    must earn no pass. Exit code: 0 when all is so, 1 when not.
    """
    from conformance.selftest.findings import results_markdown, summary
    from conformance.selftest.matrix import Matrix, Task
    from neuroengine.cli.conformance.ending import ended_by_sigterm
    from neuroengine.cli.conformance.judging import judge_all
    from neuroengine.cli.conformance.known_hubs import hubs_digest, known_hubs

    counts = {"right": seeds, "variant": variant_seeds, "wrong": wrong_seeds}
    with known_hubs() as known:
        chosen = [hub for hub in known if (not kinds or hub.kind in kinds) and _is_named(hub, only)]
    if not chosen:
        raise click.UsageError(f"there is no such hub: {', '.join([*only, *kinds])}")
    matrix = Matrix(file, hubs_digest())
    tasks = [
        Task(hub.kind, hub.name, seed, whole or hub.kind != "wrong")
        for hub in chosen
        for seed in range(counts.get(hub.kind, 1))
    ]
    with ended_by_sigterm():
        for entry in judge_all([task for task in tasks if task not in matrix.entries], jobs):
            _tell(matrix.keep(entry))
    entries = [matrix.entries[task] for task in tasks]
    found = summary(entries)
    if markdown:
        markdown.write_text("\n".join(results_markdown(entries)) + "\n", encoding="utf-8")
    for entry in found["objections"]:
        click.echo(f"WRONG VERDICT {entry['kind']} {entry['name']} (seed {entry['seed']}): {entry['objection']}")
    if not only and not kinds and found["musts_without_wrong_hub"]:
        click.echo(f"MUSTs that no wrong hub breaks: {', '.join(found['musts_without_wrong_hub'])}")
    wrong = found["kinds"]["wrong"]
    click.echo(
        f"{wrong['good_hubs']} of {wrong['hubs']} wrong hubs found, {len(found['objections'])} wrong verdicts in "
        f"{found['judgements']} judgements, {found['seconds']:.0f} s"
    )
    sys.exit(1 if found["objections"] else 0)


def _is_named(hub: KnownHub, only: tuple[str, ...]) -> bool:
    return not only or any(fnmatchcase(name, glob) for glob in only for name in (hub.name, hub.breaks))


def _tell(entry: dict[str, Any]) -> None:
    verdict = entry["objection"] or "as it must be"
    click.echo(f"{entry['kind']:<8}{entry['breaks']:<16}{entry['name']:<40}{entry['seconds']:6.1f} s  {verdict}")
