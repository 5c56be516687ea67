"""Hubs whose verdict is known beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from conformance.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

Kind = Literal["wrong", "right", "variant", "null"]
BROKEN = {"fail", "warn"}


@dataclass(frozen=True)
class KnownHub:
    """A hub, and what a judgement of it has to say.

    `wrong` ones break the requirement `breaks`, and must be found by it; `right` ones and `variant`s, which differ from
    others in what the spec leaves open, must be clean; `null` ones serve nobody and must earn no pass. `open` starts
    it, and gives the settings that tell a judge of it. `profile` is the most that it is judged by, and `touches` what
    the difference of a variant can touch: patterns of requirement ids, none for all.
    """

    name: str
    kind: Kind
    open: Callable[[], AbstractContextManager[dict[str, Any]]] = field(compare=False)
    breaks: str = ""
    touches: tuple[str, ...] = ()
    profile: str = "extended"

    def settings(self, *, whole: bool) -> dict[str, Any]:
        """What to judge it by: all rules, or those that it touches, which for a wrong hub is the one that it breaks."""
        touched = (self.breaks,) if self.kind == "wrong" else self.touches
        return {"profile": self.profile, "select": () if whole else touched}

    def objection(self, report: dict[str, Any]) -> str:
        """What is wrong with a judgement of this hub; empty when it is as it has to be."""
        verdicts = {row["id"]: row for row in report["requirements"]}
        if self.kind == "wrong":
            return _not_found(verdicts.get(self.breaks), self.breaks)
        if self.kind == "null":
            passed = [name for name, row in verdicts.items() if row["verdict"] == "pass"]
            return f"it passed {', '.join(passed)}" if passed or report["conforms"] else ""
        alarms = {name: row for name, row in verdicts.items() if row["verdict"] in {*BROKEN, "error"}}
        return "; ".join(f"{name} {row['verdict']}: {_reason(row)}" for name, row in alarms.items())


def _not_found(row: dict[str, Any] | None, breaks: str) -> str:
    wanted = "fail" if catalogue()[breaks].level == "MUST" else "warn"
    if row is None:
        return f"{breaks} was not judged"
    if row["verdict"] != wanted:
        return f"{breaks} is {row['verdict']}, not {wanted}: {_reason(row)}"
    if all(breach["flaky"] for breach in row["breaches"]):
        return f"{breaks} was seen broken only once"
    return ""


def _reason(row: dict[str, Any]) -> str:
    return str(row["reason"] or next((breach["actual"] for breach in row["breaches"]), ""))
