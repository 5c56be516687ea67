"""Rules and streams: one generation, one turn; pieces as listed; polls that are failed or befallen by their number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hub_bench import KEY, SERVICE, code, content, poll, reply, waits
from rule_bench import RuleBench

from mockserver import MockHub, ServiceSettings
from mockserver.rules import Fail, Pause, Rule
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockserver.state.generations import Generation


def test_a_text_is_cut_by_the_hub() -> None:
    bench = RuleBench()
    bench.on().reply("one two three")
    assert bench.stream(gettokens=1) == ["one", " two", " three"]
    assert bench.stream(key="other", gettokens="2") == ["one two", " three"]


def test_an_empty_text_is_the_immediate_end() -> None:
    bench = RuleBench()
    bench.on().reply("")
    assert content(poll(bench, seq=0)) == {"reply": "", "errorcode": 0, "seq": 0, "done": True}


def test_pieces_come_exactly_as_listed_whatever_gettokens_says() -> None:
    bench = RuleBench()
    bench.on().pieces(["one two three", "4", "5"])
    assert bench.stream(gettokens=1) == ["one two three", "4", "5"]
    assert bench.stream(key="other", gettokens=99) == ["one two three", "4", "5"]


def test_the_tokens_of_a_callers_model_are_worked_out_when_they_are_asked_for() -> None:
    made: list[str] = []

    def count(_: Generation) -> Iterator[str]:
        for word in ("a", "", "b", "c", "d"):
            made.append(word)
            yield word

    bench = RuleBench()
    bench.on().model(count)
    assert reply(poll(bench, gettokens=2)) == "ab"
    assert made == ["a", "", "b"]
    assert reply(poll(bench, gettokens=9)) == "cd"


def test_members_of_a_providers_answer_are_on_every_piece() -> None:
    bench = RuleBench()
    bench.on().answer("a b", mood="fine")
    shown = [content(poll(bench)) for _ in range(3)]
    assert [piece["reply"] for piece in shown] == ["a", " b", ""]
    assert {piece["mood"] for piece in shown} == {"fine"}


def test_a_providers_own_error_frees_the_key() -> None:
    bench = RuleBench()
    bench.on().answer("No.", errorcode=4711).reply("x")
    assert content(poll(bench)) == {"reply": "No.", "errorcode": 4711}
    assert reply(poll(bench)) == "x"


def test_a_turn_is_used_up_once_a_generation_and_not_by_each_poll() -> None:
    bench = RuleBench()
    rule = bench.on().reply("a b", "c")
    assert bench.stream() == ["a", " b"]
    assert rule.calls == 1
    assert reply(poll(bench)) == ""
    assert rule.calls == 1
    assert bench.stream(key="other") == ["c"]
    assert rule.calls == 2


def test_a_text_needs_no_provider() -> None:
    bench = RuleBench(ServiceSettings(SERVICE, KEY, offline=True))
    bench.on("mine").reply("a b")
    assert bench.stream("mine") == ["a", " b"]
    assert reply(bench.ask("mine")) == "a b"
    assert [code(poll(bench, key="other")), code(bench.ask())] == [7, 7]


def test_a_wrong_hub_is_wrong_with_scripted_text_too() -> None:
    with MockHub({SERVICE: KEY}, tls=False, wrong="stream_tail_lost") as hub:
        hub.on().pieces(["a", "b", "c"])
        request = {"message": "hi", "key": "k"}
        replies = [httpx.post(f"{hub.url}/{SERVICE}", json=request, timeout=60.0).json()["reply"] for _ in range(3)]
    assert replies == ["a", "b", ""]


def test_a_rule_that_is_removed_leaves_what_it_began() -> None:
    bench = RuleBench()
    rule = bench.on().reply("a b")
    assert reply(poll(bench)) == "a"
    rule.remove()
    bench.on().reply("other")
    assert reply(poll(bench)) == " b"


def test_a_strict_hub_goes_on_with_a_stream_whose_rule_is_used_up() -> None:
    bench = RuleBench(strict=True)
    bench.on().reply("a b").once()
    assert bench.stream() == ["a", " b"]
    assert code(poll(bench, key="other")) == 404


def test_an_error_before_the_first_piece_opens_no_stream() -> None:
    bench = RuleBench(open_streams=1)
    bench.on().fail("queue_full").reply("a")
    assert code(poll(bench)) == 8
    assert reply(poll(bench, "another message")) == "a"
    assert bench.entry()["numreq"] == 1


def test_not_ready_among_pieces_loses_nothing_and_another_error_is_final() -> None:
    bench = RuleBench()
    bench.on().pieces(["a", Fail("not_ready"), "b", Fail("provider_error"), "never"])
    shown = [content(poll(bench, seq=seq)) for seq in (0, 1, 1, 2, 2)]
    assert [answer["errorcode"] for answer in shown] == [0, 17, 0, 13, 13]
    assert [shown[0]["reply"], shown[2]["reply"]] == ["a", "b"]


def test_a_pause_counts_from_the_piece_before_it() -> None:
    bench = RuleBench()
    bench.on().pieces(["a", Pause(2), "b", Pause(1), Pause(1), "c"])
    assert reply(poll(bench)) == "a"
    second = poll(bench)
    bench.advance(1.9)
    assert waits(second)
    bench.advance(0.1)
    assert reply(second) == "b"
    bench.advance(5)
    assert reply(poll(bench)) == "c"


def test_a_pause_may_come_first_and_outlast_a_poll() -> None:
    bench = RuleBench(long_poll_s=2)
    bench.on().pieces([Pause(5), "a"])
    first = poll(bench)
    bench.advance(2)
    assert code(first) == ErrorCode.NOT_READY
    second = poll(bench)
    bench.advance(2)
    assert code(second) == ErrorCode.NOT_READY
    third = poll(bench)
    bench.advance(1)
    assert reply(third) == "a"


def test_pauses_hold_a_whole_reply_up() -> None:
    bench = RuleBench()
    bench.on().pieces(["a", Pause(2), "b", Pause(1)])
    asked = bench.ask()
    bench.advance(2.9)
    assert waits(asked)
    bench.advance(0.1)
    assert reply(asked) == "ab"


def test_a_stream_that_is_dropped_in_a_pause_leaves_no_timer() -> None:
    bench = RuleBench(stream_idle_s=1, end_kept_s=1)
    bench.on().pieces(["a", Pause(1000), "b"])
    assert reply(poll(bench)) == "a"
    bench.advance(3)
    assert bench.state.timers.next() is None


# -- polls by their number


def test_a_poll_is_failed_by_its_number_and_the_stream_goes_on() -> None:
    bench = RuleBench()
    bench.on().reply("a b c")
    failing = bench.on(poll=2).fail("queue_full")
    shown = [content(poll(bench)) for _ in range(5)]
    assert [answer["errorcode"] for answer in shown] == [0, 8, 0, 0, 0]
    assert "".join(answer["reply"] for answer in shown if not answer["errorcode"]) == "a b c"
    assert failing.calls == 1


def test_a_failed_first_poll_begins_no_generation() -> None:
    bench = RuleBench()
    text = bench.on().reply("a", "b")
    bench.on(poll=1).fail("queue_full").once()
    assert code(poll(bench)) == 8
    assert text.calls == 0
    assert reply(poll(bench)) == "a"


def test_a_poll_that_the_hub_would_refuse_is_the_first_of_no_stream() -> None:
    bench = RuleBench()
    bench.on(stream=True, poll=1).fail("shutting_down").once()
    assert code(bench.post({"message": 5})) == ErrorCode.INVALID_FIELD
    assert code(bench.post({"message": 5, "key": "k"})) == ErrorCode.SHUTTING_DOWN
    assert code(bench.post({"message": 5, "key": "k"})) == ErrorCode.INVALID_FIELD


def test_a_rule_for_polls_is_not_asked_for_whole_replies() -> None:
    bench = RuleBench()
    rule = bench.on(poll=lambda number: number < 9).fail("queue_full")
    assert reply(bench.ask(max_new_len=0)) == ""
    assert rule.calls == 0


def test_a_rule_for_generations_is_not_asked_at_later_polls() -> None:
    bench = RuleBench()
    bench.on().reply("a b c")
    assert reply(poll(bench)) == "a"
    rule = bench.on().fail("queue_full")
    assert reply(poll(bench)) == " b"
    assert rule.calls == 0
    assert code(poll(bench, key="other")) == 8


def test_a_delay_befalls_one_poll_and_its_client_may_leave() -> None:
    bench = RuleBench()
    bench.on().reply("a b c")
    bench.on(poll=2).delay(5)
    assert reply(poll(bench)) == "a"
    late = poll(bench)
    bench.advance(4)
    assert waits(late)
    bench.leave(late)
    bench.advance(2)
    assert reply(poll(bench)) == " b"


# -- what befalls a generation


def test_a_delay_comes_before_everything() -> None:
    bench = RuleBench(ServiceSettings(SERVICE, KEY))
    bench.on("hi").delay(2).reply("late")
    asked = bench.ask()
    bench.advance(1.9)
    assert waits(asked)
    assert bench.entry()["numreq"] == 0
    bench.advance(0.1)
    assert reply(asked) == "late"


def test_a_delay_without_an_answer_befalls_the_next_rules_answer_or_the_hubs() -> None:
    bench = RuleBench()
    bench.on("hi").reply("scripted")
    bench.on().delay(2).times(2)
    scripted, own = bench.ask("hi"), bench.ask("ho", max_new_len=0)
    assert waits(scripted)
    bench.advance(2)
    assert [reply(scripted), reply(own)] == ["scripted", ""]
    assert reply(bench.ask("hi")) == "scripted"


def test_an_error_may_be_late() -> None:
    bench = RuleBench()
    bench.on().fail("queue_full").delay(2)
    asked = bench.ask()
    bench.advance(1)
    assert waits(asked)
    bench.advance(1)
    assert code(asked) == 8


def test_a_command_may_be_late() -> None:
    bench = RuleBench()
    bench.on(command="getmodels").delay(2).once()
    asked = bench.post({"command": "getmodels"})
    assert waits(asked)
    bench.advance(2)
    assert asked.answer is not None
    assert isinstance(asked.answer.content, list)


def test_a_pace_lets_a_text_out_token_by_token() -> None:
    bench = RuleBench()
    bench.on().reply("a b c").pace(first_token_s=1, tokens_per_s=2)
    first = poll(bench, gettokens=9)
    bench.advance(1)
    assert reply(first) == "a"
    bench.advance(1)
    assert reply(poll(bench, gettokens=9)) == " b c"
    whole = bench.ask()
    bench.advance(1.9)
    assert waits(whole)
    bench.advance(0.1)
    assert reply(whole) == "a b c"


def test_the_pace_of_the_rule_that_is_asked_first_rules() -> None:
    bench = RuleBench()
    bench.on().reply("a").pace(first_token_s=10)
    bench.on().pace(first_token_s=1)
    asked = bench.ask()
    bench.advance(1)
    assert reply(asked) == "a"


def test_a_rule_plans_what_befalls_the_exchange() -> None:
    bench = RuleBench()
    bench.on().reply("Hi").fault("reset").fault("latency", seconds=2)
    exchange = bench.ask()
    assert reply(exchange) == "Hi"
    assert [(fault.name, dict(fault.settings)) for fault in exchange.plan.faults] == [
        ("reset", {"after_bytes": None}),
        ("latency", {"seconds": 2.0, "spread_s": 0.0}),
    ]


def test_a_fault_alone_is_a_turn_of_its_own() -> None:
    bench = RuleBench()
    bench.on().fault("reset").reply("Hi")
    first, second = bench.ask(max_new_len=0), bench.ask()
    assert [fault.name for fault in first.plan.faults] == ["reset"]
    assert second.plan.faults == ()
    assert [reply(first), reply(second)] == ["", "Hi"]


def test_a_fault_on_a_providers_leg_befalls_the_simulated_model_in_its_place() -> None:
    bench = RuleBench()
    bench.on().fault("provider_death").once()
    asked = bench.ask(max_new_len=3)
    bench.advance(1)
    assert code(asked) == ErrorCode.PROVIDER_ERROR
    assert code(bench.ask(max_new_len=3)) == 0


# -- what makes no sense


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Rule(command="getmodels").reply("x"), "a command gets no text"),
        (lambda: Rule().models([]), "a model list answers a command: let the rule want it"),
        (lambda: Rule(command="other").models([]), "a model list answers a command: let the rule want it"),
        (lambda: Rule(command="getmodels").models([{}]), "model 1 of the list: name is missing"),
        (lambda: Rule(command="getmodels").models(["a", {"name": "b", "numreq": -1}]), "model 2 of the list: numreq"),
        (lambda: Rule(command="getmodels").models([{"name": "a", "x": object()}]), "the member 'x' of an answer"),
        (lambda: Rule(command="getmodels").models([]).pace(first_token_s=1), "a pace is for text"),
        (lambda: Rule(command="getmodels", poll=1), "a command is no stream"),
        (lambda: Rule(command="getmodels", stream=True), "a command is no stream"),
        (lambda: Rule(poll=2).reply("x"), "a stream's text is one for all its polls"),
        (lambda: Rule(poll=2, stream=False), "only a stream has polls"),
        (lambda: Rule(poll=2).fault("frame_lost"), "say which `piece` it befalls"),
        (lambda: Rule().reply("x").fault("provider_death"), "but the rule answers by itself"),
        (lambda: Rule().fault("reset", leg="client->hub"), "use a standing fault"),
        (lambda: Rule().fault("nothing"), "there is no fault 'nothing'; there are"),
        (lambda: Rule().fault("latency", seconds=-1), "has a wrong setting 'seconds'"),
        (lambda: Rule().pieces(["a"]).pace(first_token_s=1), "a pace is for text"),
        (lambda: Rule().fail("queue_full").pace(first_token_s=1), "a pace is for text"),
        (lambda: Rule().pace(tokens_per_s=0), "`tokens_per_s` must be above 0"),
        (lambda: Rule().reply(), "at least one text"),
        (lambda: Rule().pieces(["a", ""]), "must not be empty"),
        (lambda: Rule().times(2), "times must follow"),
        (lambda: Rule().reply("x").once().times(2), "has its number already: 1"),
        (lambda: Rule().reply("x").times(0), "1 or more; it was 0"),
        (lambda: Rule().reply("x").times(number=True), "1 or more; it was True"),
        (lambda: Rule().delay(-1), "0 or more; it was -1"),
        (lambda: Rule().delay(float("inf")), "0 or more; it was inf"),
        (lambda: Rule().fail("ok"), "there is no error 'ok'; the errors are internal_error"),
        (lambda: Rule().fail("invalid_json", retry_after=1), "retry_after does not go with 'invalid_json'"),
        (lambda: Rule().fail("queue_full", retry_after=-1), "0 or more; it was -1"),
        (lambda: Rule().model(heat=1), "the model has no setting 'heat'; it has temperature"),
        (lambda: Rule().model(temperature=-1), "the model's temperature is wrong"),
        (lambda: Rule().answer("x", seq=1), "a provider cannot send 'seq'"),
        (lambda: Rule().answer("x", mood=object()), "the member 'mood' of an answer must be JSON"),
        (lambda: Rule("x", fields={"message": "y"}), "`message` is wanted twice"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_when_it_is_written(build: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        build()


@pytest.mark.parametrize(
    "build",
    [
        lambda: Rule().pieces([5]),  # type: ignore[list-item]  # it is refused
        lambda: Rule().pieces("Hello"),
        lambda: Rule(command="getmodels").models("MYGPT"),
        lambda: Rule().reply(5),  # type: ignore[arg-type]  # it is refused
        lambda: Rule().answer(None),  # type: ignore[arg-type]  # it is refused
        lambda: Rule().answer("x", errorcode=1.5),  # type: ignore[arg-type]  # it is refused
    ],
)
def test_an_answer_of_a_wrong_type_is_refused_when_it_is_written(build: Any) -> None:
    with pytest.raises(TypeError, match="must be"):
        build()


def test_a_rule_keeps_what_it_had_when_a_verb_is_refused() -> None:
    bench = RuleBench()
    rule = bench.on().reply("x")
    with pytest.raises(ValueError, match="answers by itself"):
        rule.fault("provider_death")
    assert reply(bench.ask()) == "x"
