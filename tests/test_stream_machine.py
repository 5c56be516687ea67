"""What the stream machine says of whole hubs: which rule is broken, and the fewest steps that show it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from patience import DEADLINE_S

from conformance import Settings, run
from conformance.selftest.another.hub import SERVICE, Ways, another_hub
from neuroengine.cli.conformance.embedded import embedded_hub

CHECK = "test_stream_oracle::test_what_comes_can_have_been_delivered"
STEP = re.compile(r"^\d+\. (.*)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def time_to_shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the fewest steps are found later; how many are tried stays bounded."""
    monkeypatch.setattr("conformance.explore.SHRINKING_S", DEADLINE_S)


def judged(wrong: str | None, requirement: str, **more: Any) -> dict[str, Any]:
    with embedded_hub(wrong) as told:
        report = run(Settings(profile="extended", select=(requirement,), seed=1, timeout=5.0, **told | more))
    (entry,) = report["requirements"]
    return dict(entry)


def breach_of(entry: dict[str, Any]) -> dict[str, Any]:
    """What the machine found."""
    found = [breach for breach in entry["breaches"] if breach["check"] == CHECK]
    assert len(found) == 1
    assert not found[0]["flaky"]
    return dict(found[0])


@pytest.mark.parametrize(
    ("wrong", "requirement", "steps"),
    [
        (
            "end_takes_from_others",
            "NE-STREAM-001",
            ["poll . for 1: '[a-z]+'", "poll . until its end", "(poll . for 20: .*)+", "poll . for .*: .*"],
        ),
        ("racers_share", "NE-STREAM-023", [r"poll . for 1( and 1)+ at the same time: \['.*'\]"]),
        ("stream_keys_shared", "NE-STREAM-025", ["poll . for 1: '[a-z]+'", "poll . for 1: ' [a-z]+'"]),
        ("leaving_loses", "NE-STREAM-024", ["open . with a poll for 1, and leave .*", "poll . .*"]),
    ],
)
def test_a_breach_is_shown_with_the_fewest_steps(wrong: str, requirement: str, steps: list[str]) -> None:
    breach = breach_of(judged(wrong, requirement))
    shown = STEP.findall(breach["actual"])
    assert len(shown) <= 8
    assert re.match(steps[0], shown[0]), shown
    assert re.search("\n".join(steps), "\n".join(shown)), shown
    assert breach["reproduce"].startswith("python3 - <<'EOF'")


def test_a_breach_of_another_rule_is_left_to_its_own_run() -> None:
    entry = judged("racers_share", "NE-STREAM-001")
    assert entry["verdict"] == "pass"
    entry = judged("end_takes_from_others", "NE-STREAM-025")
    assert entry["verdict"] == "pass"


def test_without_a_provider_the_text_is_that_of_a_model_that_repeats_itself() -> None:
    breach = breach_of(judged("end_takes_from_others", "NE-STREAM-001", provider="", provider_service=""))
    assert "poll" in breach["actual"]
    assert not re.search(r"'[a-z]+a [a-z]+a", breach["actual"])


def test_a_model_of_chance_is_blamed_for_what_must_hold_for_any_text_alone() -> None:
    rules = ("NE-STREAM-002", "NE-STREAM-017")
    with another_hub(Ways(by_chance=True, forgets=True)) as url:
        report = run(Settings(url, SERVICE, select=rules, seed=1, timeout=10.0))
    entries = {entry["id"]: entry for entry in report["requirements"]}
    assert entries["NE-STREAM-002"]["verdict"] == "pass"
    assert entries["NE-STREAM-017"]["verdict"] == "warn"
    assert "the end again" in breach_of(entries["NE-STREAM-017"])["expected"]


def test_a_hub_that_is_to_be_spared_is_not_sent_the_machine() -> None:
    with another_hub() as url:
        report = run(Settings(url, SERVICE, select=("NE-STREAM-002",), max_requests=100))
    (entry,) = report["requirements"]
    assert entry["verdict"] == "pass"
    assert entry["checks"]["emitted"] == ["test_streams::test_a_stream_reaches_its_end"]
