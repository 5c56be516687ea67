"""How long a run will take is told once the hub was met, and a run that is too long begins with what binds."""

from __future__ import annotations

from typing import Any

import pytest

from conformance import Settings, catalogue, run
from conformance.outlook import Outlook, outlook
from conformance.subject import Subject
from mockserver import MockHub

ROWS = [row for row in catalogue().values() if row.role == "hub" and row.profile == "core"]


class Listening:
    """Remembers what it is told, in its order."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.judged: list[str] = []

    def begin(self, checks: object) -> None:
        """Nothing yet."""

    def expect(self, told: str) -> None:
        self.told.append(told)

    def note(self, record: dict[str, Any]) -> None:
        self.judged.append(record["requirement"])

    def end(self) -> None:
        """Nothing more."""


def test_a_run_of_core_from_one_end_is_rated_at_about_what_it_takes() -> None:
    found = outlook(Settings("http://127.0.0.1:1", "First"), ROWS, 2.0)
    assert 1200 < found.requests < 3000
    assert found.is_too_long


def test_a_run_that_takes_too_long_is_told_with_what_to_choose() -> None:
    told = str(Outlook(2000, 2.0, 1800.0))
    assert told.startswith("about 67 minutes at this speed: 2000 requests, 2.0 s for each")
    for choice in ("--profile smoke takes about 40 s", "--level must", "--max-time 4000"):
        assert choice in told
    assert "--profile smoke" not in str(Outlook(2000, 0.5, 1800.0))
    assert str(Outlook(2000, 0.01, 1800.0)) == ""


def test_a_run_with_a_budget_and_a_rate_is_rated_by_them() -> None:
    found = outlook(Settings("http://127.0.0.1:1", "First", max_requests=200, rate=2.0), ROWS, 0.01)
    assert (found.requests, found.seconds) == (200, 100.0)


@pytest.mark.parametrize("answer_s", [0.01, 1000.0])
def test_a_run_that_is_too_long_judges_what_binds_first(monkeypatch: pytest.MonkeyPatch, answer_s: float) -> None:
    monkeypatch.setattr(Subject, "_measured", lambda *_: answer_s)
    progress = Listening()
    with MockHub(services={"First": "KEY"}, tls=False) as hub:
        run(Settings(hub.url, "First", select=("NE-HTTP-*", "NE-MODELS-*")), progress)
    levels = [catalogue()[found].level == "MUST" for found in progress.judged]
    is_long = answer_s > 1
    assert bool(progress.told) == is_long
    assert (levels == sorted(levels, reverse=True)) == is_long
