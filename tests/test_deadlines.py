"""Nothing keeps the suite for ever: each check has a deadline, and so has the whole run."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from patience import DEADLINE_S

from conformance import Settings, run
from conformance.deadline import ends_within
from conformance.evidence import NotJudged, TargetLost, Violation, target_lost
from conformance.judge import Judge
from mockserver import MockHub
from neuroengine.cli.conformance.run import run as run_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HANGING = "NE-HTTP-001"
SELECTED = (HANGING, "NE-MODELS-001")
"""One row whose check is made to hang, and one whose check sends nothing by the same way."""


def waits_for_nobody(*_: Any, **__: Any) -> None:
    threading.Event().wait()


def asks_for_ever(judge: Judge, *_: Any, **__: Any) -> None:
    while True:
        judge.subject.ask_plainly()


@pytest.fixture(scope="module")
def hub() -> Iterator[MockHub]:
    with MockHub(services={"First": "KEY1"}, tls=False) as hub:
        yield hub


def judged(hub: MockHub, **times: Any) -> dict[str, Any]:
    return run(Settings(hub.url, "First", select=SELECTED, **times))


def reasons(report: dict[str, Any]) -> dict[str, str]:
    return {entry["id"]: entry["reason"] for entry in report["requirements"] if entry["verdict"] == "skip"}


@pytest.mark.parametrize("hang", [waits_for_nobody, asks_for_ever])
def test_a_check_that_hangs_is_not_judged_and_the_run_goes_on(
    hub: MockHub, monkeypatch: pytest.MonkeyPatch, hang: Any
) -> None:
    monkeypatch.setattr(Judge, "accepts", hang)
    report = judged(hub, case_time=1.0)
    assert reasons(report) == {HANGING: "the check was not through within 1 s (--case-time)"}
    assert report["counts"]["pass"] == 1
    assert report["exit_code"] == 0


@pytest.mark.parametrize("hang", [waits_for_nobody, asks_for_ever])
def test_a_run_ends_when_its_time_is_over(hub: MockHub, monkeypatch: pytest.MonkeyPatch, hang: Any) -> None:
    monkeypatch.setattr(Judge, "accepts", hang)
    report = judged(hub, max_time=1.0)
    assert set(reasons(report)) == set(SELECTED)
    assert all("its time of 1 s is over (--max-time)" in reason for reason in reasons(report).values())
    assert report["partial"][-1] == "the run's bounds did not suffice"


def makes_another_error_of_it(wait: Callable[[], None]) -> None:
    """As what reads a function's source does, where the alarm comes while it reads."""
    try:
        wait()
    except BaseException as error:
        raise SyntaxError("the source could not be read") from error


def swallows_it(wait: Callable[[], None]) -> None:
    with suppress(BaseException):
        wait()


def swallows_it_and_blames_the_hub(wait: Callable[[], None]) -> None:
    swallows_it(wait)
    raise Violation("a success", "half of what was to come", ())


@pytest.mark.parametrize("mishandle", [makes_another_error_of_it, swallows_it, swallows_it_and_blames_the_hub])
def test_an_alarm_is_heard_whatever_becomes_of_it_inside(mishandle: Callable[[Callable[[], None]], None]) -> None:
    with pytest.raises(NotJudged, match="it took too long"), ends_within(0.1, "it took too long"):
        mishandle(waits_for_nobody)


@pytest.mark.parametrize("error", [ValueError("wrong"), Violation("a success", "none", ()), NotJudged("no need")])
def test_what_ends_a_check_in_time_stays_what_it_is(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised, ends_within(60, "it took too long"):
        raise error
    assert raised.value is error


def test_a_hub_that_is_lost_ends_the_run_even_after_the_alarm() -> None:
    def loses_it() -> None:
        swallows_it(waits_for_nobody)
        target_lost("nobody is there")

    with pytest.raises(TargetLost, match="nobody is there"), ends_within(0.1, "it took too long"):
        loses_it()


def test_a_run_ends_by_its_time_whatever_becomes_of_the_alarm(hub: MockHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Judge, "accepts", lambda *_, **__: makes_another_error_of_it(waits_for_nobody))
    report = judged(hub, max_time=1.0)
    assert report["counts"]["error"] == 0
    assert all("its time of 1 s is over (--max-time)" in reason for reason in reasons(report).values())


def test_a_check_outside_the_main_thread_ends_with_its_next_request(
    hub: MockHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Judge, "accepts", asks_for_ever)
    with ThreadPoolExecutor(1) as threads:
        report = threads.submit(judged, hub, case_time=1.0).result(60)
    assert reasons(report) == {HANGING: "the check was not through within 1 s (--case-time)"}


def test_an_alarm_that_was_set_before_comes_all_the_same() -> None:
    came = threading.Event()
    before = signal.signal(signal.SIGALRM, lambda *_: came.set())
    kept = signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with ends_within(60, "it took too long"):
            assert not came.is_set()
        assert came.wait(DEADLINE_S)
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *kept)


def test_the_command_offers_the_times_of_the_settings() -> None:
    defaults = {option.name: option.default for option in run_command.params}
    settings = Settings("http://127.0.0.1:1", "First")
    for name in ("timeout", "max_wait", "case_time", "max_time"):
        assert defaults[name] == getattr(settings, name)
