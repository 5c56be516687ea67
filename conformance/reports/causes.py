"""What is broken, grouped by what came: one fault of a hub often breaks several requirements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.likeness import likeness
from conformance.reports.document import unexpected

if TYPE_CHECKING:
    from collections.abc import Sequence


class Cause(NamedTuple):
    """One way in which answers were wrong, and the requirements that it broke."""

    actual: str
    requirements: list[dict[str, Any]]


def causes(report: dict[str, Any], verdicts: Sequence[str] = ("fail", "warn")) -> list[Cause]:
    """The unexpected breaches by what came, the cause that breaks most requirements first."""
    found: dict[str, Cause] = {}
    for verdict in verdicts:
        for entry in unexpected(report, verdict):
            actual = next((breach["actual"] for breach in entry["breaches"]), entry["reason"])
            found.setdefault(likeness(actual), Cause(actual, [])).requirements.append(entry)
    return sorted(found.values(), key=lambda cause: -len(cause.requirements))
