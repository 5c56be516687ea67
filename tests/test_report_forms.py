"""The forms of the report: each says what the JSON says, and nothing that a hub said comes alive in any."""

from __future__ import annotations

import copy
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from conformance import Settings, run
from conformance.reports.badge import badge, badge_svg
from conformance.reports.causes import causes
from conformance.reports.ctrf import ctrf
from conformance.reports.diff import compare, normalised, told
from conformance.reports.forms import FORMS
from conformance.reports.har import har
from conformance.reports.html import html, prose
from conformance.reports.markdown import markdown
from conformance.reports.terminal import Terminal
from conformance.reproduce.script import BEGINS, parts
from mockserver import MockHub
from neuroengine.cli import main
from neuroengine.cli.conformance.embedded import embedded_hub
from neuroengine.cli.conformance.report_file import FORMS as OFFERED

if TYPE_CHECKING:
    from pathlib import Path

SELECTED = ("NE-ERR-001", "NE-HTTP-00[14]", "NE-REQ-00[16]", "NE-FWD-001")
PAYLOADS = [
    template.format(number)
    for number in range(20)
    for template in (
        "<script>alert({0})</script>",
        '"><img src=x onerror=alert({0})>',
        "</pre></textarea><svg/onload=alert({0})>",
        "[link](javascript:alert({0})) ![](http://evil.example/{0}) `code`",
        "{{{{ {0} }}}} {{% raw %}} </title><!--{0}",
    )
]
"""A hundred texts that would do something where they were taken for more than text."""


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """A judgement with a breach, a pass, and rows that were not judged."""
    with embedded_hub("unknown_service_is_empty") as told_of:
        return run(Settings(profile="extended", select=SELECTED, seed=7, timeout=10.0, **told_of))


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def attributes(self, name: str) -> list[str]:
        return [value for _, attributes in self.tags if (value := attributes.get(name)) is not None]


def test_the_command_line_offers_every_form_and_no_other() -> None:
    assert list(FORMS) == list(OFFERED)


# -- HTML


def test_the_page_has_a_section_for_every_requirement_that_can_be_linked_to(report: dict[str, Any]) -> None:
    page = Page(html(report))
    sections = [found["id"] for tag, found in page.tags if tag == "details" and found.get("class") == "requirement"]
    assert sorted(map(str, sections)) == sorted(entry["id"] for entry in report["requirements"])
    assert len(page.attributes("id")) == len(set(page.attributes("id")))
    targets = {value[1:] for value in page.attributes("href") if value.startswith("#")}
    assert targets <= set(page.attributes("id"))


def test_the_page_shows_the_breach_from_the_sentence_to_what_repeats_it(report: dict[str, Any]) -> None:
    text = re.sub(r"&#39;", "'", html(report))
    (entry,) = (entry for entry in report["requirements"] if entry["verdict"] == "fail")
    (breach,) = entry["breaches"]
    said = (str(prose(entry["sentence"])), str(prose(entry["mend"])))
    for shown in (*said, breach["expected"], breach["check"], "curl -sS", entry["basis"]):
        assert shown in text
    assert "NOT CONFORMING: 1 MUSTs are broken" in text


def test_the_page_loads_nothing(report: dict[str, Any]) -> None:
    text = html(report)
    page = Page(text)
    outside = [value for name in ("src", "href", "action", "data", "poster") for value in page.attributes(name)]
    assert [value for value in outside if not value.startswith(("#", "data:"))] == []
    assert "@import" not in text
    assert "url(" not in text
    (policy,) = (found["content"] for tag, found in page.tags if found.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'")


@pytest.fixture(scope="module")
def calm(report: dict[str, Any]) -> list[str]:
    """The tags of a page where the hub said nothing special."""
    return [tag for tag, _ in Page(html(spoilt(report, "calm"))).tags]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_a_hub_says_comes_alive_in_a_page(report: dict[str, Any], calm: list[str], payload: str) -> None:
    hostile = Page(html(spoilt(report, payload)))
    assert [tag for tag, _ in hostile.tags] == calm
    events = [name for _, attributes in hostile.tags for name in attributes if name.startswith("on")]
    assert events == []
    assert not any("javascript:" in value or "evil" in value for value in hostile.attributes("href"))
    assert hostile.attributes("src") == []


def spoilt(report: dict[str, Any], payload: str) -> dict[str, Any]:
    """The report, with a text in each of the places that come from a hub."""
    changed = copy.deepcopy(report)
    for entry in changed["requirements"]:
        for breach in entry["breaches"]:
            breach |= {"actual": payload, "expected": payload, "case": payload, "reproduce": payload}
            for exchange in breach["exchanges"]:
                exchange["answer"] |= {"body": payload, "content_type": payload}
                exchange["request"] |= {"url": payload, "body": payload}
            for step in breach["timeline"]:
                step["text"] = payload
        if entry["reason"]:
            entry["reason"] = payload
    changed["settings"] |= {"service": payload, "url": payload}
    return changed


# -- Markdown


@pytest.mark.parametrize("payload", PAYLOADS[:5])
def test_nothing_that_a_hub_says_comes_alive_in_markdown(report: dict[str, Any], payload: str) -> None:
    for entry in (changed := copy.deepcopy(report))["requirements"]:
        for breach in entry["breaches"]:
            breach |= {"actual": payload, "expected": payload, "reproduce": f"{payload}\n```\n# out"}
    text = markdown(changed)
    fence = "````"
    outside = "".join(text.split(fence)[::2])
    assert payload not in outside
    assert not re.search(r"(?<!\\)<(?!/?(details|summary)>)", outside)
    assert "# out" not in outside
    assert not re.search(r"(?<!\\)!\[", outside)


def test_the_summary_has_the_verdict_the_counts_and_the_breach(report: dict[str, Any]) -> None:
    text = markdown(report)
    assert "NOT CONFORMING: 1 MUSTs are broken" in text
    assert "### FAIL NE-ERR-001 (MUST): Failure is not zero" in text
    assert "curl -sS" in text
    assert f"| {' | '.join(map(str, report['counts'].values()))} |" in text


# -- HAR, CTRF, JUnit


def test_the_archive_holds_the_exchanges_of_every_breach(report: dict[str, Any]) -> None:
    log = har(report)["log"]
    exchanges = [
        exchange for entry in report["requirements"] for breach in entry["breaches"] for exchange in breach["exchanges"]
    ]
    assert len(log["entries"]) == len(exchanges) > 0
    assert {entry["pageref"] for entry in log["entries"]} == {page["id"] for page in log["pages"]} == {"NE-ERR-001"}
    for entry, exchange in zip(log["entries"], exchanges, strict=True):
        assert entry["request"]["postData"]["text"] == exchange["request"]["body"]
        assert entry["response"]["content"]["text"] == exchange["answer"]["body"]
        assert entry["time"] == sum(entry["timings"].values()) > 0
        assert set(entry) >= {"startedDateTime", "time", "request", "response", "cache", "timings"}
        for side in ("request", "response"):
            needed = {"httpVersion", "cookies", "headers", "headersSize", "bodySize"}
            assert set(entry[side]) >= needed


def test_trouble_instead_of_an_answer_is_status_0_in_an_archive(report: dict[str, Any]) -> None:
    changed = copy.deepcopy(report)
    for entry in changed["requirements"]:
        for breach in entry["breaches"]:
            breach["exchanges"][0]["answer"] = {"trouble": "dropped", "detail": "the connection ended"}
    first = har(changed)["log"]["entries"][0]
    assert (first["response"]["status"], first["comment"]) == (0, "the connection ended")


def test_the_common_format_counts_as_the_report_counts(report: dict[str, Any]) -> None:
    document = ctrf(report)
    results = document["results"]
    assert (document["reportFormat"], results["summary"]["tests"]) == ("CTRF", len(report["requirements"]))
    assert results["summary"]["failed"] == report["counts"]["fail"] + report["counts"]["error"]
    assert results["summary"]["passed"] == report["counts"]["pass"]
    assert results["summary"]["stop"] - results["summary"]["start"] == round(report["seconds"] * 1000)
    (failed,) = (test for test in results["tests"] if test["status"] == "failed")
    assert failed["name"].startswith("NE-ERR-001 ")
    assert "curl -sS" in failed["trace"]
    assert all(isinstance(test["duration"], int) for test in results["tests"])


def test_an_expected_failure_is_no_failure_in_any_form(report: dict[str, Any]) -> None:
    changed = copy.deepcopy(report)
    for entry in changed["requirements"]:
        entry["expected"] = "Ticket 42." if entry["verdict"] == "fail" else ""
    assert ctrf(changed)["results"]["summary"]["failed"] == 0
    suite = ET.fromstring(FORMS["junit"](changed)).find("testsuite")  # noqa: S314 - our own document
    assert suite is not None
    assert suite.attrib["failures"] == "0"
    assert "Ticket 42." in html(changed)
    assert "Broken as expected: NE-ERR-001." in markdown(changed)
    assert causes(changed) == []


# -- the badge, causes, differences


def test_a_badge_says_how_it_stands(report: dict[str, Any]) -> None:
    assert badge(report)["message"] == "1 broken"
    assert badge(report)["color"] == "red"
    right = report | {
        "exit_code": 0,
        "counts": dict.fromkeys(report["counts"], 0),
        "musts": {"judged": 3, "in_scope": 3},
    }
    assert badge(right) | {"label": ""} == {
        "schemaVersion": 1,
        "label": "",
        "message": "3 of 3 MUSTs",
        "color": "brightgreen",
    }
    assert badge(right | {"exit_code": 3})["message"] == "not judged"
    picture = ET.fromstring(badge_svg(right))  # noqa: S314 - our own document
    assert picture.attrib["aria-label"].endswith(": 3 of 3 MUSTs")


def test_breaches_of_one_cause_are_told_together() -> None:
    def row(name: str, actual: str) -> dict[str, Any]:
        return {"id": name, "verdict": "fail", "expected": "", "reason": "", "breaches": [{"actual": actual}]}

    rows = [
        row("NE-A-001", 'errorcode 4, reply "No 7."'),
        row("NE-A-002", "no answer"),
        row("NE-A-003", 'errorcode 4, reply "No 8."'),
        row("NE-A-004", 'errorcode 5, reply "No 7."'),
    ]
    found = [[entry["id"] for entry in cause.requirements] for cause in causes({"requirements": rows})]
    assert found == [["NE-A-001", "NE-A-003"], ["NE-A-002"], ["NE-A-004"]]


OF_PROVIDER = {"provider", "provider_service", "service_key"}


def test_the_same_seed_gives_the_same_report_but_for_times_and_keys() -> None:
    reports = []
    with embedded_hub("unknown_service_is_empty") as told_of:
        # What falls due on a provider's link, and when, follows from no seed.
        of_client = {name: told for name, told in told_of.items() if name not in OF_PROVIDER}
        for seed in (5, 5, 6):
            selected = ("NE-REQ-00[3-8]", "NE-ERR-001")
            reports.append(run(Settings(profile="extended", select=selected, seed=seed, timeout=10.0, **of_client)))
    first, again, other = map(normalised, reports)
    assert first["counts"]["fail"] == 1
    assert [found_in(row) for row in first["requirements"]] == [found_in(row) for row in again["requirements"]]
    assert first != other


def found_in(row: dict[str, Any]) -> tuple[Any, ...]:
    """What was found of a requirement, without how often a slow machine had to be asked for it."""
    breaches = [
        (breach["case"], breach["expected"], breach["actual"], breach["reproduce"]) for breach in row["breaches"]
    ]
    return row["id"], row["verdict"], row["reason"], breaches


def test_a_difference_names_what_became_worse_last(report: dict[str, Any]) -> None:
    with MockHub(services={"First": "KEY"}, tls=False) as hub:
        before = run(Settings(hub.url, "First", profile="extended", select=SELECTED, seed=7, timeout=10.0))
    difference = compare(before, report)
    assert [change["id"] for change in difference["worse"]] == ["NE-ERR-001"]
    lines = list(told(difference))
    assert lines[-1].startswith("WORSE NE-ERR-001 MUST Failure is not zero: pass -> fail: errorcode 0")
    assert "url" in difference["settings"]
    assert compare(report, report) == {
        "settings": {},
        "worse": [],
        "found": [],
        "lost": [],
        "other": [],
        "broken_otherwise": [],
        "only_before": [],
        "only_after": [],
    }


def test_what_was_not_judged_before_did_not_become_worse_and_what_is_judged_no_more_is_said(
    report: dict[str, Any],
) -> None:
    unjudged = copy.deepcopy(report)
    for row in unjudged["requirements"]:
        row |= {"verdict": "skip", "reason": "needs more time", "breaches": []}
    found, lost = compare(unjudged, report), compare(report, unjudged)
    assert found["worse"] == lost["worse"] == []
    assert [change["id"] for change in found["found"]] == ["NE-ERR-001"]
    assert list(told(found))[-1].startswith("BROKEN, NOT JUDGED BEFORE NE-ERR-001 MUST")
    assert {change["id"] for change in lost["lost"]} >= {"NE-ERR-001"}
    assert all(line.endswith(": needs more time") for line in told(lost) if line.startswith("NOT JUDGED ANY MORE"))


def test_every_form_is_made_from_a_report_that_was_written_before(tmp_path: Path, report: dict[str, Any]) -> None:
    file = tmp_path / "r.json"
    file.write_text(json.dumps(report), encoding="utf-8")
    words = [word for form in FORMS for word in (f"--{form}", str(tmp_path / f"again.{form}"))]
    result = CliRunner().invoke(main, ["conformance", "report", str(file), *words])
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "again.json").read_text("utf-8")) == report
    assert all((tmp_path / f"again.{form}").stat().st_size > 100 for form in FORMS)
    printed = CliRunner().invoke(main, ["conformance", "report", str(file)]).output
    assert "NOT CONFORMING: 1 MUSTs are broken" in printed
    endpoint = CliRunner().invoke(main, ["conformance", "badge", str(file), "--endpoint"]).output
    assert json.loads(endpoint) == badge(report)
    same = CliRunner().invoke(main, ["conformance", "diff", str(file), str(file)])
    assert (same.exit_code, same.output) == (0, "no verdict changed\n")


# -- what was seen once


@pytest.fixture
def once(report: dict[str, Any]) -> dict[str, Any]:
    """The report, had its breach not shown again."""
    changed = copy.deepcopy(report)
    for entry in changed["requirements"]:
        if entry["verdict"] == "fail":
            entry |= {"verdict": "warn", "reason": "the breach did not show again when the check was repeated"}
            entry["breaches"][0]["flaky"] = True
    changed["counts"] |= {"fail": 0, "warn": 1}
    changed |= {"exit_code": 0, "conforms": True}
    return changed


def test_a_breach_that_was_seen_once_is_called_flaky_and_no_failure_in_every_form(
    once: dict[str, Any], report: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    suite = ET.fromstring(FORMS["junit"](once)).find("testsuite")  # noqa: S314 - our own document
    assert suite is not None
    (case,) = (case for case in suite if str(case.get("name")).startswith("NE-ERR-001"))
    assert [said.tag for said in case] == ["flakyFailure"]
    assert suite.attrib["failures"] == "0"
    (test,) = (test for test in ctrf(once)["results"]["tests"] if test["name"].startswith("NE-ERR-001"))
    assert (test["flaky"], test["status"]) == (True, "other")
    assert "### FLAKY NE-ERR-001 (MUST)" in markdown(once)
    page = html(once)
    assert "not seen again" in page
    assert "What is broken" not in page
    assert causes(once) == []
    Terminal().finish(once)
    printed = capsys.readouterr().out
    assert "FLAKY NE-ERR-001 MUST: Failure is not zero: seen once, not again: errorcode 0" in printed
    assert "WARN" not in printed
    difference = compare(once, report)
    assert difference["worse"][0]["before"] == "flaky"
    assert compare(report | {"requirements": passed(report)}, once)["worse"] == []


def passed(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows, had all passed."""
    return [entry | {"verdict": "pass", "breaches": []} for entry in report["requirements"]]


# -- the terminal


def test_what_is_broken_by_one_cause_is_told_once_and_the_verdict_comes_last(
    report: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    changed = copy.deepcopy(report)
    broken = next(entry for entry in changed["requirements"] if entry["verdict"] == "fail")
    like_it = [broken | {"id": f"NE-ERR-9{number:02}", "title": f"Row {number}"} for number in range(30)]
    other = copy.deepcopy(broken) | {"id": "NE-ERR-999", "title": "Another"}
    other["breaches"][0]["actual"] = "no answer"
    changed["requirements"] += [*like_it, other]
    changed["counts"]["fail"] = 32
    Terminal().finish(changed)
    lines = capsys.readouterr().out.splitlines()
    assert sum("curl -sS" in line for line in lines) == 2
    places = [next(n for n, line in enumerate(lines) if name in line) for name in ("NE-ERR-999", "NE-ERR-001")]
    assert places == sorted(places)
    assert "  FAIL NE-ERR-929 MUST: Row 29" in lines
    assert lines[-2].startswith("NOT CONFORMING: 32 MUSTs are broken")


def test_nothing_that_a_hub_says_steers_a_terminal(report: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().finish(spoilt(report, "\x1b]0;Hello\x07 \x9b2J \u202e \ud800 \r bye"))
    printed = capsys.readouterr().out
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", printed)
    assert r"\x1b]0;Hello\x07" in printed
    assert r"\ud800" in printed


def test_expected_failures_are_told_in_one_line(report: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    changed = copy.deepcopy(report)
    for entry in changed["requirements"]:
        entry["expected"] = "Ticket 42." if entry["verdict"] == "fail" else ""
    Terminal().finish(changed | {"exit_code": 0})
    printed = capsys.readouterr().out
    assert [line for line in printed.splitlines() if "NE-ERR-001" in line] == ["broken as expected: NE-ERR-001"]


# -- a page of a hub that breaks everything


def scripted(number: int) -> str:
    return f"{BEGINS}\nimport socket\nprint('shared')\n\n\nhub.post({number})\nEOF"


def test_what_every_script_begins_with_stands_in_the_page_once_and_the_steps_at_each(report: dict[str, Any]) -> None:
    changed = copy.deepcopy(report)
    (broken,) = (entry for entry in changed["requirements"] if entry["verdict"] == "fail")
    broken["breaches"] = [copy.deepcopy(broken["breaches"][0]) | {"reproduce": scripted(n)} for n in range(3)]
    text = html(changed)
    assert text.count("import socket") == 1
    for number in range(3):
        lines = scripted(number)
        assert "\n".join(parts(lines) or ()) == lines
        assert f">hub.post({number})</pre>" in text
    targets = [value for value in Page(text).attributes("data-script") if value]
    assert targets == ["script-1"] * 3
    assert "script-1" in Page(text).attributes("id")


def test_a_page_stays_small_however_much_is_broken_and_says_what_it_leaves_out(report: dict[str, Any]) -> None:
    changed = copy.deepcopy(report)
    (broken,) = (entry for entry in changed["requirements"] if entry["verdict"] == "fail")
    step = {"at": 0.5, "leg": "client", "who": 1, "what": "post", "text": "<" * 300, "bytes": 300}
    breach = broken["breaches"][0] | {"timeline": [step] * 200, "reproduce": "<" * 5000}
    broken["breaches"] = [breach | {"case": f"case-{number}"} for number in range(30)]
    changed["requirements"] = [broken | {"id": f"NE-X-{number:03}"} for number in range(250)]
    text = html(changed)
    assert len(text) < 5_000_000
    assert "the JSON report has it" in text
    assert "Broken in 25 more cases" in text
    assert "60 steps, the 140 before them left out" in text


def test_a_page_and_a_summary_of_a_run_that_was_stopped_do_not_repeat_why_at_each_requirement(
    report: dict[str, Any],
) -> None:
    changed = copy.deepcopy(report) | {"stopped": "the hub is gone", "exit_code": 3}
    for entry in changed["requirements"]:
        entry |= {"verdict": "error", "reason": "not reached: the hub is gone", "breaches": []}
    opened = [found for tag, found in Page(html(changed)).tags if tag == "details" and "open" in found]
    assert opened == []
    assert markdown(changed).count("the hub is gone") == 1


def test_a_sentence_of_the_spec_shows_code_as_code_and_nothing_else_alive() -> None:
    assert prose("A `reply` & <b>`<i>`</b>") == ("A <code>reply</code> &amp; &lt;b&gt;<code>&lt;i&gt;</code>&lt;/b&gt;")
