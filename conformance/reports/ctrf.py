"""The report in the Common Test Report Format (ctrf.io), one test a requirement, for dashboards that read it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, Final

from conformance.reports.document import seen_as

SPEC_VERSION: Final = "0.0.0"
STATUSES: Final = {"pass": "passed", "fail": "failed", "warn": "other", "skip": "skipped", "error": "failed"}


def ctrf(report: dict[str, Any]) -> dict[str, Any]:
    """The document. A broken SHOULD is `other`, a failure that was expected is `pending`."""
    start = int(datetime.fromisoformat(report["started_at"]).timestamp() * 1000)
    tests = [_test(entry) for entry in report["requirements"]]
    counts = Counter(test["status"] for test in tests)
    summary = {status: counts[status] for status in ("passed", "failed", "skipped", "pending", "other")}
    return {
        "reportFormat": "CTRF",
        "specVersion": SPEC_VERSION,
        "generatedBy": "neuroengine conformance",
        "results": {
            "tool": {"name": "neuroengine-conformance", "version": report["suite_version"]},
            "summary": {
                "tests": len(tests),
                **summary,
                "start": start,
                "stop": start + round(report["seconds"] * 1000),
            },
            "tests": tests,
            "extra": {name: report[name] for name in ("spec_revision", "seed", "settings", "musts", "exit_code")},
        },
    }


def _test(entry: dict[str, Any]) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": f"{entry['id']} {entry['title']}",
        "status": "pending" if entry["expected"] else STATUSES[entry["verdict"]],
        "rawStatus": entry["verdict"],
        "duration": round(entry["seconds"] * 1000),
        "suite": [entry["id"].split("-")[1]],
        "tags": [entry["level"], entry["profile"], entry["basis"]],
        "flaky": seen_as(entry) == "flaky",
        "extra": {"id": entry["id"], "sentence": entry["sentence"], "section": entry["section"]},
    }
    message = entry["reason"] or next((breach["actual"] for breach in entry["breaches"]), "")
    trace = "\n\n".join(
        [
            *(f"expected {breach['expected']}\n{breach['reproduce']}" for breach in entry["breaches"]),
            *(error["traceback"] for error in entry["errors"]),
        ]
    )
    return test | {name: text for name, text in (("message", message), ("trace", trace)) if text}
