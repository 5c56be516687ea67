"""What is broken, grouped by what came: one fault of a hub often breaks several requirements."""

from __future__ import annotations

from typing import Any, NamedTuple

from conformance.likeness import likeness
from conformance.reports.document import unexpected


class Cause(NamedTuple):
    """One way in which answers were wrong, and the requirements that it broke."""

    actual: str
    requirements: list[dict[str, Any]]


def causes(report: dict[str, Any]) -> list[Cause]:
    """The unexpected breaches by what came: the cause that breaks most MUSTs first, and of each its MUSTs."""
    found: dict[str, Cause] = {}
    for verdict in ("fail", "warn"):
        for entry in unexpected(report, verdict):
            actual = next((breach["actual"] for breach in entry["breaches"]), entry["reason"])
            found.setdefault(likeness(actual), Cause(actual, [])).requirements.append(entry)
    return sorted(found.values(), key=_weight, reverse=True)


def _weight(cause: Cause) -> tuple[int, int]:
    return sum(entry["verdict"] == "fail" for entry in cause.requirements), len(cause.requirements)
