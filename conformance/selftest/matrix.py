"""The kill matrix: which check finds which wrong hub, and that none finds fault with a right one.

Each judgement becomes one line of JSON in a file, written as soon as it is done, so that a run that was interrupted
goes on where it was; a line counts only for the same suite, the same spec and the same hubs.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from conformance.catalogue import catalogue
from conformance.run import INTERRUPTED, run
from conformance.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.selftest.hubs import KnownHub

TIMEOUT_S: Final = 10.0
HERE: Final = Path(__file__).parent


class Task(NamedTuple):
    """One hub to judge, by one seed; `whole` is by all rules, whatever it is known for."""

    kind: str
    name: str
    seed: int
    whole: bool


class Matrix:
    """The judgements so far, in a file of lines; `hubs` names the hubs as they are, by a digest."""

    def __init__(self, file: Path, hubs: str) -> None:
        self._file = file
        self._subject = {"suite": suite_digest(), "hubs": hubs}
        self.entries: dict[Task, dict[str, Any]] = {}
        if file.exists():
            for line in file.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                if entry.items() >= self._subject.items():
                    self.entries[_task(entry)] = entry

    def keep(self, found: dict[str, Any]) -> dict[str, Any]:
        """Keeps what `judged` found, and gives it back with the suite and the hubs that it counts for."""
        entry = self._subject | found
        self.entries[_task(entry)] = entry
        with self._file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(entry) + "\n")
        return entry


def judged(hub: KnownHub, seed: int, *, whole: bool) -> dict[str, Any]:
    """Starts one hub and judges it.

    Raises:
        KeyboardInterrupt: somebody ended it; half a judgement is none.
    """
    with hub.open() as told:
        settings = {"timeout": TIMEOUT_S, "seed": seed} | hub.settings(whole=whole) | told
        report = run(Settings(**settings))
    if report["stopped"].startswith(INTERRUPTED):
        raise KeyboardInterrupt
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "kind": hub.kind,
        "name": hub.name,
        "breaks": hub.breaks,
        "seed": seed,
        "whole": whole,
        "objection": hub.objection(report),
        "stopped": report["stopped"],
        "found_by": sorted(row["id"] for row in report["requirements"] if row["verdict"] in {"fail", "warn"}),
        "passed": report["counts"]["pass"],
        "requests": report["requests"],
        "seconds": report["seconds"],
    }


def suite_digest() -> str:
    """Names the suite as it is, with its spec: what it found counts for nothing once it has changed."""
    files = sorted(set(HERE.parent.rglob("*.py")) - set(HERE.rglob("*.py")))
    return digest(files, json.dumps([row.sentence for row in catalogue().values()]))


def digest(files: Iterable[Path], *texts: str) -> str:
    """A short name for what stands in files and texts."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(file.read_bytes())
    whole.update("".join(texts).encode())
    return whole.hexdigest()[:16]


def _task(entry: dict[str, Any]) -> Task:
    return Task(entry["kind"], entry["name"], entry["seed"], entry["whole"])
