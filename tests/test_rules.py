"""Rules: what they match, what they answer, how often, and in which order they are asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hub_bench import KEY, SERVICE, Bench, code, codes, content, reply, waits
from rule_bench import RuleBench

from mockserver import ServiceSettings
from mockserver.rules import ABSENT, PRESENT, Between, Contains, Fail, OneOf, Rule
from mockserver.rules.schema import SCHEMA_PATH
from neuroengine import spec
from neuroengine._generated.models import ModelEntry
from neuroengine._generated.registry import ERRORS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mockserver.state.generations import Generation

OTHER = "Other-1"

# -- what they match


@pytest.mark.parametrize(
    ("criteria", "matching", "others"),
    [
        ({"message": "Hello"}, {"message": "Hello"}, {"message": "hello"}),
        ({"message": re.compile("we[a-z]+r")}, {"message": "the weather?"}, {"message": "we"}),
        ({"message": re.compile("^we")}, {"message": "weather"}, {"message": "the weather"}),
        ({"message": Contains("the")}, {"message": "of the sea"}, {"message": "of a sea"}),
        ({"message": lambda text: len(text) > 3}, {"message": "long"}, {"message": "no"}),
        ({"message": OneOf("a", "b")}, {"message": "b"}, {"message": "c"}),
        ({"temperature": 0}, {"temperature": 0.0}, {"temperature": 0.1}),
        ({"temperature": 1}, {}, {"temperature": 2}),  # a field that was not sent has its default
        ({"top_k": 40}, {"top_k": 40.0}, {"top_k": 41}),
        ({"top_p": Between(0.5, 0.8)}, {"top_p": 0.8}, {"top_p": 0.81}),
        ({"top_p": Between(most=0.8)}, {"top_p": 0}, {}),
        ({"raw": True}, {"raw": "tRUE"}, {"raw": "False"}),
        ({"raw": "True"}, {"raw": True}, {}),
        ({"raw": OneOf("true")}, {"raw": True}, {"raw": False}),
        ({"gettokens": 20}, {"gettokens": "020"}, {"gettokens": 21}),
        ({"gettokens": 20}, {}, {"gettokens": "9" * 5000}),
        ({"key": None}, {"key": ""}, {"key": "k"}),
        ({"key": "k"}, {"key": "k"}, {}),
        ({"mood": "fine"}, {"mood": "fine"}, {"mood": ["fine"]}),
        ({"mood": {"a": [1, None]}}, {"mood": {"a": [1.0, None]}}, {"mood": {"a": [True, None]}}),
        ({"mood": 1}, {"mood": 1.0}, {"mood": True}),
        ({"mood": True}, {"mood": True}, {"mood": 1}),
        ({"mood": None}, {"mood": None}, {}),
        ({"mood": PRESENT}, {"mood": None}, {}),
        ({"mood": ABSENT}, {}, {"mood": None}),
        ({"seed": PRESENT}, {"seed": 0}, {}),
        ({"seed": ABSENT}, {}, {"seed": 0}),
        ({"stream": True}, {"key": "k"}, {"key": ""}),
        ({"stream": False}, {"key": None}, {"key": "k"}),
        ({"where": lambda request: len(request) > 2}, {"seed": 1}, {}),
        ({"fields": {"service": "inside"}}, {"service": "inside"}, {}),
        ({"message": "hi", "temperature": 0}, {"temperature": 0}, {"message": "ho", "temperature": 0}),
    ],
)
def test_a_rule_matches_what_its_criteria_say_and_nothing_else(
    criteria: dict[str, Any], matching: dict[str, Any], others: dict[str, Any]
) -> None:
    bench = RuleBench()
    bench.on(**criteria).answer("scripted", errorcode=4711)
    message = {"message": "hi", "max_new_len": 1}
    assert code(bench.post(message | matching)) == 4711
    assert code(bench.post(message | others)) == 0


def test_a_rule_matches_the_service_that_the_path_names() -> None:
    bench = RuleBench(ServiceSettings(SERVICE, KEY), ServiceSettings(OTHER, KEY))
    bench.on(service=re.compile("^Other")).reply("other")
    request = {"message": "hi", "max_new_len": 0}
    assert [reply(bench.post(request, path)) for path in (f"/{SERVICE}", f"/{OTHER}", f"/{OTHER}/")] == [
        "",
        "other",
        "other",
    ]


def test_a_rule_for_a_call_counts_only_what_meets_its_other_criteria() -> None:
    bench = RuleBench()
    bench.on("hi", call=2).reply("second")
    bench.on("hi", call=lambda number: number > 3).reply("late")
    messages = ["hi", "ho", "hi", "hi", "hi", "ho", "hi"]
    assert [reply(bench.ask(message, max_new_len=0)) for message in messages] == [
        "",
        "",
        "second",
        "",
        "late",
        "",
        "late",
    ]


def test_a_rule_sees_unknown_members_of_any_type() -> None:
    bench = RuleBench()
    seen: list[Mapping[str, Any]] = []

    def watch(request: Mapping[str, Any]) -> bool:
        seen.append(request)
        return True

    bench.on(where=watch).reply("x")
    assert reply(bench.ask("hi", mood={"a": [1]})) == "x"
    assert seen == [{"message": "hi", "mood": {"a": [1]}}]


# -- what they answer


def test_a_text_is_the_whole_reply_whatever_max_new_len_says() -> None:
    bench = RuleBench()
    bench.on().reply("one two three")
    assert content(bench.ask(max_new_len=1)) == {"reply": "one two three", "errorcode": 0}


def test_pieces_are_joined_in_a_whole_reply() -> None:
    bench = RuleBench()
    bench.on().pieces(["a b", " c", Fail("not_ready"), "d"])
    assert reply(bench.ask()) == "a b cd"


def test_a_final_failure_among_pieces_is_the_answer_to_a_request_for_the_whole_reply() -> None:
    bench = RuleBench()
    bench.on().pieces(["a", Fail("provider_error"), "b"])
    assert code(bench.ask()) == ErrorCode.PROVIDER_ERROR


@pytest.mark.parametrize("entry", [row for row in ERRORS.values() if row.code], ids=lambda row: row.name)
def test_every_error_can_be_answered_by_its_name_or_its_code(entry: Any) -> None:
    bench = RuleBench()
    bench.on().fail(entry.name).fail(ErrorCode(entry.code))
    first, second = content(bench.ask()), content(bench.ask())
    assert first == second
    assert (first["errorcode"], first["error"]) == (entry.code, entry.name)
    assert entry.fix in first["reply"]


def test_an_error_carries_what_the_rule_says() -> None:
    bench = RuleBench()
    bench.on().fail("quota_exceeded", retry_after=3.5).fail("invalid_field", field="seed", reply="No.")
    assert content(bench.ask())["retry_after"] == 3.5
    assert content(bench.ask()) == {"reply": "No.", "errorcode": 4, "error": "invalid_field", "field": "seed"}


def test_an_answer_like_a_providers_passes_through() -> None:
    bench = RuleBench()
    bench.on().answer("Hi", mood="fine").answer("No.", errorcode=4711)
    assert content(bench.ask()) == {"reply": "Hi", "errorcode": 0, "mood": "fine"}
    assert content(bench.ask()) == {"reply": "No.", "errorcode": 4711}


def test_the_simulated_model_samples_as_the_rule_says() -> None:
    bench = RuleBench()
    expected = reply(bench.ask(temperature=0, max_new_len=12))
    bench.on().model(temperature=0, max_new_len=12).model()
    assert reply(bench.ask(temperature=2, seed=5)) == expected
    assert reply(bench.ask(temperature=2, seed=5, max_new_len=12)) == reply(
        Bench().ask(temperature=2, seed=5, max_new_len=12)
    )


def test_a_model_of_the_callers_own_sees_the_checked_request() -> None:
    def shout(generation: Generation) -> Iterator[str]:
        yield from (generation.message.upper(), "", f" {generation.sampling.seed}")

    bench = RuleBench()
    bench.on().model(shout)
    assert reply(bench.ask("hi", seed=7.0)) == "HI 7"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda generation: [generation.nothing], "AttributeError: 'Generation' object has no attribute 'nothing'"),
        (lambda _: ["a", 5], "TypeError: a token must be text; it was 5"),
    ],
)
def test_a_model_that_fails_is_the_hubs_own_error_with_its_words(
    function: Any, words: str, *, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    bench = RuleBench()
    bench.on().model(function)
    request = {"message": "hi"} | ({"key": "k", "gettokens": 5} if stream else {})
    shown = content(bench.post(request))
    assert shown["errorcode"] == ErrorCode.INTERNAL_ERROR
    assert words in shown["reply"]
    assert "the model function of a rule failed" in caplog.text
    assert code(bench.post(request)) == ErrorCode.INTERNAL_ERROR


@pytest.mark.parametrize("criteria", [{"message": lambda text: text.nothing}, {"where": lambda request: request["x"]}])
def test_a_predicate_that_fails_is_the_hubs_own_error_that_names_the_rule(
    criteria: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    bench = RuleBench()
    bench.on(name="mine", **criteria).reply("x")
    shown = content(bench.ask())
    assert shown["errorcode"] == ErrorCode.INTERNAL_ERROR
    assert "The rule mine failed: " in shown["reply"]
    assert "a predicate of the rule mine failed" in caplog.text


def test_a_rule_answers_in_place_of_a_provider_and_counts_as_a_generation() -> None:
    bench = RuleBench()
    provider = bench.provider()
    bench.on("mine").reply("scripted")
    assert reply(bench.ask("mine")) == "scripted"
    assert waits(bench.ask("theirs"))
    assert provider.messages == ["theirs"]
    assert bench.entry()["numreq"] == 2


def test_an_error_is_no_generation() -> None:
    bench = RuleBench()
    bench.on().fail("queue_full")
    assert code(bench.ask()) == 8
    assert bench.entry()["numreq"] == 0


def test_a_text_does_not_get_round_a_quota() -> None:
    bench = RuleBench(ServiceSettings(SERVICE, KEY, quota=1))
    bench.on().reply("x")
    assert codes([bench.ask(), bench.ask()]) == [0, ErrorCode.QUOTA_EXCEEDED]


# -- requests that the hub would refuse


@pytest.mark.parametrize(
    ("request_", "path", "refusal"),
    [
        ({"no": "message"}, f"/{SERVICE}", ErrorCode.MISSING_MESSAGE),
        ({"message": 5}, f"/{SERVICE}", ErrorCode.INVALID_FIELD),
        ({"message": "hi"}, "/Nobody", ErrorCode.UNKNOWN_SERVICE),
        ({"message": "hi"}, f"/{SERVICE}", ErrorCode.UNAUTHORIZED),
    ],
)
def test_text_answers_valid_requests_only_and_an_error_any(
    request_: dict[str, Any], path: str, refusal: ErrorCode
) -> None:
    keys = ("ACCESS",) if refusal is ErrorCode.UNAUTHORIZED else ()
    bench = RuleBench(ServiceSettings(SERVICE, KEY, access_keys=keys))
    texts = bench.on().reply("x")
    assert code(bench.post(request_, path)) == refusal
    assert texts.calls == 0
    bench.on().fail("shutting_down")
    assert code(bench.post(request_, path)) == ErrorCode.SHUTTING_DOWN


def test_a_body_that_cannot_be_read_meets_no_rule() -> None:
    bench = RuleBench(strict=True)
    rule = bench.on().fail("queue_full")
    assert code(bench.post(b"[]")) == ErrorCode.INVALID_JSON
    assert rule.calls == 0


def test_a_rule_is_for_a_command_only_when_it_names_one() -> None:
    bench = RuleBench(strict=True)
    bench.on().fail("queue_full")
    bench.on("hi").fail("queue_full")
    assert isinstance(bench.post({"command": "getmodels", "message": "hi"}).answer, tuple)
    assert bench.entry()["name"] == SERVICE
    bench.on(command="getmodels").fail("shutting_down").once()
    assert code(bench.post({"command": "getmodels"}, "/")) == ErrorCode.SHUTTING_DOWN
    assert bench.entry()["name"] == SERVICE
    bench.on(command=PRESENT).fail("internal_error")
    assert code(bench.post({"command": "other"})) == ErrorCode.INTERNAL_ERROR


def test_a_model_list_can_be_scripted_in_turns() -> None:
    bench = RuleBench()
    rich = {"name": "Other name", "connected": False, "numreq": 7, "queuelen": 3, "comment": "<b>", "size": "7B"}
    rule = bench.on(command="getmodels").models(["MYGPT", rich]).once().models([]).once().fail("queue_full").once()
    plain, other = listed(bench)
    assert plain == dict.fromkeys(("comment", "operator", "preprompt", "endprompt"), "") | {
        "name": "MYGPT", "connected": True, "numreq": 0, "queuelen": 0,
    }  # fmt: skip
    assert other == plain | rich
    assert listed(bench) == []
    assert code(bench.post({"command": "getmodels"}, "/")) == ErrorCode.QUEUE_FULL
    assert bench.entry()["name"] == SERVICE
    assert rule.calls == 3
    assert [entry.rule for entry in bench.journal][:3] == [rule.name] * 3
    assert [entry.rule for entry in bench.journal.find(command="getmodels")][3:] == [""]


def test_a_scripted_model_list_may_be_late_and_is_befallen_like_any_answer() -> None:
    bench = RuleBench()
    bench.on(command="getmodels").models(["MYGPT"]).delay(2).fault("truncated_body")
    asked = bench.post({"command": "getmodels"}, "/")
    assert waits(asked)
    bench.advance(2)
    assert asked.answer is not None
    assert isinstance(asked.answer.content, list)
    assert [row["name"] for row in asked.answer.content] == ["MYGPT"]
    assert [fault.name for fault in asked.plan.faults] == ["truncated_body"]


def test_the_defaults_of_a_scripted_model_list_are_an_entry_as_the_protocol_has_it() -> None:
    """The schema of rules says again which members an entry has; here it is held against the protocol's."""
    scripted = spec.read_json(SCHEMA_PATH)["$defs"]["ListedModel"]["properties"]
    entry = spec.schema("client")["$defs"]["ModelEntry"]["properties"]
    assert scripted.keys() == entry.keys()
    for name, member in entry.items():
        assert {word: scripted[name].get(word) for word in ("type", "minimum")} == {
            word: member.get(word) for word in ("type", "minimum")
        }
    bench = RuleBench()
    bench.on(command="getmodels").models(["MYGPT"])
    ModelEntry.model_validate(listed(bench)[0])


def listed(bench: RuleBench) -> list[dict[str, Any]]:
    """The model list."""
    answer = bench.post({"command": "getmodels"}, "/").answer
    assert answer is not None
    assert isinstance(answer.content, list)
    return answer.content


# -- how often


def test_the_last_turn_is_given_for_ever_and_those_before_it_once() -> None:
    bench = RuleBench()
    rule = bench.on().reply("a", "b").fail("queue_full").reply("c")
    replies = [content(bench.ask())["reply"][:8] for _ in range(6)]
    assert replies == ["a", "b", "Too many", "c", "c", "c"]
    assert rule.calls == 6
    assert not rule.is_used_up


def test_a_numbered_turn_is_given_so_often_and_a_used_up_rule_rests() -> None:
    bench = RuleBench()
    rule = bench.on().fail("queue_full").times(2).reply("a").times(2).reply("b").once()
    assert [code(bench.ask(max_new_len=0)) for _ in range(2)] == [8, 8]
    assert [reply(bench.ask(max_new_len=0)) for _ in range(4)] == ["a", "a", "b", ""]
    assert rule.is_used_up
    assert rule.calls == 5


def test_a_sequence_mixes_all_kinds_of_answers() -> None:
    bench = RuleBench()
    bench.on().sequence([Fail("queue_full"), "text"])
    assert [content(bench.ask())["errorcode"], reply(bench.ask())] == [8, "text"]


def test_a_rule_begins_again_after_a_reset() -> None:
    bench = RuleBench()
    bench.on("hi", call=1).reply("first")
    sequence = bench.on().reply("a", "b")
    assert [reply(bench.ask()) for _ in range(2)] == ["a", "b"]
    bench.rules.reset()
    assert sequence.calls == 0
    assert reply(bench.ask()) == "a"


def test_a_rule_without_an_answer_only_counts() -> None:
    bench = RuleBench()
    answers = bench.on("hi").reply("scripted")
    spy = bench.on("hi")
    assert reply(bench.ask("hi")) == "scripted"
    assert (spy.calls, answers.calls) == (1, 1)
    assert bench.rules.unused() == []


def test_rules_that_were_never_applied_are_named() -> None:
    bench = RuleBench()
    bench.rules.assert_all_used()
    bench.on("hi").reply("x")
    spare = bench.on("ho", name="spare").reply("x")
    bench.ask("hi")
    assert bench.rules.unused() == [spare]
    with pytest.raises(AssertionError, match=r"^1 of 2 rules were never applied:\n  spare \(message = \"ho\"\)$"):
        bench.rules.assert_all_used()
    bench.ask("ho")
    bench.rules.assert_all_used()


# -- the order


def test_rules_that_were_added_last_are_asked_first() -> None:
    bench = RuleBench()
    bench.on().reply("default")
    mine = bench.on("hi").reply("mine")
    assert [reply(bench.ask("hi")), reply(bench.ask("ho"))] == ["mine", "default"]
    mine.remove()
    mine.remove()
    assert reply(bench.ask("hi")) == "default"


def test_rules_that_are_added_together_keep_their_order() -> None:
    bench = RuleBench()
    bench.rules.add(Rule("hi").reply("first").once(), Rule("hi").reply("second").once(), Rule().reply("third"))
    bench.rules.add(Rule("ho").reply("new"))
    assert [reply(bench.ask(message)) for message in ("ho", "hi", "hi", "hi")] == ["new", "first", "second", "third"]


def test_a_priority_goes_before_the_order() -> None:
    bench = RuleBench()
    bench.on(priority=1).reply("high").once()
    bench.on().reply("normal").once()
    bench.on(priority=-1).reply("low")
    assert [reply(bench.ask()) for _ in range(4)] == ["high", "normal", "low", "low"]
    assert [rule.rule.priority for rule in bench.rules] == [1, 0, -1]


def test_a_rule_value_serves_many_hubs_and_each_counts_alone() -> None:
    greeting = Rule("hi", name="greeting").reply("first", "then")
    one, other = RuleBench(), RuleBench()
    (mine,), (theirs,) = one.rules.add(greeting), other.rules.add(greeting)
    assert [reply(one.ask()), reply(one.ask()), reply(other.ask())] == ["first", "then", "first"]
    assert (mine.calls, theirs.calls) == (2, 1)
    assert one.rules.named("greeting") is mine


def test_rules_of_a_block_are_gone_after_it_and_those_of_before_are_back() -> None:
    bench = RuleBench()
    before = bench.on().reply("before")
    with bench.rules.kept() as rules:
        rules.strict = True
        before.remove()
        bench.on("hi").reply("inside")
        assert reply(bench.ask("hi")) == "inside"
        assert code(bench.ask("ho")) == 404
    assert list(bench.rules) == [before]
    assert not bench.rules.strict
    bench.rules.clear()
    assert len(bench.rules) == 0
    assert code(bench.ask(max_new_len=0)) == 0


def test_a_name_that_no_rule_has_is_an_error_that_names_the_rules() -> None:
    bench = RuleBench()
    with pytest.raises(KeyError, match="there are none"):
        bench.rules.named("x")
    bench.on(name="a").reply("x")
    bench.on().reply("x")
    with pytest.raises(KeyError, match="there is no rule 'x'; there are rule 2, a"):
        bench.rules.named("x")
