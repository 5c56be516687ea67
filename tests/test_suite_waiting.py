"""How the suite judges a first byte that comes too late: in one run, unless the hub is slow in all that it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance import Settings
from conformance.evidence import Violation
from conformance.judge import Judge
from conformance.subject import Subject
from conformance.suite import test_waiting as checks
from conformance.target import Target
from neuroengine.cli.conformance.embedded import embedded_hub

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[Judge]:
    """A judge of a hub that says nothing before its provider does, and who gives it little time."""
    monkeypatch.setattr(checks, "FIRST_BYTE_S", 0.01)
    with embedded_hub("first_byte_late") as told:
        settings = Settings(timeout=20.0, **told)
        target = Target(settings)
        subject = Subject(settings, target)
        subject.meet()
        judge = Judge(subject, "a test")
        yield judge
        judge.finish()
        subject.close()
        target.close()


def test_silence_while_other_requests_are_answered_needs_no_second_look(judge: Judge) -> None:
    with pytest.raises(Violation) as caught:
        checks.test_the_first_byte_comes_before_a_client_gives_up(judge)
    assert caught.value.is_final
    assert caught.value.exchanges[0].is_success, "the provider's answer came in the end"


def test_silence_of_a_hub_that_answers_nothing_now_is_not_judged(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.call.Call.is_over_within", lambda *_: False)
    with pytest.raises(pytest.skip.Exception, match="slow to answer anything"):
        checks.test_the_first_byte_comes_before_a_client_gives_up(judge)
