"""A strict hub, and why a rule did not match."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hub_bench import KEY, SERVICE, code, content, poll, reply
from rule_bench import RuleBench

from mockserver import ServiceSettings
from mockserver.rules import ABSENT, PRESENT, Between, Contains, OneOf

UNMATCHED = 404


def sentence(bench: RuleBench, message: str = "hi", **fields: object) -> str:
    shown = content(bench.ask(message, **fields))
    assert shown.keys() == {"reply", "errorcode"}, "its code is none of the registry's, so it has no name there"
    assert shown["errorcode"] == UNMATCHED
    return str(shown["reply"])


def test_a_strict_hub_without_rules_says_so() -> None:
    said = sentence(RuleBench(strict=True))
    assert said == "No rule of the mock hub matches this request. There are no rules."


def test_a_strict_hub_says_which_rule_came_nearest_and_what_did_not_match() -> None:
    bench = RuleBench(strict=True)
    bench.on("Hello", temperature=0, name="greeting").reply("x")
    bench.on("Something else", temperature=0, seed=7).reply("x")
    assert sentence(bench, "Helo") == (
        'No rule of the mock hub matches this request. The nearest is greeting (message = "Hello", temperature = 0): '
        'message: wanted "Hello", got "Helo"; temperature: wanted 0, got 1.0 (the default: it was not sent).'
    )


def test_the_nearest_text_of_many_is_named() -> None:
    bench = RuleBench(strict=True)
    for word in ("apple", "banana", "cherry", "grape"):
        bench.on(f"Tell me about the {word}", name=word).reply("x")
    assert "The nearest is cherry " in sentence(bench, "Tell me about the chery")


def test_a_like_prompt_counts_more_than_another_field() -> None:
    bench = RuleBench(strict=True)
    bench.on("Hello", temperature=0, name="greeting").reply("x")
    bench.on("story", name="story").reply("x")
    assert "The nearest is greeting " in sentence(bench, "Helo")


@pytest.mark.parametrize(
    ("criteria", "words"),
    [
        ({"message": re.compile("^a+$")}, 'message: wanted text matching /^a+$/, got "hi"'),
        ({"message": Contains("a")}, 'message: wanted text containing "a", got "hi"'),
        ({"message": OneOf("a", 5)}, 'message: wanted one of "a", 5, got "hi"'),
        ({"message": str.isupper}, 'message: wanted a value that isupper accepts, got "hi"'),
        ({"top_p": Between(0.95)}, "top_p: wanted a number from 0.95, got 0.9 (the default: it was not sent)"),
        ({"top_p": Between(0, 0.5)}, "top_p: wanted a number from 0 to 0.5, got 0.9"),
        ({"mood": PRESENT}, "mood: wanted to be sent, got nothing"),
        ({"message": ABSENT}, 'message: wanted not to be sent, got "hi"'),
        ({"mood": "fine"}, 'mood: wanted "fine", got nothing'),
        ({"stream": True}, "stream: wanted true, got false"),
        ({"service": "Other"}, f'service: wanted "Other", got "{SERVICE}"'),
        ({"call": 3}, "call: wanted 3, got 1"),
        ({"poll": 2}, "poll: wanted 2, got 0"),
        ({"where": lambda request: "x" in request}, "where: wanted a value that <lambda> accepts, got "),
        ({"command": "getmodels"}, 'command: wanted "getmodels", got nothing'),
    ],
)
def test_every_kind_of_criterion_is_explained(criteria: dict[str, Any], words: str) -> None:
    bench = RuleBench(strict=True)
    bench.on(**criteria)
    assert words in sentence(bench)


def test_a_rule_that_is_used_up_is_the_nearest_of_all() -> None:
    bench = RuleBench(strict=True)
    bench.on("hi", name="spent").reply("x").times(2)
    bench.on("ho").reply("x")
    assert [reply(bench.ask()), reply(bench.ask())] == ["x", "x"]
    assert 'The nearest is spent (message = "hi"): it matches, but is used up: 2 of 2 calls.' in sentence(bench)


def test_a_stream_key_is_not_told() -> None:
    bench = RuleBench(strict=True)
    bench.on(key="their-secret-key").reply("x")
    asked = poll(bench, key="my-secret-key")
    assert code(asked) == UNMATCHED
    said = content(asked)["reply"]
    assert "secret" not in said
    assert len(re.findall(r'"sha256:[0-9a-f]{8}"', said)) == 3
    (rule,) = bench.rules
    misses = bench.rules.near_misses({"message": "hi", "key": "my-secret-key"})
    for text in (repr(rule), repr(rule.rule), repr(rule.rule.criteria), repr(misses)):
        assert "sha256:" in text
        assert "secret" not in text


def test_a_matching_rule_without_an_answer_leaves_it_to_the_hub() -> None:
    bench = RuleBench(strict=True)
    bench.on("hi")
    assert reply(bench.ask("hi", max_new_len=0)) == ""
    assert sentence(bench, "ho")


def test_strictness_is_about_generations_that_the_hub_would_accept() -> None:
    bench = RuleBench(ServiceSettings(SERVICE, KEY, access_keys=("ACCESS",)), strict=True)
    assert code(bench.ask()) == 10
    assert code(bench.post({"no": "message"}, "/Nobody")) == 6
    assert bench.entry()["numreq"] == 0


def test_a_hub_that_is_not_strict_answers_by_itself() -> None:
    bench = RuleBench()
    bench.on("ho").reply("x")
    assert code(bench.ask("hi", max_new_len=3)) == 0
    bench.rules.strict = True
    assert code(bench.ask("hi", max_new_len=3)) == UNMATCHED


# -- from Python


def test_near_misses_are_told_from_python_nearest_first_and_without_the_rules_that_match() -> None:
    bench = RuleBench()
    bench.on("Hello", temperature=0, name="far").reply("x")
    bench.on("Helo", name="near").reply("x")
    bench.on(re.compile("Hell"), name="matching").reply("x")
    misses = bench.rules.near_misses({"message": "Hell"}, service=SERVICE)
    assert [miss.rule.name for miss in misses] == ["near", "far"]
    assert [mismatch.field for mismatch in misses[1].mismatches] == ["message", "temperature"]
    assert misses[0].distance < misses[1].distance
    assert str(misses[0]) == 'near (message = "Helo"): message: wanted "Helo", got "Hell"'
    assert bench.rules.named("near").calls == 0


def test_a_call_that_is_to_come_has_the_next_number() -> None:
    bench = RuleBench()
    bench.on(call=2, name="second").reply("x")
    (miss,) = bench.rules.near_misses({"message": "hi"})
    assert str(miss) == "second (call = 2): call: wanted 2, got 1"
    bench.ask(max_new_len=0)
    assert bench.rules.near_misses({"message": "hi"}) == []


def test_a_criterion_that_is_misspelt_is_told_what_was_meant() -> None:
    bench = RuleBench(strict=True)
    for name in ("mesage_", "temperatur_", "servic_", "mood", "commando"):
        bench.on(**{name: "x"}).reply("y")
    said = [str(miss).rpartition("got ")[2] for miss in bench.rules.near_misses({"message": "x"})]
    assert sorted(said) == [
        "nothing",
        "nothing (was command meant?)",
        "nothing (was message meant?)",
        "nothing (was service meant?)",
        "nothing (was temperature meant?)",
    ]
    assert str(bench.rules.near_misses({"message": "x", "mesage_": "y"})).count('got "y"') == 1


def test_a_command_misses_rules_for_generations() -> None:
    bench = RuleBench()
    bench.on("hi").reply("x")
    (miss,) = bench.rules.near_misses({"command": "getmodels"})
    assert 'command: wanted not to be sent, got "getmodels"' in str(miss)
