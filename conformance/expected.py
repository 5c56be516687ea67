"""Expected failures: what a hub is known to break, read from TOML, so that a run fails only on what is new.

Laws: an entry counts only for a breach that it describes; one that is met no more (the rule is kept now, or broken in
another way, or the entry has expired) is stale, and fails the run; what was not judged makes no entry stale.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from conformance.catalogue import catalogue
from conformance.likeness import begins_like
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SCHEMA: Final = "reports/expected.schema.json"


@dataclass(frozen=True)
class Expectation:
    """One known failure; the spec's schema says what each member means."""

    id: str
    reason: str
    case: str = ""
    message: str = ""
    expires: date | None = None

    def describes(self, requirement: str, breach: dict[str, Any]) -> bool:
        """Whether a breach is the one that this entry expects."""
        cases = {"", breach["check"], case_name(breach)}
        return self.id == requirement and self.case in cases and begins_like(breach["actual"], self.message)

    def has_expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.expires is not None and self.expires < today


def case_name(breach: dict[str, Any]) -> str:
    """The check that found a breach, with its case."""
    return f"{breach['check']}[{breach['case']}]" if breach["case"] else str(breach["check"])


def read_expected(file: Path | str) -> list[Expectation]:
    """The entries of a file.

    Raises:
        OSError: it cannot be read. ValueError: it is no TOML, or not as the schema says, or names a requirement that
        there is not.
    """
    import jsonschema

    try:
        content = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{str(file)!r} is no TOML in UTF-8: {error}") from None
    plain = {
        **content,
        "expected": [_plain(entry) for entry in content.get("expected", [])],
    }
    validator = jsonschema.Draft202012Validator(
        spec.read_json(SCHEMA), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    for fault in validator.iter_errors(plain):
        raise ValueError(f"{str(file)!r}: {fault.json_path}: {fault.message}")
    entries = [
        Expectation(**entry | {"expires": date.fromisoformat(entry["expires"]) if "expires" in entry else None})
        for entry in plain["expected"]
    ]
    unknown = sorted({entry.id for entry in entries} - set(catalogue()))
    if unknown:
        raise ValueError(f"{str(file)!r}: there is no requirement {', '.join(unknown)}")
    return entries


def mark_expected(
    requirements: Iterable[dict[str, Any]], entries: Sequence[Expectation], today: date
) -> dict[str, Any]:
    """Writes into each judged requirement why all its breaches were expected, or "".

    Returns what became of the entries: how many were met, and which are stale or were not observed.
    """
    judged = {entry["id"]: entry for entry in requirements}
    for requirement in judged.values():
        requirement["expected"] = _reason(requirement, entries, today)
    stale, unobserved, met = [], [], 0
    for entry in entries:
        why = _fate(entry, judged.get(entry.id), today)
        named = {"id": entry.id, "case": entry.case}
        if why is None:
            unobserved.append(named)
        elif why:
            stale.append(named | {"why": why})
        else:
            met += 1
    return {"met": met, "stale": stale, "unobserved": unobserved}


def _reason(requirement: dict[str, Any], entries: Sequence[Expectation], today: date) -> str:
    """Why all breaches of a requirement were expected; "" where one was not, or there is none."""
    reasons: dict[str, None] = {}
    for breach in requirement["breaches"]:
        found = [
            entry.reason
            for entry in entries
            if entry.describes(requirement["id"], breach) and not entry.has_expired(today)
        ]
        if not found and not breach["flaky"]:
            return ""
        reasons |= dict.fromkeys(found)
    return "; ".join(reasons)


def _fate(entry: Expectation, requirement: dict[str, Any] | None, today: date) -> str | None:
    """Why an entry is stale; "" where it was met, None where nothing can be said of it."""
    if entry.has_expired(today):
        return f"it expired on {entry.expires}"
    if requirement is None or requirement["verdict"] in {"skip", "error"}:
        return None
    if any(entry.describes(entry.id, breach) for breach in requirement["breaches"]):
        return ""
    if requirement["verdict"] == "pass":
        return "the requirement is kept now"
    seen = requirement["breaches"][0]
    return f"it is broken in another way: {case_name(seen)}: {seen['actual']}"


def _plain(entry: Any) -> Any:
    """A TOML date as text, so that a JSON Schema can judge it."""
    if not isinstance(entry, dict):
        return entry
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in entry.items()}
