"""Judges again what a report says is broken: the same cases, from the same seed, at the same or another hub."""

from __future__ import annotations

import dataclasses
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from conformance.expected import case_name
from conformance.likeness import are_alike
from conformance.settings import Settings, polite, read_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def broken_cases(report: Mapping[str, Any], patterns: Iterable[str] = ()) -> dict[str, list[str]]:
    """The cases in which a report found each requirement broken, as far as the patterns name them.

    A pattern is a requirement's id or a case, with `*` for anything; none means all.
    """
    found: dict[str, list[str]] = {}
    patterns = list(patterns)
    for row in report["requirements"]:
        for breach in row["breaches"]:
            names = (row["id"], case_name(breach), breach["check"])
            if not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in patterns):
                found.setdefault(row["id"], []).append(case_name(breach))
    return found


def settings_of(report: Mapping[str, Any], cases: Mapping[str, Iterable[str]], **changes: Any) -> Settings:
    """The settings that judge these cases again, as the report's run judged them but for the changes.

    A new `url` brings its own politeness, and leaves alone the old hub's provider port, and services with
    keys that are not told. Secrets are in no report: they have to be among the changes.

    Raises:
        ValueError: the new url is none.
    """
    names = {setting.name for setting in dataclasses.fields(Settings)}
    given = {name: value for name, value in report["settings"].items() if name in names}
    given |= {"seed": report["seed"], "select": tuple(cases)}
    given["cases"] = tuple(case for some in cases.values() for case in some)
    if url := changes.pop("url", ""):
        given["url"], given["service"] = read_target(url, changes.pop("service", "") or given["service"])
        given["rate"], given["max_requests"] = polite(given["url"], given["profile"], None, None)
        given["provider"] = ""
        given["access_service"] = given["access_service"] if changes.get("access_key") else ""
    return Settings(**given | changes)


def compared(before: Mapping[str, Any], after: Mapping[str, Any], cases: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """A line for each case that was judged again: what became of it."""
    then, now = _actuals(before), _actuals(after)
    rows = {row["id"]: row for row in after["requirements"]}
    for requirement, names in cases.items():
        row = rows.get(requirement)
        for name in names:
            was, came = then[requirement, name], now.get((requirement, name))
            if came is not None:
                said = "still broken" if are_alike(came, was) else f"broken in another way: {came}"
            elif row is None or row["verdict"] in {"skip", "error"}:
                said = f"not judged: {row['reason'] if row else 'it is not in scope'}"
            else:
                said = "kept now"
            yield f"{requirement} {name}: {said}"


def _actuals(report: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    return {
        (row["id"], case_name(breach)): breach["actual"] for row in report["requirements"] for breach in row["breaches"]
    }
