"""The report of a judgement: its form, its verdicts, what a breach shows, and that its lines run as printed."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator
from patience import DEADLINE_S

from conformance import Settings, run
from conformance.reports.junit import junit_xml
from conformance.target import Target
from mockserver import MockHub
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from conformance.exchange import Exchange, Request

SELECTED = ("NE-HTTP-001", "NE-HTTP-00[4-8]", "NE-REQ-006", "NE-STREAM-00?", "NE-FWD-001")
LISTED = ("fail", "warn", "pass", "skip")


@pytest.fixture(scope="module")
def wrong_hub() -> Iterator[MockHub]:
    with MockHub(services={"First": "KEY1"}, wrong="stream_pieces_swapped") as hub:
        yield hub


@pytest.fixture(scope="module")
def report(wrong_hub: MockHub) -> dict[str, Any]:
    """A judgement with every verdict but `error`, over TLS."""
    return run(Settings(wrong_hub.url, "First", ca_file=wrong_hub.ca_file, select=SELECTED, seed=7, timeout=5.0))


@pytest.fixture(scope="module")
def refusing() -> Iterator[tuple[MockHub, dict[str, Any]]]:
    with MockHub(services={"First": "KEY1"}, tls=False, wrong="members_refused") as hub:
        yield hub, run(Settings(hub.url, "First", select=("NE-REQ-006",), seed=7))


def entry_of(report: dict[str, Any], requirement: str) -> dict[str, Any]:
    (entry,) = (entry for entry in report["requirements"] if entry["id"] == requirement)
    return dict(entry)


def errors_of(report: dict[str, Any]) -> list[str]:
    schema = spec.read_json("reports/conformance.schema.json")
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(report)]


def test_a_report_is_valid_against_its_published_schema(report: dict[str, Any]) -> None:
    assert errors_of(json.loads(json.dumps(report))) == []


def test_a_report_of_an_unreachable_hub_is_valid_too() -> None:
    assert errors_of(run(Settings("http://127.0.0.1:9", "First", select=("NE-HTTP-*",)))) == []


def test_the_schema_refuses_a_verdict_without_its_grounds(report: dict[str, Any]) -> None:
    for verdict in LISTED:
        changed = json.loads(json.dumps(report))
        entry = next(entry for entry in changed["requirements"] if entry["verdict"] == verdict)
        entry |= {"breaches": [], "reason": "", "checks": {"expected": [], "emitted": []}}
        assert errors_of(changed) != [], verdict


def test_the_verdicts_follow_from_level_and_checks(report: dict[str, Any]) -> None:
    verdicts = {entry["id"]: entry["verdict"] for entry in report["requirements"]}
    assert verdicts["NE-STREAM-001"] == "fail"
    assert verdicts["NE-HTTP-001"] == "pass"
    assert verdicts["NE-HTTP-004"] == "skip"
    assert verdicts["NE-FWD-001"] == "skip"
    assert report["exit_code"] == 1
    assert report["counts"] == {name: list(verdicts.values()).count(name) for name in report["counts"]}


def test_a_row_that_cannot_be_judged_says_why(report: dict[str, Any]) -> None:
    assert entry_of(report, "NE-HTTP-004")["reason"].startswith("cannot be judged from outside")
    assert "provider access" in entry_of(report, "NE-FWD-001")["reason"]


def test_a_report_says_which_checks_were_expected_and_which_ran(report: dict[str, Any]) -> None:
    for entry in report["requirements"]:
        assert entry["checks"]["expected"] == entry["checks"]["emitted"]
    assert report["seed"] == 7
    assert report["spec_revision"] == spec.revision()


def test_a_breach_shows_the_smallest_request_and_its_answer(refusing: tuple[MockHub, dict[str, Any]]) -> None:
    _, report = refusing
    (breach,) = entry_of(report, "NE-REQ-006")["breaches"]
    (exchange,) = breach["exchanges"]
    sent = json.loads(exchange["request"]["body"])
    unknown = {name: value for name, value in sent.items() if name not in {"message", "max_new_len"}}
    assert len(unknown) == 1
    assert list(unknown.values()) == [None]
    assert all(len(name) == 1 for name in unknown)
    assert json.loads(exchange["answer"]["body"])["errorcode"] == 4
    assert breach["flaky"] is False


def test_the_printed_line_repeats_the_breach(refusing: tuple[MockHub, dict[str, Any]], tmp_path: Path) -> None:
    _, report = refusing
    (breach,) = entry_of(report, "NE-REQ-006")["breaches"]
    assert json.loads(shell(breach["reproduce"], tmp_path))["errorcode"] == 4


def test_the_printed_lines_repeat_a_stream_over_tls(report: dict[str, Any], tmp_path: Path) -> None:
    breaches = entry_of(report, "NE-STREAM-001")["breaches"]
    (breach,) = (found for found in breaches if found["check"] == "test_streams::test_the_pieces_are_the_reply")
    answers = [
        json.loads(line) for line in shell(breach["reproduce"], tmp_path).replace("}{", "}\n{").split("\n") if line
    ]
    shown = [json.loads(exchange["answer"]["body"]) for exchange in breach["exchanges"]]
    assert answers == shown
    keys = [json.loads(exchange["request"]["body"])["key"] for exchange in breach["exchanges"]]
    assert keys[0] not in breach["reproduce"]


def shell(lines: str, folder: Path) -> str:
    """What a plain shell prints for these lines."""
    done = subprocess.run(
        ["/bin/sh", "-eu"], input=lines, cwd=folder, capture_output=True, text=True, timeout=DEADLINE_S, check=True
    )
    return done.stdout


def parsed(document: bytes) -> ET.Element:
    return ET.fromstring(document)  # noqa: S314 - our own document


def test_junit_has_a_case_a_requirement_and_fails_only_for_broken_musts(report: dict[str, Any]) -> None:
    suite = parsed(junit_xml(report)).find("testsuite")
    assert suite is not None
    cases = {str(case.get("name")).split()[0]: case for case in suite}
    assert list(cases) == [entry["id"] for entry in report["requirements"]]
    assert (suite.get("tests"), suite.get("failures")) == (str(len(cases)), str(report["counts"]["fail"]))
    for entry in report["requirements"]:
        tags = {"pass": [], "fail": ["failure"], "warn": ["system-out"], "skip": ["skipped"], "error": ["error"]}
        assert [child.tag for child in cases[entry["id"]]] == tags[entry["verdict"]]


def test_junit_replaces_what_xml_cannot_hold(report: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(report))
    next(entry for entry in changed["requirements"] if entry["verdict"] == "skip")["reason"] = (
        "a \x00 and a \x1b and \ud800"
    )
    assert "a \ufffd and a \ufffd and \ufffd" in ET.tostring(parsed(junit_xml(changed)), encoding="unicode")


def test_the_same_seed_sends_the_same_requests_but_for_the_keys(
    refusing: tuple[MockHub, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, _ = refusing
    sent: list[bytes] = []
    send = Target.send_together

    def noting(target: Target, requests: Sequence[Request]) -> list[Exchange]:
        for request in requests:
            body = request.body
            for key in request.keys:
                body = body.replace(key.encode(), b"KEY")
            sent.append(body)
        return send(target, requests)

    monkeypatch.setattr(Target, "send_together", noting)

    def bodies(seed: int) -> list[bytes]:
        sent.clear()
        run(Settings(hub.url, "First", select=("NE-REQ-00[36]", "NE-BODY-002", "NE-STREAM-001"), seed=seed))
        return list(sent)

    once = bodies(11)
    assert len(once) > 100
    assert bodies(11) == once
    assert bodies(12) != once


def test_a_run_leaves_nothing_in_the_callers_folder(
    refusing: tuple[MockHub, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, _ = refusing
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n", encoding="utf-8")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('the caller\\'s own')\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    report = run(Settings(hub.url, "First", select=("NE-REQ-003", "NE-REQ-008")))
    assert report["counts"]["pass"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["conftest.py", "pytest.ini"]
