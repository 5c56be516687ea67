"""Mutants of the mock hub's state: which are drawn, what a verdict means, and that the page tells what was found."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from doc_blocks import DOCS

from benchmarks.mutants import Mutant, changed_lines, draw, is_wording, kept, reasons, table, unexplained, verdict_on

PAGE = DOCS / "reference" / "kill-matrix.md"


def mutants(module: str, amount: int, change: str = "- a\n+ b") -> list[Mutant]:
    return [Mutant(f"{module}.f#{number}", f"{module}.x_f__mutmut_{number}", change, "0") for number in range(amount)]


def report(verdict: str, exit_code: int = 0) -> dict[str, Any]:
    row = {"id": "NE-HTTP-001", "verdict": verdict}
    return {"requirements": [row], "exit_code": exit_code, "stopped": ""}


def test_as_many_are_drawn_of_one_module_as_of_another_and_always_the_same() -> None:
    modules = [mutants("one", 20), mutants("two", 20), mutants("three", 1)]
    drawn = draw(modules, 9)
    assert Counter(mutant.name.split(".")[0] for mutant in drawn) == {"one": 4, "two": 4, "three": 1}
    assert draw(modules, 9) == drawn == draw(modules, 0)[:9]
    assert len(draw(modules, 0)) == 41


def test_what_was_judged_before_is_drawn_first_so_that_a_changed_module_is_drawn_anew_alone() -> None:
    modules = [mutants("one", 20), mutants("two", 20)]
    known = {mutant.name for mutant in draw([mutants("other", 7), *modules], 12) if not mutant.name.startswith("other")}
    assert {mutant.name for mutant in draw(modules, 8, known)} == known


def test_what_words_a_sentence_otherwise_is_not_drawn() -> None:
    modules = [mutants("one", 2, '- raise BadJson("it is wrong")\n+ raise BadJson("IT IS WRONG")')]
    assert draw(modules, 2) == []


@pytest.mark.parametrize(
    ("change", "is_free"),
    [
        ('- say(1, "a sentence")\n+ say(1, "XXa sentenceXX")', True),
        ('- say(1, "a sentence")\n+ say(2, "a sentence")', False),
        ('- say(1, "a sentence")\n+ say(1, None)', False),
        ('- told["word"]\n+ told["WORD"]', False),
        ("- a\n- b\n+ a", False),
    ],
)
def test_a_sentence_is_what_stands_in_quotes_and_holds_a_blank(change: str, *, is_free: bool) -> None:
    assert is_wording(change) is is_free


def test_a_change_is_the_lines_that_differ() -> None:
    assert changed_lines(["def f():", "    return a < b"], ["def f():", "    return a <= b"]) == (
        "- return a < b\n+ return a <= b"
    )


@pytest.mark.parametrize(
    ("said", "exit_code", "verdict", "found_by", "unjudged"),
    [
        ("pass", 0, "survived", [], []),
        ("skip", 0, "survived", [], ["NE-HTTP-001"]),
        ("warn", 0, "found", ["NE-HTTP-001"], []),
        ("fail", 1, "found", ["NE-HTTP-001"], []),
        ("skip", 3, "unjudged", [], ["NE-HTTP-001"]),
    ],
)
def test_a_mutant_is_found_by_a_broken_rule_and_noticed_where_nothing_could_be_judged(
    said: str, exit_code: int, verdict: str, found_by: list[str], unjudged: list[str]
) -> None:
    found = verdict_on(report(said, exit_code))
    assert (found["verdict"], found["found_by"], found["unjudged"]) == (verdict, found_by, unjudged)


def test_every_survivor_has_a_reason_and_every_reason_a_survivor() -> None:
    why = reasons()
    survivors = {entry["name"] for entry in kept() if entry["verdict"] == "survived"}
    assert unexplained(kept(), why) == []
    assert set(why) == survivors


def test_the_page_shows_what_became_of_the_mutants() -> None:
    assert "\n".join(table(kept(), reasons())) in PAGE.read_text(encoding="utf-8")
