"""The kill matrix: which check finds which wrong hub, and that none finds fault with a right one.

Each judgement becomes one line of JSON in a file, written as soon as it is done, so that a run that was interrupted
goes on where it was; a line counts only for the same suite and spec.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from conformance import run
from conformance.catalogue import catalogue
from conformance.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from conformance.selftest.hubs import KnownHub

TIMEOUT_S: Final = 10.0
PACKAGE: Final = Path(__file__).parents[1]


class Matrix:
    """The judgements so far, in a file of lines."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._suite = suite_digest()
        self._done: dict[tuple[str, str, int, bool], dict[str, Any]] = {}
        if file.exists():
            for line in file.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                if entry["suite"] == self._suite:
                    self._done[_key(entry)] = entry

    @property
    def entries(self) -> list[dict[str, Any]]:
        """What was found, in the order in which it was found."""
        return list(self._done.values())

    def judge(self, hub: KnownHub, seed: int, *, whole: bool) -> dict[str, Any]:
        """The judgement of one hub, unless it is known already."""
        found = self._done.get((hub.kind, hub.name, seed, whole))
        if found is not None:
            return found
        with hub.open() as told:
            settings = {"timeout": TIMEOUT_S, "seed": seed} | hub.settings(whole=whole) | told
            report = run(Settings(**settings))
        entry = {
            "suite": self._suite,
            "kind": hub.kind,
            "name": hub.name,
            "breaks": hub.breaks,
            "seed": seed,
            "whole": whole,
            "objection": hub.objection(report),
            "found_by": sorted(row["id"] for row in report["requirements"] if row["verdict"] in {"fail", "warn"}),
            "passed": report["counts"]["pass"],
            "requests": report["requests"],
            "seconds": report["seconds"],
        }
        self._done[_key(entry)] = entry
        with self._file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(entry) + "\n")
        return entry


def judge_all(
    matrix: Matrix,
    hubs: Iterable[KnownHub],
    seeds: Callable[[KnownHub], int],
    tell: Callable[[dict[str, Any]], None],
    *,
    whole: bool,
) -> list[dict[str, Any]]:
    """Judges every hub with its seeds, from 0 on; each judgement is told when it is there."""
    entries = []
    for hub in hubs:
        for seed in range(seeds(hub)):
            entry = matrix.judge(hub, seed, whole=whole)
            tell(entry)
            entries.append(entry)
    return entries


def summary(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Counts, the objections, and the checked MUSTs that no wrong hub breaks."""
    wrong = [entry for entry in entries if entry["kind"] == "wrong"]
    broken = {entry["breaks"] for entry in wrong if not entry["objection"]}
    musts = [row.id for row in catalogue().values() if row.role == "hub" and row.level == "MUST" and row.checks]
    return {
        "judgements": len(entries),
        "kinds": dict(Counter(entry["kind"] for entry in entries)),
        "wrong": {"hubs": len(wrong), "found": sum(not entry["objection"] for entry in wrong)},
        "objections": [entry for entry in entries if entry["objection"]],
        "musts_without_wrong_hub": [name for name in musts if name not in broken],
        "seconds": round(sum(entry["seconds"] for entry in entries), 1),
    }


def matrix_markdown(entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The kill matrix as a Markdown table: a line a wrong hub."""
    yield "| requirement | level | wrong hub | found | also broken | requests |"
    yield "|---|---|---|---|---|--:|"
    for entry in sorted((each for each in entries if each["kind"] == "wrong"), key=lambda each: each["breaks"]):
        others = ", ".join(name for name in entry["found_by"] if name != entry["breaks"])
        found = entry["objection"] or "yes"
        level = catalogue()[entry["breaks"]].level
        yield f"| {entry['breaks']} | {level} | `{entry['name']}` | {found} | {others} | {entry['requests']} |"


def suite_digest() -> str:
    """Names the suite as it is: what it found counts for nothing once it has changed."""
    digest = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        digest.update(file.read_bytes())
    digest.update(json.dumps([row.sentence for row in catalogue().values()]).encode())
    return digest.hexdigest()[:16]


def _key(entry: dict[str, Any]) -> tuple[str, str, int, bool]:
    return entry["kind"], entry["name"], entry["seed"], entry["whole"]
