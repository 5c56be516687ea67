"""Expected failures: they fail no run while they are met, and fail it when they are stale."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from conformance import Settings, run
from conformance.baseline import TO_BE_SAID, updated
from conformance.expected import Expectation, mark_expected, read_expected
from conformance.replay import compared
from mockserver import MockHub
from neuroengine.cli import main
from neuroengine.cli.conformance.embedded import embedded_hub

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

TODAY = date(2026, 11, 26)
YESTERDAY = date(2026, 11, 25)
BREACH = {"check": "test_errors::test_an_error", "case": "empty", "actual": 'errorcode 0, reply ""', "flaky": False}


def judged(verdict: str = "fail", *breaches: dict[str, Any]) -> dict[str, Any]:
    return {"id": "NE-ERR-001", "verdict": verdict, "breaches": list(breaches)}


def outcome(entry: Expectation, requirement: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    fate = mark_expected([requirement], [entry], TODAY)
    return requirement["expected"], fate


@pytest.mark.parametrize(
    "entry",
    [
        Expectation("NE-ERR-001", "known"),
        Expectation("NE-ERR-001", "known", case="test_errors::test_an_error"),
        Expectation("NE-ERR-001", "known", case="test_errors::test_an_error[empty]", message="errorcode 0"),
        Expectation("NE-ERR-001", "known", expires=TODAY),
    ],
)
def test_a_breach_that_an_entry_describes_is_expected(entry: Expectation) -> None:
    expected, fate = outcome(entry, judged("fail", BREACH))
    assert expected == "known"
    assert fate == {"met": 1, "stale": [], "unobserved": []}


@pytest.mark.parametrize(
    ("entry", "requirement", "why"),
    [
        (Expectation("NE-ERR-001", "known"), judged("pass"), "the requirement is kept now"),
        (Expectation("NE-ERR-001", "known", message="errorcode 9"), judged("fail", BREACH), "broken in another way"),
        (Expectation("NE-ERR-001", "known", case="test_errors::other"), judged("fail", BREACH), "in another way"),
        (
            Expectation("NE-ERR-001", "known", expires=date(2026, 11, 25)),
            judged("fail", BREACH),
            "expired on 2026-11-25",
        ),
    ],
)
def test_an_entry_that_describes_no_breach_is_stale_and_says_why(
    entry: Expectation, requirement: dict[str, Any], why: str
) -> None:
    expected, fate = outcome(entry, requirement)
    assert expected == ""
    (stale,) = fate["stale"]
    assert why in stale["why"]


@pytest.mark.parametrize("requirement", [judged("skip"), judged("error"), judged("pass") | {"id": "NE-ERR-002"}])
def test_an_entry_whose_requirement_was_not_judged_is_not_stale(requirement: dict[str, Any]) -> None:
    _, fate = outcome(Expectation("NE-ERR-001", "known"), requirement)
    assert fate == {"met": 0, "stale": [], "unobserved": [{"id": "NE-ERR-001", "case": ""}]}


def test_one_breach_that_nobody_expected_leaves_the_requirement_unexpected() -> None:
    entry = Expectation("NE-ERR-001", "known", case="test_errors::test_an_error[empty]")
    expected, fate = outcome(entry, judged("fail", BREACH, BREACH | {"case": "other"}))
    assert expected == ""
    assert fate["met"] == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("expected = [", "is no TOML"),
        ('[[expected]]\nid = "NE-ERR-001"\n', "'reason' is a required property"),
        ('[[expected]]\nid = "NE-ERR-999"\nreason = "x"\n', "there is no requirement NE-ERR-999"),
        ('[[expected]]\nid = "NE-ERR-001"\nreason = "x"\nexpires = "soon"\n', "'soon' is not a 'date'"),
        ('[[expected]]\nid = "NE-ERR-001"\nreason = "x"\nunknown = 1\n', "unknown"),
    ],
)
def test_a_wrong_file_gets_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "expected.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=sentence):
        read_expected(file)


def test_a_date_of_toml_and_a_date_as_text_are_the_same(tmp_path: Path) -> None:
    file = tmp_path / "expected.toml"
    entry = '[[expected]]\nid = "NE-ERR-001"\nreason = "x"\nexpires = '
    file.write_text(f'{entry}2026-12-31\n{entry}"2026-12-31"\n', encoding="utf-8")
    one, two = read_expected(file)
    assert one == two
    assert one.expires == date(2026, 12, 31)


# -- the baseline


REPORT = {
    "partial": [],
    "requirements": [judged("fail", BREACH), {"id": "NE-HTTP-001", "verdict": "pass", "breaches": []}],
}


def test_a_new_baseline_describes_each_breach(tmp_path: Path) -> None:
    file = tmp_path / "expected.toml"
    file.write_text(updated("", REPORT), encoding="utf-8")
    (entry,) = read_expected(file)
    assert entry == Expectation("NE-ERR-001", TO_BE_SAID, "test_errors::test_an_error[empty]", "errorcode 0, reply ")
    assert outcome(entry, judged("fail", BREACH))[1]["met"] == 1


def test_what_people_wrote_stays_and_what_is_mended_goes() -> None:
    before = """# Ours.
[[expected]]
id = "NE-ERR-001"  # ticket 42
reason = "We are at it."
expires = 2027-01-01

[[expected]]
id = "NE-HTTP-001"
reason = "Was broken once."

[[expected]]
id = "NE-FWD-001"
reason = "Not judged this time."
"""
    after = updated(before, REPORT)
    assert "# Ours." in after
    assert "# ticket 42" in after
    assert "We are at it." in after
    assert "NE-HTTP-001" not in after
    assert "NE-FWD-001" in after
    assert TO_BE_SAID not in after
    assert updated(after, REPORT) == after


def test_a_partial_report_makes_no_baseline() -> None:
    with pytest.raises(ValueError, match="of a partial run \\(only NE-ERR-001 was judged\\)"):
        updated("", REPORT | {"partial": ["only NE-ERR-001 was judged"]})


# -- by the command line, at a hub


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*words: str) -> Result:
    result = CliRunner().invoke(main, ["conformance", *words])
    assert "Traceback" not in result.output
    return result


def test_a_known_failure_fails_no_run_until_it_is_mended(folder: Path) -> None:
    folder.joinpath("known.toml").write_text('[[expected]]\nid = "NE-ERR-001"\nreason = "Ticket 42."\n', "utf-8")
    words = ("--service", "First", "--select", "NE-ERR-001", "--expected-failures", "known.toml", "--json", "r.json")
    with MockHub(services={"First": "KEY"}, tls=False, wrong="unknown_service_is_empty") as wrong:
        result = command("run", wrong.url, *words)
    assert result.exit_code == 0, result.output
    assert "broken as expected: NE-ERR-001" in result.output
    assert "NO NEW FAILURES: 1 MUSTs are broken as expected" in result.output
    report = json.loads(folder.joinpath("r.json").read_text("utf-8"))
    assert report["conforms"] is False
    assert report["requirements"][0]["expected"] == "Ticket 42."
    with MockHub(services={"First": "KEY"}, tls=False) as right:
        result = command("run", right.url, *words)
    assert result.exit_code == 1
    assert "STALE expected failure NE-ERR-001: the requirement is kept now" in result.output


def test_a_baseline_is_refused_for_a_part_of_the_rules(folder: Path) -> None:
    with MockHub(services={"First": "KEY"}, tls=False) as hub:
        report = run(Settings(hub.url, "First", select=("NE-HTTP-001",)))
    folder.joinpath("r.json").write_text(json.dumps(report), encoding="utf-8")
    result = command("baseline", "update", "r.json")
    assert result.exit_code == 2
    assert "of a partial run (only NE-HTTP-001 was judged)" in result.output
    assert not folder.joinpath("expected-failures.toml").exists()


def test_what_is_no_report_is_told_apart(folder: Path) -> None:
    folder.joinpath("r.json").write_text("{}", encoding="utf-8")
    assert "is no report of the form neuroengine-conformance-report/" in command("replay", "r.json").output
    assert "cannot be read" in command("replay", "nowhere.json").output


# -- replay


def endless(polls: int, came: str) -> dict[str, Any]:
    """A report of a hub whose streams never end."""
    actual = f"no end in {polls} polls, the last one: {came}"
    breach = {"check": "test_streams::test_a_stream_reaches_its_end", "case": "", "actual": actual, "flaky": False}
    return {"partial": [], "requirements": [{"id": "NE-STREAM-002", "verdict": "fail", "breaches": [breach]}]}


def test_a_breach_whose_account_differs_by_chance_alone_is_still_the_same() -> None:
    before, after = endless(814, 'errorcode 0, reply "wind"'), endless(79, 'errorcode 0, reply "sand"')
    cases = {"NE-STREAM-002": ["test_streams::test_a_stream_reaches_its_end"]}
    assert [line.partition(": ")[2] for line in compared(before, after, cases)] == ["still broken"]
    (line,) = compared(before, endless(814, 'errorcode 1, reply "wind"'), cases)
    assert ": broken in another way: no end in 814 polls, the last one: errorcode 1" in line


def test_an_entry_that_a_baseline_made_is_met_in_the_next_run(tmp_path: Path) -> None:
    file = tmp_path / "expected.toml"
    file.write_text(updated("", endless(814, 'errorcode 0, reply "wind"')), encoding="utf-8")
    (entry,) = read_expected(file)
    copied = Expectation(entry.id, entry.reason, message="no end in 814 polls, the last one: errorcode 0")
    for known in (entry, copied):
        after = endless(79, 'errorcode 0, reply "sand"')["requirements"]
        assert mark_expected(after, [known], TODAY)["met"] == 1
    other = endless(79, 'errorcode 1, reply "sand"')["requirements"]
    assert mark_expected(other, [copied], TODAY)["met"] == 0


@pytest.mark.usefixtures("folder")
def test_a_replay_judges_the_broken_cases_again_and_says_what_became_of_them() -> None:
    with MockHub(services={"First": "KEY"}, tls=False, wrong="unknown_service_is_empty") as wrong:
        command("run", wrong.url, "--service", "First", "--select", "NE-ERR-00?", "--json", "r.json")
        again = command("replay", "r.json")
    (line,) = (line for line in again.output.splitlines() if line.startswith("NE-ERR-001"))
    assert line.endswith(": still broken")
    assert again.exit_code == 1
    with MockHub(services={"First": "KEY"}, tls=False) as right:
        again = command("replay", "r.json", "NE-ERR-001", "--url", right.url)
    assert again.exit_code == 0, again.output
    (line,) = (line for line in again.output.splitlines() if line.startswith("NE-ERR-001"))
    assert line.endswith(": kept now")
    assert "nothing is broken that NE-HTTP-* names" in command("replay", "r.json", "NE-HTTP-*").output


def test_a_replay_at_another_hub_logs_in_at_none_and_needs_no_key_of_the_old_one(folder: Path) -> None:
    with embedded_hub("message_stripped") as told:
        report = run(Settings(select=("NE-FWD-001",), timeout=10.0, **told))
    folder.joinpath("r.json").write_text(json.dumps(report), encoding="utf-8")
    assert report["settings"]["provider"] != ""
    again = command("replay", "r.json")
    assert again.exit_code == 2
    assert "put the service's key into $NE_SERVICE_KEY" in again.stderr
    with MockHub(services={"First": "KEY"}, tls=False) as right:
        again = command("replay", "r.json", "--url", right.url, "--service", "First", "--json", "again.json")
    assert "logs in" not in again.output
    assert "NE-FWD-001" in again.output
    assert "not judged: needs provider access" in again.output
    settings = json.loads(folder.joinpath("again.json").read_text(encoding="utf-8"))["settings"]
    assert (settings["provider"], settings["access_service"]) == ("", "")


@pytest.mark.usefixtures("folder")
def test_a_replay_takes_a_case_by_the_name_that_the_report_shows() -> None:
    with MockHub(services={"First": "KEY"}, tls=False, wrong="unknown_service_is_empty") as wrong:
        command("run", wrong.url, "--service", "First", "--select", "NE-ERR-001", "--json", "r.json")
        again = command("replay", "r.json", "test_errors::test_an_unknown_service_is_no_success")
    assert again.exit_code == 1
    assert "still broken" in again.output


def test_a_baseline_that_is_written_twice_stays_as_it_is(folder: Path) -> None:
    with MockHub(services={"First": "KEY"}, tls=False, wrong="unknown_service_is_empty") as wrong:
        report = run(Settings(wrong.url, "First", select=("NE-ERR-001",), timeout=10.0))
    folder.joinpath("r.json").write_text(json.dumps(report | {"partial": []}), encoding="utf-8")
    assert command("baseline", "update", "r.json").exit_code == 0
    first = folder.joinpath("expected-failures.toml").read_text(encoding="utf-8")
    assert command("baseline", "update", "r.json").exit_code == 0
    assert folder.joinpath("expected-failures.toml").read_text(encoding="utf-8") == first
    assert first.count("[[expected]]") == 1
