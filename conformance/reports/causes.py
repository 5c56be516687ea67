"""What is broken, grouped by what came: one fault of a hub often breaks several requirements."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from conformance.reports.document import unexpected

if TYPE_CHECKING:
    from collections.abc import Sequence

_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'|\d+")
"""What differs from breach to breach of one cause: quoted texts, and figures but for codes and statuses."""
_CODE: Final = re.compile(r"(errorcode|status) -?\d+")


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
            found.setdefault(_shape(actual), Cause(actual, [])).requirements.append(entry)
    return sorted(found.values(), key=lambda cause: -len(cause.requirements))


def _shape(actual: str) -> str:
    """An account of what came without what is of one exchange alone."""
    codes = " ".join(match[0] for match in _CODE.finditer(actual))
    return f"{codes} {_QUOTED.sub('', actual)}"
