"""How the suite comes to a verdict: what it believes, what it does not, and how it finds the smallest request."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from conformance import Settings, run
from conformance.evidence import Violation, not_judged, target_lost
from conformance.exchange import Exchange, Request
from conformance.explore import SHRINKING_S, explore
from conformance.selftest.another.hub import SERVICE, Ways, another_hub
from conformance.settings import polite, read_target
from conformance.strategies import generate_request, invalid_requests, unknown_members, valid_requests
from neuroengine import spec

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

ROOT = Path(__file__).parents[1]
SHOWN = (Exchange(Request("/A/", b"{}"), status=200),)


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    return {entry["id"]: entry["verdict"] for entry in report["requirements"]}


def test_a_breach_that_does_not_show_again_warns_and_is_marked() -> None:
    with another_hub(Ways(stumbles=3)) as url:
        report = run(Settings(url, SERVICE, select=("NE-REQ-003", "NE-REQ-006")))
    assert verdicts(report) == {"NE-REQ-003": "pass", "NE-REQ-006": "warn"}
    (entry,) = (entry for entry in report["requirements"] if entry["id"] == "NE-REQ-006")
    assert "did not show again" in entry["reason"]
    assert [breach["flaky"] for breach in entry["breaches"]] == [True]


def test_a_hub_that_stops_answering_plain_requests_is_blamed_for_that_alone() -> None:
    with another_hub(Ways(faints=True)) as url:
        report = run(Settings(url, SERVICE, select=("NE-BODY-00[78]", "NE-BODY-006", "NE-REQ-00[16]")))
    assert verdicts(report)["NE-BODY-006"] == "pass"
    assert verdicts(report)["NE-REQ-001"] == "skip"
    assert "fail" not in verdicts(report).values()


def test_a_fault_that_ends_the_service_is_found_by_the_row_about_it() -> None:
    with another_hub(Ways(faints=True)) as url:
        report = run(Settings(url, SERVICE, select=("NE-BODY-008",)))
    assert verdicts(report) == {"NE-BODY-008": "warn"}


@pytest.mark.parametrize("code", [2, 3, 4, 5, 6, 11, 14, 18])
def test_a_refusal_counts_only_beside_a_twin_that_succeeds(code: int) -> None:
    refusals = (
        "NE-CODE-*",
        "NE-BODY-01[0-6]",
        "NE-BODY-018",
        "NE-REQ-004",
        "NE-REQ-03[7-9]",
        "NE-REQ-04*",
        "NE-REQ-050",
    )
    with another_hub(Ways(picky=True, code=code)) as url:
        report = run(Settings(url, SERVICE, profile="extended", select=(*refusals, "NE-REQ-001"), timeout=1.0))
    passed = [requirement for requirement, verdict in verdicts(report).items() if verdict == "pass"]
    assert passed == ["NE-REQ-001"]


def smallest(strategy: SearchStrategy[Any], is_wrong: Any, *, examples: int = 200) -> Any:
    """The example that is left of all that break the rule."""
    last: list[Any] = []

    def check(example: Any) -> None:
        if is_wrong(example):
            last.append(example)
            raise Violation("less", str(example), SHOWN)

    with pytest.raises(Violation) as caught:
        explore(strategy, check, "seed", examples)
    assert caught.value.actual == str(last[-1])
    return last[-1]


def test_exploring_ends_with_the_smallest_example_that_breaks_the_rule() -> None:
    assert smallest(st.integers(0, 10_000), lambda number: number >= 57) == 57
    fields = st.fixed_dictionaries({}, optional={"a": st.integers(), "b": st.text(), "c": st.booleans()})
    assert smallest(fields, lambda made: "b" in made) == {"b": ""}


def test_exploring_marks_a_breach_that_the_smallest_example_does_not_show_again() -> None:
    seen: list[int] = []

    def check(number: int) -> None:
        seen.append(number)
        if len(seen) == 3:
            raise Violation("less", str(number), SHOWN)

    with pytest.raises(Violation) as caught:
        explore(st.integers(), check, "seed", 20)
    assert caught.value.is_flaky


def test_exploring_bounds_the_requests_that_a_breach_costs() -> None:
    calls: list[Any] = []

    def check(text: str) -> None:
        calls.append(text)
        if len(text) >= 40:
            raise Violation("a short text", text, SHOWN)

    with pytest.raises(Violation):
        explore(st.text(min_size=40, max_size=400), check, "seed", 50)
    assert len(calls) < 250


@pytest.mark.parametrize("seconds", [0.0, 1.0], ids=["quick", "slow"])
def test_exploring_bounds_the_time_that_a_breach_costs(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    now, broken = 0.0, []
    monkeypatch.setattr("conformance.explore.monotonic", lambda: now)

    def check(number: int) -> None:
        nonlocal now
        now += seconds
        if number > 100:
            broken.append(number)
            raise Violation("a number up to 100", str(number), ())

    with pytest.raises(Violation) as caught:
        explore(st.integers(0, 10**6), check, "1", 50)
    assert caught.value.actual == str(min(broken))
    assert (min(broken) == 101) == (seconds == 0)
    if seconds:
        assert len(set(broken)) <= SHRINKING_S / seconds + 2


def test_what_cannot_be_judged_and_a_lost_hub_end_exploring_soon() -> None:
    calls: list[int] = []

    def skipping(number: int) -> None:
        calls.append(number)
        not_judged("no model")

    def losing(number: int) -> None:
        calls.append(number)
        target_lost("no hub")

    with pytest.raises(pytest.skip.Exception, match="no model"):
        explore(st.integers(), skipping, "seed", 20)
    with pytest.raises(pytest.exit.Exception, match="no hub"):
        explore(st.integers(), losing, "seed", 20)
    assert len(calls) <= 4


def test_generated_requests_are_on_their_side_of_the_schema() -> None:
    schema = {"$ref": "#/$defs/GenerateRequest", "$defs": spec.schema("client")["$defs"]}
    validator = Draft202012Validator(schema)
    valid: list[Any] = []
    invalid: list[Any] = []
    explore(valid_requests(), valid.append, "seed", 60)
    explore(invalid_requests(), invalid.append, "seed", 60)
    assert len(valid) > 20
    assert len(invalid) > 20
    assert [made for made in valid if not validator.is_valid(made) or made["max_new_len"] > 8] == []
    assert [made for made in invalid if validator.is_valid(made)] == []


def test_unknown_members_have_no_name_that_the_protocol_knows() -> None:
    made: list[dict[str, Any]] = []
    explore(unknown_members(), made.append, "seed", 300)
    assert [members for members in made if members.keys() & {*generate_request()["properties"], "command"}] == []
    assert {type(value) for members in made for value in members.values()} >= {type(None), bool, int, str, list, dict}


@pytest.mark.parametrize(
    ("target", "service", "read"),
    [
        ("https://hub.example", "A", ("https://hub.example", "A")),
        ("hub.example:8443", "A", ("https://hub.example:8443", "A")),
        ("http://127.0.0.1:8080/", "A", ("http://127.0.0.1:8080", "A")),
        ("http://127.0.0.1:8080/A/", "", ("http://127.0.0.1:8080", "A")),
        ("https://hub.example/llm/A", "A", ("https://hub.example/llm", "A")),
        ("https://hub.example/llm", "A", ("https://hub.example/llm", "A")),
        ("http://[::1]:8080/A", "", ("http://[::1]:8080", "A")),
    ],
)
def test_a_target_is_read_as_it_is_meant(target: str, service: str, read: tuple[str, str]) -> None:
    assert read_target(target, service) == read


def test_a_hub_elsewhere_is_spared_and_one_on_this_machine_is_not() -> None:
    assert polite("https://hub.example", "core", None, None) == (2.0, 200)
    assert polite("http://127.0.0.1:1", "core", None, None) == (0.0, 0)
    assert polite("https://hub.example", "core", 5.0, 900) == (5.0, 900)
    assert polite("http://localhost:1", "smoke", None, None) == (0.0, 20)
    assert polite("https://hub.example", "smoke", None, 500) == (2.0, 20)


def test_the_suite_runs_as_a_plugin_of_pytest_too(tmp_path: Path) -> None:
    words = ["-p", "conformance.plugin", "--pyargs", "conformance.suite.test_http", "--import-mode=importlib"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "-p no:schemathesis"}
    with another_hub() as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words, f"--ne-target={url}", f"--ne-service={SERVICE}", "-q"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stdout
    assert "9 passed" in done.stdout
