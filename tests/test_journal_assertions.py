"""The journal's assertions: when they hold, and what they say when they do not."""

from __future__ import annotations

from typing import Any

import pytest
from hub_bench import SERVICE, poll
from rule_bench import RuleBench

from mockserver.rules import ABSENT


def asked(*messages: str, **fields: object) -> RuleBench:
    """A bench that was asked these messages, each answered with `ok`."""
    bench = RuleBench()
    bench.on(name="all").reply("ok")
    for message in messages:
        bench.ask(message, **fields)
    return bench


def failure(assertion: Any, *arguments: Any, **wanted: Any) -> str:
    with pytest.raises(AssertionError) as failed:
        assertion(*arguments, **wanted)
    return str(failed.value)


def test_an_assertion_that_holds_returns_what_it_found() -> None:
    journal = asked("a", "b", "a").journal
    assert [entry.number for entry in journal.assert_called("a")] == [1, 3]
    assert [entry.number for entry in journal.assert_called("a", times=2, service=SERVICE, code=0)] == [1, 3]
    journal.assert_not_called("c")
    assert [entry.number for entry in journal.assert_order(["a", {"message": "a", "code": "ok"}])] == [1, 3]
    assert journal.assert_order([]) == []
    RuleBench().journal.assert_not_called()


def test_a_stream_counts_once_where_beginnings_are_counted() -> None:
    bench = RuleBench()
    bench.on().reply("a b c")
    bench.stream("hi")
    assert len(bench.journal.assert_called("hi")) == 4
    bench.journal.assert_called("hi", times=1, begins=True)


def test_every_terminal_can_print_what_is_said_of_lone_surrogates() -> None:
    bench = RuleBench()
    odd = bench.on("odd\udfff")
    bench.on("go").reply("\ud800")
    bench.ask("go")
    said = [str(bench.journal.last), odd.label, failure(bench.journal.assert_called, "go\udbff")]
    said += [str(miss) for miss in bench.rules.near_misses({"message": "x\ud801"})]
    for text in said:
        assert "\\ud" in text
        text.encode("utf-8")


def test_a_call_that_did_not_come_shows_the_nearest_with_a_diff() -> None:
    journal = asked("Hello there", "Something", temperature=0.5).journal
    assert failure(journal.assert_called, "Hello, there", temperature=0).splitlines() == [
        'wanted at least 1 exchange: message = "Hello, there", temperature = 0; 0 of the 2 in the journal are so.',
        "Nearest of the others:",
        f'  #1 {SERVICE} "Hello there" -> 0 "ok" [rule all]',
        '      message: wanted "Hello, there", got "Hello there"',
        "        - Hello, there",
        "        ?      -",
        "        + Hello there",
        "      temperature: wanted 0, got 0.5",
        f'  #2 {SERVICE} "Something" -> 0 "ok" [rule all]',
        '      message: wanted "Hello, there", got "Something"',
        "        - Hello, there",
        "        + Something",
        "      temperature: wanted 0, got 0.5",
    ]


def test_a_wrong_number_of_calls_shows_those_that_came() -> None:
    journal = asked("a", "b", "a").journal
    said = failure(journal.assert_called, "a", times=1)
    assert said.startswith('wanted exactly 1: message = "a"; 2 of the 3 in the journal are so.\nSo are:\n')
    assert f'  #1 {SERVICE} "a" -> 0 "ok"' in said
    assert f'  #3 {SERVICE} "a" -> 0 "ok"' in said
    assert failure(journal.assert_called, "b", times=2).startswith(
        'wanted exactly 2: message = "b"; 1 of the 3 in the journal is so.'
    )


def test_a_call_that_should_not_have_come_is_shown() -> None:
    journal = asked("a", "b").journal
    said = failure(journal.assert_not_called, "b")
    assert f'wanted exactly 0: message = "b"; 1 of the 2 in the journal is so.\nSo are:\n  #2 {SERVICE} "b"' in said
    assert failure(journal.assert_not_called).startswith("wanted exactly 0: any request; 2 of the 2")


def test_an_empty_journal_says_so() -> None:
    assert failure(RuleBench().journal.assert_called, "a") == (
        'wanted at least 1 exchange: message = "a"; the journal is empty.'
    )


def test_only_the_nearest_are_shown() -> None:
    journal = asked(*(f"message {number}" for number in range(9)), "Hello there").journal
    said = failure(journal.assert_called, "Hello there!")
    assert said.index('"Hello there" ->') < said.index('"message')
    assert said.count("wanted") == 6
    assert said.endswith("  and 5 more")


def test_outcomes_that_differ_are_explained() -> None:
    bench = RuleBench(strict=True)
    bench.ask("a")
    said = failure(
        bench.journal.assert_called,
        "a",
        code="queue_full",
        reply="x",
        rule="mine",
        fault="reset",
        seed=ABSENT,
        where=lambda entry: entry.left,
    )
    assert "code: wanted 8, got 404" in said
    assert 'reply: wanted "x", got "No rule of the mock hub' in said
    assert 'rule: wanted "mine", got ""' in said
    assert 'fault: wanted "reset", got null' in said
    assert "where: wanted a value that <lambda> accepts" in said
    assert "seed" not in said.partition("\n")[2]


def test_a_request_that_no_rule_matched_says_which_came_nearest() -> None:
    bench = RuleBench(strict=True)
    bench.on("Hello", name="greeting").reply("Hi")
    bench.ask("Helo")
    said = failure(bench.journal.assert_called, code=0)
    why = 'no rule matched. The nearest is greeting (message = "Hello"): message: wanted "Hello", got "Helo".'
    assert f"      {why}\n      code: wanted 0, got 404" in said
    assert why in failure(bench.journal.assert_not_called)


def test_a_diff_of_several_lines_shows_each() -> None:
    journal = asked("one\ntwo\nthree").journal
    said = failure(journal.assert_called, "one\n2\nthree")
    assert "          one\n        - 2\n        + two\n          three" in said


# -- order


def test_an_order_that_is_broken_says_where() -> None:
    journal = asked("a", "b", "c").journal
    said = failure(journal.assert_order, ["b", "a"])
    assert said.splitlines() == [
        'wanted 2 exchanges in order, but number 2 did not come after #2: message = "a".',
        f'  1. message = "b": came as #2 {SERVICE} "b" -> 0 "ok" [rule all]',
        "It came earlier:",
        f'  #1 {SERVICE} "a" -> 0 "ok" [rule all]',
        "The journal:",
        *(f'  #{number} {SERVICE} "{message}" -> 0 "ok" [rule all]' for number, message in enumerate("abc", start=1)),
    ]


def test_an_order_with_a_call_that_never_came_shows_the_nearest() -> None:
    journal = asked("a", "beta").journal
    said = failure(journal.assert_order, ["a", {"message": "bet", "code": 0}])
    assert 'number 2 did not come after #1: message = "bet", code = 0.' in said
    assert 'message: wanted "bet", got "beta"' in said
    assert "did not come at all" in failure(RuleBench().journal.assert_order, ["a"])


def test_one_exchange_does_not_stand_for_two() -> None:
    journal = asked("a").journal
    assert "number 2 did not come after #1" in failure(journal.assert_order, ["a", "a"])


def test_polls_come_in_order() -> None:
    bench = RuleBench()
    bench.on().reply("a b")
    for _ in range(3):
        poll(bench)
    bench.journal.assert_order([{"poll": 1, "reply": "a"}, {"poll": 2, "reply": " b"}, {"poll": 3, "reply": ""}])
