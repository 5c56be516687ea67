"""The suite as a provider: what it calls malformed is so, links go from hand to hand clean, cases stand alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from conformance import Settings, run
from conformance.evidence import Violation
from conformance.exchange import are_equal
from conformance.judge import Judge
from conformance.provider import payloads
from conformance.reports.document import headline
from conformance.subject import Subject
from conformance.target import Target
from neuroengine.cli.conformance.embedded import embedded_hub

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def subject() -> Iterator[Subject]:
    with embedded_hub() as told:
        chosen = Settings(timeout=20.0, **told)
        target = Target(chosen)
        subject = Subject(chosen, target)
        subject.meet()
        yield subject
        subject.close()
        target.close()


@pytest.fixture
def judge(subject: Subject) -> Iterator[Judge]:
    subject.timeline.begin()
    judge = Judge(subject, "a test")
    yield judge
    judge.finish()


def is_an_answer(payload: bytes) -> bool:
    """Whether a reader that forgives much reads an answer."""
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError):
        return False
    code = content.get("errorcode", 0) if isinstance(content, dict) else None
    is_number = isinstance(code, int | float) and not isinstance(code, bool) and code == int(code)
    return isinstance(content, dict) and isinstance(content.get("reply"), str) and is_number


@pytest.mark.parametrize("payload", payloads.MALFORMED.values(), ids=payloads.MALFORMED)
def test_a_malformed_payload_is_no_answer_for_a_reader_that_forgives_much(payload: bytes) -> None:
    assert not is_an_answer(payload)


@given(payload=payloads.malformed_payloads())
@settings(max_examples=200)
def test_no_generated_malformed_payload_is_an_answer(payload: bytes) -> None:
    assert not is_an_answer(payload)


@pytest.mark.parametrize("size", [0, 40, 0xABC, 0xFFFFF])
def test_every_malformed_length_has_eight_bytes_and_is_no_length_or_too_large(size: int) -> None:
    limit = 4 * 1024 * 1024
    for kind, digits in payloads.malformed_sizes(size, limit):
        assert len(digits) in {0, payloads.SIZE_DIGITS}, kind
        is_read = all(each in b"0123456789abcdefABCDEF" for each in digits) and digits
        assert not is_read or int(digits, 16) > limit, kind


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("\ud800", "\ufffd"),
        ("a\udc00b", "a\ufffdb"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
    ],
)
def test_halves_that_stand_alone_are_replaced_one_by_one(broken: str, mended: str) -> None:
    assert payloads.without_lone_surrogates(broken) == mended


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        ([0], [False], False),
        ({"a": [1, None]}, {"a": [1.0, None]}, True),
        ({"a": 1}, {"a": 1, "b": 1}, False),
        ([1], [1, 2], False),
        ("1", 1, False),
    ],
)
def test_json_values_are_compared_by_what_they_mean(left: Any, right: Any, same: bool) -> None:
    assert are_equal(left, right) is same


def test_a_link_goes_from_check_to_check_while_it_is_at_rest(judge: Judge) -> None:
    with judge.provider() as first:
        assert judge.through(first, {"message": "one"}, {"reply": "1"}).exchange.reply == "1"
    with judge.provider() as second:
        assert second is first


def test_a_link_on_which_a_rule_was_broken_is_handed_to_nobody(judge: Judge) -> None:
    def broken() -> None:
        with judge.provider() as link:
            links.append(link)
            exchange = judge.through(link, {"message": "one"}, {"reply": "1"}).exchange
            judge.require(False, "another reply", exchange.describe(), exchange)  # noqa: FBT003 - a broken rule

    links: list[Any] = []
    with pytest.raises(Violation):
        broken()
    with judge.provider() as link:
        assert link is not links[0]
        assert judge.through(link, {"message": "two"}, {"reply": "2"}).exchange.reply == "2"


def test_a_link_that_was_closed_by_a_check_is_replaced_at_once(judge: Judge) -> None:
    for leave in ("close", "abort"):
        with judge.provider() as link:
            getattr(link, leave)()
        assert judge.post({"message": "and now?", "max_new_len": 4}, path=judge.provided).is_success


def test_no_check_inherits_the_end_of_the_wait_before_it(judge: Judge) -> None:
    for _ in range(100):
        judge.post({"message": "one", "max_new_len": 1}, path=judge.provided)
        with judge.provider() as link:
            call = judge.begin({"message": "two"})
            assert link.next_request() is not None
            link.answer({"reply": "2"})
            assert call.answer().reply == "2"


def test_a_case_is_shown_without_the_cases_before_it(judge: Judge) -> None:
    for number in judge.each([1, 2]):
        with judge.provider() as link:
            judge.through(link, {"message": f"number {number}"}, {"reply": "yes"})
    steps = judge.subject.timeline.steps
    assert [step.what for step in steps] == ["login", "post", "receive", "send", "answer"]
    assert b"number 2" in steps[1].data


def test_a_link_that_a_check_holds_all_along_is_shown_with_every_case(judge: Judge) -> None:
    with judge.provider() as link:
        for _ in judge.each([1, 2]):
            judge.through(link, {"message": "one"}, {"reply": "yes"})
        assert [step.what for step in judge.subject.timeline.steps].count("login") == 1


def test_the_leaving_of_a_client_is_a_step(judge: Judge) -> None:
    with judge.provider() as link:
        call = judge.begin({"message": "one"})
        link.request()
        call.leave()
        link.answer({"reply": "nobody reads it"})
    assert "leave" in [step.what for step in judge.subject.timeline.steps]


# -- a hub that lets no provider in


def judged(told: dict[str, Any], *select: str) -> dict[str, Any]:
    return run(Settings(seed=1, timeout=5.0, select=select, **told))


def test_a_run_that_was_to_log_in_and_never_could_is_no_pass() -> None:
    with embedded_hub() as told:
        report = judged(told | {"service_key": "WRONGKEY"}, "NE-HTTP-00[12]", "NE-LOGIN-003")
    verdicts = [row["verdict"] for row in report["requirements"]]
    assert verdicts == ["pass", "pass", "skip"]
    assert (report["exit_code"], report["conforms"]) == (3, False)
    assert "the login to 'Neuroengine-Home' was answered with" in headline(report)
    assert "$NE_SERVICE_KEY" in headline(report)


def test_a_hub_that_greets_in_its_own_way_is_blamed_for_that_though_nobody_is_let_in() -> None:
    with embedded_hub("welcomed_by_name") as told:
        report = judged(told, "NE-LOGIN-003")
    assert [row["verdict"] for row in report["requirements"]] == ["fail"]
    assert (report["exit_code"], report["stopped"]) == (1, "")
