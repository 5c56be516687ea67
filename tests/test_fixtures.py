"""Rules in files: read as the same rules that were written, and refused with a sentence that helps."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hub_bench import content, poll, reply
from rule_bench import RuleBench

from mockserver.rules import ABSENT, PRESENT, Between, Contains, Fail, Model, OneOf, Pause, Rule, Text
from mockserver.rules.fixtures import FixtureError, read_rules, rules_from, write_rules

if TYPE_CHECKING:
    from pathlib import Path

RULES = [
    Rule(),
    Rule("Hello", name="greeting", priority=3).reply("Hi"),
    Rule('quo"tes\\ and \n\t\x00\x7f lines, é 😀').reply('quo"tes\\ and \n\t\x00\x7f lines, é 😀', ""),
    Rule(re.compile("we.*r")).reply("Rain.").times(2).reply("Sun."),
    Rule(re.compile("^WE", re.IGNORECASE | re.MULTILINE)).reply("x").once(),
    Rule(Contains("a"), service=OneOf("First", "Second"), stream=True).pieces(["a", "b"]),
    Rule(service=re.compile("^F"), stream=False).pieces(["a", Pause(1.5), Fail("not_ready"), "b", Fail("queue_full")]),
    Rule(call=2).fail("quota_exceeded", retry_after=3).fail("invalid_field", field="seed", reply="No."),
    Rule(poll=Between(2, 4)).fail("not_ready"),
    Rule(poll=1).fault("reset").times(3),
    Rule(temperature=0, raw=True, gettokens="20", key=None, mood=None).reply("x"),
    Rule(seed=ABSENT, mood=PRESENT, top_p=Between(0.5), min_p=Between(most=0.1)).model(temperature=0, raw=True),
    Rule(
        mood={"a": [1, 2.5, True, "x"], "b": {}}, tags=["a", "b"], fields={"service": "inside", "odd name": 1}
    ).model(),
    Rule(command="getmodels").fail("internal_error"),
    Rule(command="getmodels").models(["A", {"name": "B", "connected": False, "x": [1]}]).once().models([]).delay(2),
    Rule().answer("Hi", mood="fine", tags=[1, {"a": "b"}]).answer("No.", errorcode=-1),
    Rule().delay(2).reply("late").delay(0.5).pace(first_token_s=1, tokens_per_s=20.5, jitter=0.5, seed=7),
    Rule().delay(1).times(2),
    Rule().fault("reset").fault("latency", seconds=2.5, spread_s=1).fault("stall", fraction=0.25, seed=3),
    Rule().fault("frame_lost", piece=2).fault("provider_garbage", size_bytes=8),
    Rule().fault("error", code="queue_full", retry_after=3),
]
NO_TOML = {10}
"""The numbers of rules that hold a null, which TOML has not."""


@pytest.mark.parametrize("rule", RULES, ids=[str(number) for number in range(len(RULES))])
@pytest.mark.parametrize("ending", ["json", "toml"])
def test_a_rule_comes_back_from_a_file_as_it_was(rule: Rule, ending: str, tmp_path: Path) -> None:
    if ending == "toml" and RULES.index(rule) in NO_TOML:
        with pytest.raises(FixtureError, match="TOML has no null; write it as JSON"):
            write_rules(tmp_path / "rules.toml", [rule])
        return
    file = tmp_path / f"rules.{ending}"
    write_rules(file, [rule])
    (read,) = read_rules(file)
    assert read == rule
    write_rules(tmp_path / f"again.{ending}", [read])
    assert (tmp_path / f"again.{ending}").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("ending", ["json", "toml"])
def test_many_rules_keep_their_order(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"rules.{ending}"
    rules = [rule for number, rule in enumerate(RULES) if number not in NO_TOML]
    write_rules(file, rules)
    assert read_rules(file) == rules
    write_rules(file, [])
    assert read_rules(file) == []


def test_a_file_says_where_its_schema_is(tmp_path: Path) -> None:
    write_rules(tmp_path / "rules.json", [])
    assert json.loads((tmp_path / "rules.json").read_text())["$schema"].endswith("/mock/rules.schema.json")


def test_a_file_is_written_by_hand_in_the_shortest_form(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(
        """
        [[rules]]
        when.message.regex = "weather"
        then = [{ error = "queue_full", retry_after = 3, times = 2 }, { reply = "Rain.", delay_s = 0.5 }]

        [[rules]]
        name = "greeting"
        then = "Hi"

          [rules.when]
          message = "Hello"
          fields.temperature = 0
        """,
        encoding="utf-8",
    )
    assert read_rules(file) == [
        Rule(re.compile("weather")).fail("queue_full", retry_after=3).times(2).reply("Rain.").delay(0.5),
        Rule("Hello", temperature=0, name="greeting").reply("Hi"),
    ]


def test_rules_of_a_file_answer_like_those_of_python(tmp_path: Path) -> None:
    bench = RuleBench(strict=True)
    file = tmp_path / "rules.json"
    write_rules(file, [Rule("a").pieces(["x", "y"]).once(), Rule("a").reply("z"), Rule(poll=2).fail("queue_full")])
    loaded = bench.rules.load(file)
    assert [content(poll(bench, "a"))["errorcode"] for _ in range(3)] == [0, 8, 0]
    assert reply(bench.ask("a")) == "z"
    assert [rule.calls for rule in loaded] == [1, 1, 1]


# -- what a file cannot hold


def accept(_: Any) -> bool:
    return True


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule(accept, name="mine").reply("x"), 'rule 1 "mine" cannot be written: what `message` must be is a function'),
        (Rule(seed=lambda seed: seed > 1), "what `seed` must be is a function; use a value"),
        (Rule(service=accept), "what `service` must be is a function"),
        (Rule(where=accept), "`where` is a function; name the fields that it looks at instead"),
        (Rule().model(lambda _: ["x"]), "a model of the caller's own is a function; use pieces"),
        (Rule().sequence([Text("a"), Model(lambda _: [])]), "a model of the caller's own is a function"),
    ],
)
def test_a_function_cannot_be_written(rule: Rule, words: str, tmp_path: Path) -> None:
    with pytest.raises(FixtureError, match=re.escape(words)):
        write_rules(tmp_path / "rules.json", [rule])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", ["\ud800", float("nan"), float("inf")])
def test_a_value_that_toml_cannot_hold_is_not_written(value: Any, tmp_path: Path) -> None:
    with pytest.raises(FixtureError, match="; write it as JSON"):
        write_rules(tmp_path / "rules.toml", [Rule(mood=value)])
    assert list(tmp_path.iterdir()) == []


# -- what is wrong with a file


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("rules.json", "{", "rules.json: is no JSON: Expecting property name"),
        ("rules.json", '{"rules": [], "rules": []}', "rules.json: is no JSON: the member 'rules' stands there twice"),
        ("rules.json", '{"rules": [{"then": {"delay_s": NaN}}]}', "rules.json: is no JSON: NaN is no number of JSON"),
        ("rules.toml", "rules = [", "rules.toml: is no TOML: Invalid value (at end of document)"),
        ("rules.toml", "\udcff", "rules.toml: is not UTF-8"),
        ("rules.yaml", "rules: []", "rules.yaml: the ending must be .json or .toml; it was '.yaml'"),
        ("rules.toml", "", "rules.toml: rules is missing"),
        ("rules.toml", "rules = []\nrule = []", "rules.toml: rule is not known here; known are $schema, rules"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(name: str, text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(FixtureError, match=re.escape(words)):
        read_rules(tmp_path / name)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(FixtureError, match=r"nothing\.toml: cannot be read: No such file or directory"):
        read_rules(tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "the file must be a table; it was []"),
        ({"rules": {}}, "rules must be a list; it was {}"),
        ({"rules": [5]}, "rule 1 must be a table; it was 5"),
        ({"rules": [{}, {"name": 5}]}, "rule 2: name must be text; it was 5"),
        ({"rules": [{"name": "mine", "priority": 1.5}]}, 'rule 1 "mine": priority must be a whole number; it was 1.5'),
        ({"rules": [{"if": {}}]}, "rule 1: if is not known here; known are name, priority, when, then"),
        ({"rules": [{"when": {"massage": "x"}}]}, "rule 1: when.massage is not known here; known are message, service"),
        ({"rules": [{"when": {"stream": "yes"}}]}, 'rule 1: when.stream must be true or false; it was "yes"'),
        (
            {"rules": [{"when": {"message": {"regx": "x"}}}]},
            "when.message.regx is not known here; known are equals, regex",
        ),
        ({"rules": [{"when": {"message": {"regex": 5}}}]}, "rule 1: when.message.regex must be text; it was 5"),
        (
            {"rules": [{"when": {"message": {"regex": "("}}}]},
            "rule 1: when: the regular expression '(' is wrong: missing )",
        ),
        (
            {"rules": [{"when": {"message": {"regex": "x", "flags": "q"}}}]},
            "when.message.flags must be text of the form",
        ),
        (
            {"rules": [{"when": {"fields": {"a": {"one_of": []}}}}]},
            "when.fields.a.one_of must be a list that is not empty",
        ),
        ({"rules": [{"when": {"fields": {"a": {}}}}]}, "rule 1: when.fields.a"),
        ({"rules": [{"then": 5}]}, "rule 1: then must be text, a table or a list; it was 5"),
        ({"rules": [{"then": ["a", 5]}]}, "rule 1: then[1] must be text or a table; it was 5"),
        (
            {"rules": [{"then": {"repyl": "x"}}]},
            "rule 1: then.repyl is not known here; known are reply, times, delay_s",
        ),
        (
            {"rules": [{"then": {"reply": "x", "delay_s": "soon"}}]},
            'then.delay_s must be a finite number, 0 or more; it was "soon"',
        ),
        ({"rules": [{"then": {"reply": "x", "times": 0}}]}, "then.times must be a whole number, 1 or more; it was 0"),
        (
            {"rules": [{"then": {"reply": "x", "retry_after": 3}}]},
            "then.retry_after is not known here; known are reply, times",
        ),
        ({"rules": [{"then": {"retry_after": 3}}]}, "rule 1: then.error is missing"),
        ({"rules": [{"then": {"pieces": ["a", ""]}}]}, 'then.pieces[1] must be text that is not empty; it was ""'),
        (
            {"rules": [{"then": {"pieces": [{"pause_s": -1}]}}]},
            "then.pieces[0].pause_s must be a finite number, 0 or more; it was -1",
        ),
        (
            {"rules": [{"then": {"model": {"top_p": 2}}}]},
            "then.model.top_p must be a finite number from 0 to 1; it was 2",
        ),
        (
            {"rules": [{"then": {"model": {"heat": 2}}}]},
            "then.model.heat is not known here; known are temperature, top_p",
        ),
        (
            {"rules": [{"then": {"pace": {"tokens_per_s": 0}}}]},
            "then.pace.tokens_per_s must be a finite number above 0; it was 0",
        ),
        ({"rules": [{"then": {"answer": {"errorcode": 5}}}]}, "rule 1: then.answer.reply is missing"),
        (
            {"rules": [{"then": {"answer": {"reply": "x", "done": True}}}]},
            "rule 1: then: a provider cannot send 'done'",
        ),
        ({"rules": [{"then": {"error": "Full"}}]}, "then.error must be text of the form"),
        (
            {"rules": [{"then": ["a", {"error": "nothing"}]}]},
            "rule 1: then[1]: there is no error 'nothing'; the errors are",
        ),
        (
            {"rules": [{"then": {"error": "invalid_json", "retry_after": 1}}]},
            "retry_after does not go with 'invalid_json'",
        ),
        ({"rules": [{"then": {"faults": ["nothing"]}}]}, "there is no fault 'nothing'; there are latency"),
        (
            {"rules": [{"then": {"faults": [{"name": "reset", "after": 1}]}}]},
            "the fault 'reset' has no setting 'after'",
        ),
        ({"rules": [{"then": {"faults": "reset"}}]}, 'then.faults must be a list; it was "reset"'),
        ({"rules": [{"when": {"poll": 2}, "then": "x"}]}, "rule 1: a stream's text is one for all its polls"),
        (
            {"rules": [{"when": {"fields": {"message": "a"}, "message": "b"}}]},
            "rule 1: when: `message` is wanted twice",
        ),
    ],
)
def test_what_is_wrong_is_said_with_the_file_the_rule_the_field_and_the_value(data: Any, words: str) -> None:
    with pytest.raises(FixtureError) as failed:
        rules_from(data, "mine.json")
    assert str(failed.value).startswith("mine.json: ")
    assert words in str(failed.value)
    assert len(str(failed.value).splitlines()) == 1


def test_a_broken_file_leaves_a_hubs_rules_as_they_were(tmp_path: Path) -> None:
    bench = RuleBench()
    before = bench.on().reply("x")
    (tmp_path / "rules.json").write_text('{"rules": [{"then": "a"}, {"then": 5}]}', encoding="utf-8")
    with pytest.raises(FixtureError):
        bench.rules.load(tmp_path / "rules.json")
    assert list(bench.rules) == [before]
