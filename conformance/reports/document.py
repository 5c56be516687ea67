"""Verdicts by requirement, counts and the exit code: the report, as JSON by its published schema.

Laws: a requirement passes only if all its checks ran, each of them required something of a real exchange, and the hub
answered a plain request in this run; a breach of a SHOULD warns, and so does one that did not show again; no secret
stands in a report.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import PackageNotFoundError, version
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from conformance.catalogue import catalogue
from conformance.expected import mark_expected
from conformance.target import OUT_OF_BOUNDS
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from conformance.catalogue import Requirement
    from conformance.expected import Expectation
    from conformance.requirement import Binding
    from conformance.settings import Settings

FORMAT: Final = "neuroengine-conformance-report/1"
VERDICTS: Final = ("pass", "fail", "warn", "skip", "error")
CONFORMING, NOT_CONFORMING, LOST = 0, 1, 3
"""Exit codes. 2 is a usage error, which makes no report."""


REASONS_SUMMED: Final = 3
"""So many reasons, the most frequent ones, are summed up in a line."""
OUTSIDE: Final = "cannot be judged from outside"


@dataclass(frozen=True)
class Judgement:
    """What a run brought back: the checks' records, and what became of the run itself.

    `locked_out` says why the hub never let the suite in as a provider, where it was to be one; `slowed` that it refused
    for the number of requests, where it did.
    """

    records: Sequence[dict[str, Any]]
    bindings: Sequence[Binding]
    stopped: str
    answers_plainly: bool
    requests: int
    started_at: datetime
    seconds: float
    locked_out: str = ""
    slowed: str = ""


def rows_in_scope(settings: Settings) -> list[Requirement]:
    """The requirements of a hub that the profile, the level and the selection ask for."""
    profiles = {"core", settings.profile}
    return [
        row
        for row in catalogue().values()
        if row.role == "hub"
        and row.profile in profiles
        and (settings.level == "should" or row.level == "MUST")
        and (not settings.select or any(fnmatchcase(row.id, pattern) for pattern in settings.select))
    ]


def build_report(
    settings: Settings,
    judgement: Judgement,
    expected: Sequence[Expectation] = (),
    *,
    require_complete: bool = False,
) -> dict[str, Any]:
    """The report of a run, with the failures that were expected marked as such."""
    rows = rows_in_scope(settings)
    if settings.profile == "smoke":
        judged = {found.requirement.id for found in judgement.bindings}
        rows = [row for row in rows if row.id in judged]
    requirements = [_entry(row, judgement) for row in rows]
    expectations = mark_expected(requirements, expected, judgement.started_at.date())
    counts = Counter(entry["verdict"] for entry in requirements)
    musts = [entry for entry in requirements if entry["level"] == "MUST"]
    judged_musts = [entry for entry in musts if entry["verdict"] in {"pass", "fail"}]
    report = {
        "format": FORMAT,
        "spec_revision": spec.revision(),
        "suite_version": _suite_version(),
        "role": "hub",
        "started_at": judgement.started_at.isoformat(timespec="seconds"),
        "seconds": round(judgement.seconds, 3),
        "requests": judgement.requests,
        "seed": settings.seed,
        "settings": _configuration(settings),
        "requirements": requirements,
        "counts": {verdict: counts[verdict] for verdict in VERDICTS},
        "musts": {"judged": len(judged_musts), "in_scope": len(musts)},
        "expectations": expectations,
        "stopped": judgement.stopped or ("" if counts["fail"] else judgement.locked_out),
    }
    report["remarks"] = [judgement.slowed] if judgement.slowed else []
    report["partial"] = list(_partial(settings, report, judgement.locked_out))
    report["exit_code"] = _exit_code(report, require_complete=require_complete)
    report["conforms"] = report["exit_code"] == CONFORMING and not counts["fail"]
    return report


def headline(report: dict[str, Any]) -> str:
    """The verdict in a few words."""
    counts, broken = report["counts"], len(unexpected(report, "fail"))
    if report["exit_code"] == LOST:
        return f"NOT JUDGED: {report['stopped'] or _why_not(report)}"
    if broken:
        return f"NOT CONFORMING: {broken} MUSTs are broken"
    if report["expectations"]["stale"]:
        return f"STALE: {len(report['expectations']['stale'])} expected failures were not met"
    if not report["exit_code"]:
        known = f"NO NEW FAILURES: {counts['fail']} MUSTs are broken as expected"
        return known if counts["fail"] else "CONFORMING as far as it was judged"
    return "NOT COMPLETE"


def _why_not(report: dict[str, Any]) -> str:
    if report["counts"]["error"]:
        return "the suite itself failed"
    left = Counter(short_reason(entry) for entry in report["requirements"] if entry["verdict"] == "skip")
    return "; ".join(reason for reason, _ in left.most_common(REASONS_SUMMED)) or "nothing was there to judge"


def seen_as(entry: dict[str, Any]) -> str:
    """A requirement's verdict, or `flaky` where nothing but breaches that did not show again made it a warning."""
    breaches = entry["breaches"]
    is_flaky = entry["verdict"] == "warn" and all(breach["flaky"] for breach in breaches)
    return "flaky" if is_flaky else str(entry["verdict"])


def unexpected(report: dict[str, Any], seen: str) -> list[dict[str, Any]]:
    """The requirements with a verdict, as `seen_as` tells it, that nobody expected."""
    return [entry for entry in report["requirements"] if seen_as(entry) == seen and not entry["expected"]]


def _partial(settings: Settings, report: dict[str, Any], locked_out: str) -> Iterator[str]:
    """Why a run says nothing of some of the rules that it could have judged."""
    if report["stopped"]:
        yield f"it was stopped: {report['stopped']}"
    elif locked_out:
        yield f"the hub let no provider in: {locked_out}"
    if settings.select:
        yield f"only {', '.join(settings.select)} was judged"
    if settings.cases:
        yield "only some cases were judged"
    if settings.profile == "smoke":
        yield "the profile smoke judges a few rules alone"
    if report["counts"]["error"]:
        yield f"{report['counts']['error']} requirements ended in an error"
    if _is_out_of_bounds(report):
        yield "the run's bounds did not suffice"


def _is_out_of_bounds(report: dict[str, Any]) -> bool:
    return any(OUT_OF_BOUNDS in entry["reason"] for entry in report["requirements"])


def missing_needs(report: dict[str, Any]) -> list[str]:
    """Why the MUSTs that were not judged were not: each reason with its number of MUSTs, the most frequent first."""
    left = [entry for entry in report["requirements"] if entry["level"] == "MUST" and entry["verdict"] == "skip"]
    return [f"{reason} ({count})" for reason, count in Counter(map(short_reason, left)).most_common()]


def short_reason(entry: dict[str, Any]) -> str:
    """Why a requirement was not judged, without what is true of it alone."""
    return OUTSIDE if entry["reason"].startswith(OUTSIDE) else str(entry["reason"])


def _entry(row: Requirement, judgement: Judgement) -> dict[str, Any]:
    records = [record for record in judgement.records if record["requirement"] == row.id]
    verdict, reason = _verdict(row, records, judgement)
    entry = {
        "id": row.id,
        "level": row.level,
        "profile": row.profile,
        "basis": row.basis,
        "section": row.section,
        "title": row.title,
        "sentence": row.sentence,
        "mend": row.mend,
        "needs": list(row.needs),
        "verdict": verdict,
        "reason": reason,
        "checks": {"expected": sorted(row.checks), "emitted": sorted({record["check"] for record in records})},
        "exchanges": sum(record["exchanges"] for record in records),
        "seconds": round(sum(record["seconds"] for record in records), 3),
    }
    breaches = [
        {"check": record["check"], "case": record["case"], **record["breach"]} for record in records if record["breach"]
    ]
    entry["breaches"] = sorted(breaches, key=itemgetter("flaky"))
    entry["errors"] = [
        {
            "check": record["check"],
            "case": record["case"],
            "message": record["reason"],
            "traceback": record["traceback"],
        }
        for record in records
        if record["outcome"] == "error"
    ]
    return entry


def _verdict(row: Requirement, records: list[dict[str, Any]], judgement: Judgement) -> tuple[str, str]:
    """A row's verdict, and why where it is neither passed nor broken."""
    breaches = [record["breach"] for record in records if record["breach"]]
    if any(not breach["flaky"] for breach in breaches):
        return ("fail" if row.level == "MUST" else "warn"), ""
    if broken := [record["reason"] for record in records if record["outcome"] == "error"]:
        return "error", broken[0]
    if breaches:
        return "warn", "the breach did not show again when the check was repeated"
    if row.untestable:
        return "skip", f"{OUTSIDE}: {row.untestable}"
    if row.pending:
        return "skip", "its check is not built yet"
    return _passed_or_not(row, records, judgement)


def _passed_or_not(row: Requirement, records: list[dict[str, Any]], judgement: Judgement) -> tuple[str, str]:
    if skipped := list(dict.fromkeys(record["reason"] for record in records if record["outcome"] == "skipped")):
        return "skip", "; ".join(skipped)
    chosen = {found.check for found in judgement.bindings if found.requirement.id == row.id}
    missing = (chosen or set(row.checks)) - {record["check"] for record in records}
    if missing and judgement.stopped:
        return "skip", f"not reached: {judgement.stopped}"
    if missing:
        return "error", f"did not run: {', '.join(sorted(missing))}"
    if not judgement.answers_plainly:
        return "skip", "no plain request succeeded in this run"
    return "pass", ""


def _exit_code(report: dict[str, Any], *, require_complete: bool) -> int:
    counts, musts = report["counts"], report["musts"]
    if report["stopped"]:
        return LOST
    if unexpected(report, "fail") or report["expectations"]["stale"]:
        return NOT_CONFORMING
    if counts["error"] or not (counts["pass"] or counts["warn"] or counts["fail"]):
        return LOST
    if musts["in_scope"] and not musts["judged"] and _is_out_of_bounds(report):
        return LOST
    testable = [entry for entry in report["requirements"] if not catalogue()[entry["id"]].untestable]
    complete = musts["judged"] == len([entry for entry in testable if entry["level"] == "MUST"])
    return NOT_CONFORMING if require_complete and not complete else CONFORMING


def _configuration(settings: Settings) -> dict[str, Any]:
    """The settings, without anything secret."""
    names = (
        "url",
        "service",
        "second_service",
        "ca_file",
        "insecure",
        "profile",
        "level",
        "timeout",
        "max_wait",
        "max_time",
        "case_time",
        "rate",
        "provider",
        "provider_service",
        "access_service",
        "quota_service",
    )
    configuration = {name: getattr(settings, name) for name in names}
    return configuration | {
        "select": list(settings.select),
        "cases": list(settings.cases),
        "limits": dict(settings.limits),
        "max_requests": settings.max_requests,
    }


def _suite_version() -> str:
    try:
        return version("neuroengine")
    except PackageNotFoundError:
        return "unknown"
