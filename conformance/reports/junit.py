"""The report as JUnit XML, one test case a requirement, for tools that know nothing else."""

from __future__ import annotations

import re
from typing import Any, Final
from xml.etree import ElementTree as ET

from conformance.reports.document import seen_as, unexpected

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold at all."""


def junit_xml(report: dict[str, Any]) -> bytes:
    """A document of JUnit.

    A broken SHOULD is no failure there: it is told in the case's output. What did not show again is a `flakyFailure`,
    as Maven writes it: tools that know it say so, and for others the case has passed.
    """
    entries = report["requirements"]
    counts = report["counts"]
    suite = ET.Element(
        "testsuite",
        name="neuroengine-conformance",
        tests=str(len(entries)),
        failures=str(len(unexpected(report, "fail"))),
        errors=str(counts["error"]),
        skipped=str(counts["skip"] + sum(bool(entry["expected"]) for entry in entries)),
        time=str(report["seconds"]),
        timestamp=report["started_at"],
    )
    for entry in entries:
        suite.append(_case(entry))
    document = ET.Element("testsuites")
    document.append(suite)
    ET.indent(document)
    return bytes(ET.tostring(document, encoding="utf-8", xml_declaration=True))


def _case(entry: dict[str, Any]) -> ET.Element:
    case = ET.Element("testcase", classname=entry["id"].rpartition("-")[0], name=f"{entry['id']} {entry['title']}")
    if entry["expected"]:
        _say(case, "skipped", f"expected failure: {entry['expected']}", _story(entry))
        return case
    match seen_as(entry):
        case "fail":
            _say(case, "failure", entry["breaches"][0]["actual"], _story(entry))
        case "flaky":
            _say(case, "flakyFailure", f"seen once, not again: {entry['breaches'][0]['actual']}", _story(entry))
        case "error":
            _say(case, "error", entry["reason"], "\n".join(error["traceback"] for error in entry["errors"]))
        case "skip":
            _say(case, "skipped", entry["reason"], "")
        case "warn":
            _say(case, "system-out", "", f"warning: {_story(entry)}")
    return case


def _say(case: ET.Element, tag: str, message: str, text: str) -> None:
    said = ET.SubElement(case, tag)
    if message:
        said.set("message", _NO_XML.sub("\ufffd", message))
    said.text = _NO_XML.sub("\ufffd", text)


def _story(entry: dict[str, Any]) -> str:
    parts = [entry["sentence"]]
    for breach in entry["breaches"]:
        parts += [f"expected: {breach['expected']}", f"actual: {breach['actual']}", breach["reproduce"]]
    return "\n".join(parts)
