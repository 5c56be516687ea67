"""What changed between two reports: of one hub at two times, or of two hubs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from conformance.expected import case_name
from conformance.reports.document import seen_as

if TYPE_CHECKING:
    from collections.abc import Iterator

WORSE: Final = {
    ("pass", "fail"),
    ("pass", "warn"),
    ("pass", "error"),
    ("warn", "fail"),
    ("flaky", "fail"),
}
FOUND: Final = {("skip", "fail"), ("skip", "warn"), ("error", "fail"), ("error", "warn")}
LOST: Final = {("pass", "skip"), ("fail", "skip"), ("warn", "skip"), ("flaky", "skip")}
GROUPS: Final = {"lost": LOST, "found": FOUND, "worse": WORSE}
"""The changes of a verdict that a reader must not miss, and what they are: the others are `other`."""
SUMMED: Final = {
    "worse": "worse",
    "found": "broken and not judged before",
    "lost": "not judged any more",
    "other": "other verdicts changed",
}
WORDS: Final = {"lost": "NOT JUDGED ANY MORE ", "found": "BROKEN, NOT JUDGED BEFORE ", "worse": "WORSE "}
SHOWN: Final = 10
_KEY: Final = re.compile(r"[0-9a-f]{32,}")
_TIMES: Final = ("started_at", "seconds")


def compare(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Rows whose verdict changed, rows of one report alone, rows broken in another way, and settings that differ.

    A change is for the worse where the row was judged before; what was found to be broken when it was first judged may
    have been so all the time.
    """
    then, now = _rows(before), _rows(after)
    changed = [
        _change(name, then[name], now[name])
        for name in then
        if name in now and seen_as(then[name]) != seen_as(now[name])
    ]
    otherwise = [
        {"id": name, "title": now[name]["title"], "before": _actuals(then[name]), "after": _actuals(now[name])}
        for name in then
        if name in now and seen_as(then[name]) == seen_as(now[name]) and _cases(then[name]) != _cases(now[name])
    ]
    return {
        "settings": _settings(before, after),
        **{group: [change for change in changed if _group(change) == group] for group in ("other", *GROUPS)},
        "broken_otherwise": otherwise,
        "only_before": [name for name in then if name not in now],
        "only_after": [name for name in now if name not in then],
    }


def told(difference: dict[str, Any]) -> Iterator[str]:
    """The difference for a person, a line each; what became worse comes last."""
    for name, (before, after) in difference["settings"].items():
        yield f"{name}: {before} -> {after}"
    for which, words in (("only_before", "only in the first report"), ("only_after", "only in the second report")):
        names = difference[which]
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            yield f"{words}: {', '.join(names[:SHOWN])}{more}"
    for entry in difference["broken_otherwise"]:
        yield f"{entry['id']} {entry['title']}: broken in another way: {'; '.join(entry['after'])}"
    for group in ("other", *GROUPS):
        for change in difference[group]:
            what = f"{change['id']} {change['level']} {change['title']}: {change['before']} -> {change['after']}"
            yield f"{WORDS.get(group, '')}{what}{': ' if change['why'] else ''}{change['why']}"


def normalised(report: Any) -> Any:
    """A report without what differs from run to run of the same hub: times, and stream keys."""
    if isinstance(report, dict):
        kept = {name: value for name, value in report.items() if name not in {*_TIMES, "at"}}
        return {name: normalised(value) for name, value in kept.items()}
    if isinstance(report, list):
        return [normalised(value) for value in report]
    return _KEY.sub("KEY", report) if isinstance(report, str) else report


def _rows(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in report["requirements"]}


def _change(name: str, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    why = after["reason"] or next(iter(_actuals(after)), "")
    change = {"id": name, "level": after["level"], "title": after["title"], "why": why}
    return change | {"before": seen_as(before), "after": seen_as(after)}


def _group(change: dict[str, Any]) -> str:
    step = change["before"], change["after"]
    return next((group for group, steps in GROUPS.items() if step in steps), "other")


def _cases(row: dict[str, Any]) -> set[str]:
    return {case_name(breach) for breach in row["breaches"]}


def _actuals(row: dict[str, Any]) -> list[str]:
    return [breach["actual"] for breach in row["breaches"]]


def _settings(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Any]]:
    then = before["settings"] | {name: before[name] for name in ("seed", "spec_revision", "suite_version")}
    now = after["settings"] | {name: after[name] for name in ("seed", "spec_revision", "suite_version")}
    names = sorted(then.keys() | now.keys())
    return {name: [then.get(name), now.get(name)] for name in names if then.get(name) != now.get(name)}
