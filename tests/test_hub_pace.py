"""Text that is let out in its time: no token before it is due, and a late one makes no later one late."""

from __future__ import annotations

import math

import pytest
from befallen_bench import BefallenBench
from hub_bench import KEY, SERVICE, START, Bench, code, content, poll, reply, waits
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver import Pace, ServiceSettings
from mockserver.faults import fault
from mockserver.model import Sampling, SimulatedModel
from mockserver.rules import RuleBook
from mockserver.state.pacing import Rhythm
from mockserver.state.plan import Plan
from neuroengine._generated.models import GenerateRequest
from neuroengine._generated.registry import ErrorCode

LONG_S = 10_000
ROUNDING_S = 1e-9
TEN_A_SECOND = Pace(first_token_s=2, tokens_per_s=10)


def tokens(message: str = "go", length: int = 12) -> list[str]:
    """What the simulated model says."""
    fields = GenerateRequest(message=message, max_new_len=length)
    sampling = Sampling(
        temperature=float(fields.temperature),
        top_p=float(fields.top_p),
        top_k=fields.top_k,
        min_p=float(fields.min_p),
        repetition_penalty=float(fields.repetition_penalty),
        max_new_len=length,
        seed=fields.seed,
        raw=False,
    )
    return list(SimulatedModel().tokens(message, sampling))


TWELVE = tokens()


def ask(bench: Bench) -> str:
    """A poll for as much as there is."""
    return reply(poll(bench, max_new_len=12, gettokens=100))


# -- whole replies


def test_a_whole_reply_comes_when_its_last_token_is_due() -> None:
    bench = BefallenBench(pace=TEN_A_SECOND)
    asked = bench.ask("go", max_new_len=12)
    bench.advance(2 + 11 * 0.1 - 0.01)
    assert waits(asked)
    bench.advance(0.01)
    assert reply(asked) == "".join(TWELVE)


def test_a_reply_without_tokens_and_an_error_come_at_once() -> None:
    bench = BefallenBench(pace=TEN_A_SECOND)
    assert reply(bench.ask(max_new_len=0)) == ""
    assert code(bench.ask(top_p=7)) == ErrorCode.INVALID_FIELD


def test_a_providers_whole_reply_is_let_out_at_the_pace_too() -> None:
    bench = BefallenBench(pace=TEN_A_SECOND)
    provider = bench.provider()
    early, late = bench.ask("early"), bench.ask("late")
    provider.answer({"reply": "one two three"})
    bench.advance(2.19)
    assert waits(early)
    bench.advance(0.01)
    assert reply(early) == "one two three"
    # Its time had come before the reply did.
    provider.answer({"reply": "one two three"})
    assert reply(late) == "one two three"


def test_a_providers_error_is_not_paced() -> None:
    bench = BefallenBench(pace=TEN_A_SECOND)
    provider = bench.provider()
    asked = bench.ask()
    provider.answer({"reply": "no", "errorcode": 4711})
    assert code(asked) == 4711


def test_a_client_that_leaves_takes_its_deadlines_with_it() -> None:
    bench = BefallenBench(pace=TEN_A_SECOND)
    asked = bench.ask()
    bench.leave(asked)
    assert bench.state.timers.next() is None
    assert bench.state.waiting == 0


# -- streams


def test_a_poll_gets_what_is_ready_and_at_most_what_it_asks_for() -> None:
    bench = BefallenBench(pace=TEN_A_SECOND)
    first = poll(bench, max_new_len=12, gettokens=100)
    bench.advance(1.99)
    assert waits(first)
    bench.advance(0.01)
    assert reply(first) == TWELVE[0]
    bench.advance(0.5)
    assert reply(poll(bench, gettokens=2)) == "".join(TWELVE[1:3])
    assert ask(bench) == "".join(TWELVE[3:6])
    held = poll(bench, gettokens=100)
    bench.advance(0.09)
    assert waits(held)
    bench.advance(0.01)
    assert reply(held) == TWELVE[6]


def test_a_poll_that_is_late_catches_up() -> None:
    bench = BefallenBench(pace=TEN_A_SECOND, stream_idle_s=1000)
    poll(bench, max_new_len=12, gettokens=1)
    bench.advance(100)
    assert ask(bench) == "".join(TWELVE[1:])
    assert ask(bench) == ""


def test_a_poll_that_is_held_too_long_is_told_to_come_back_and_loses_nothing() -> None:
    bench = BefallenBench(pace=Pace(first_token_s=20), long_poll_s=15)
    held = poll(bench, max_new_len=12, gettokens=100)
    bench.advance(15)
    assert code(held) == ErrorCode.NOT_READY
    bench.advance(5)
    assert ask(bench) == "".join(TWELVE)


def test_the_end_takes_as_long_as_a_token() -> None:
    bench = BefallenBench(pace=TEN_A_SECOND)
    poll(bench, max_new_len=12, gettokens=1)
    bench.advance(2 + 11 * 0.1)
    assert ask(bench) == "".join(TWELVE[1:])
    end = poll(bench)
    bench.advance(0.09)
    assert waits(end)
    bench.advance(0.01)
    assert reply(end) == ""


def test_a_reply_that_the_hub_cuts_is_let_out_at_the_pace_with_its_members() -> None:
    bench = BefallenBench(pace=TEN_A_SECOND)
    provider = bench.provider()
    held = poll(bench, gettokens=100)
    provider.answer({"reply": "one two three", "mood": "fine"})
    assert waits(held)
    bench.advance(2)
    assert content(held) == {"reply": "one", "errorcode": 0, "mood": "fine"}
    bench.advance(10)
    assert ask(bench) == " two three"


def test_a_streaming_provider_is_asked_for_no_more_than_is_due() -> None:
    bench = BefallenBench(pace=TEN_A_SECOND)
    provider = bench.provider(streaming=True)
    held = poll(bench, gettokens=100)
    bench.advance(1.99)
    assert provider.requests == []
    bench.advance(0.31)
    assert [request["gettokens"] for request in provider.requests] == [1]
    provider.answer({"reply": "one"})
    assert reply(held) == "one"
    held = poll(bench, gettokens=100)
    assert [request["gettokens"] for request in provider.requests] == [1, 3]
    bench.advance(10)
    provider.answer({"reply": " two three four"})
    assert reply(held) == " two three four"


def test_a_stream_that_is_over_leaves_no_deadline_of_its_pace() -> None:
    bench = BefallenBench(pace=Pace(tokens_per_s=1))
    poll(bench, max_new_len=1)
    end = poll(bench)
    bench.advance(1)
    assert reply(end) == ""
    bench.advance(1000)
    assert bench.state.timers.next() is None


# -- whose pace


def test_a_rules_pace_goes_before_the_services_and_that_before_the_hubs() -> None:
    rules = RuleBook()
    rules.on("quick").reply("one two").pace(first_token_s=1)
    slow = ServiceSettings("Slow", KEY, pace=Pace(first_token_s=3))
    bench = BefallenBench(ServiceSettings(SERVICE, KEY), slow, pace=Pace(first_token_s=2), rules=rules)
    for path, message, due in (("/Slow", "quick", 1), (f"/{SERVICE}", "any", 2), ("/Slow", "any", 3)):
        asked = bench.post({"message": message}, path=path)
        bench.advance(due - 0.01)
        assert waits(asked), message
        bench.advance(0.01)
        assert not waits(asked), message


def test_a_fault_slows_whatever_pace_there_is() -> None:
    bench = BefallenBench(pace=TEN_A_SECOND)
    bench.fault("first_token", seconds=5)
    asked = bench.ask(max_new_len=12)
    bench.advance(5 + 11 * 0.1 - 0.01)
    assert waits(asked)
    bench.advance(0.01)
    assert not waits(asked)
    assert bench.faults.injected == {"first_token": 1}


def test_a_fault_of_the_pace_is_used_up_by_generations_and_not_by_polls() -> None:
    bench = BefallenBench()
    assert ask(bench)
    bench.fault("first_token", seconds=5)
    assert ask(bench) == ""
    assert waits(poll(bench, key="another"))


# -- the rhythm


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"first_token_s": -1}, "`first_token_s` must be a finite number of seconds from 0; it was -1"),
        ({"first_token_s": math.inf}, "`first_token_s` must be a finite"),
        ({"tokens_per_s": 0}, "`tokens_per_s` must be above 0; it was 0"),
        ({"tokens_per_s": math.nan}, "`tokens_per_s` must be above 0"),
        ({"jitter": 1.5}, "`jitter` must be between 0 and 1; it was 1.5"),
    ],
)
def test_a_wrong_pace_says_what_is_allowed(wrong: dict[str, float], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Pace(**wrong)  # type: ignore[arg-type]  # all are numbers


def test_jitter_is_drawn_from_the_seed_and_the_prompt() -> None:
    def rhythm(seed: int = 1, text: str = "a") -> list[float]:
        pace = Pace(tokens_per_s=10, jitter=1, seed=seed)
        return [Rhythm(pace, text, START).due(number) for number in range(50)]

    assert rhythm() == rhythm()
    assert rhythm() != rhythm(seed=2)
    assert rhythm() != rhythm(text="b")


@given(
    rate=st.floats(0.01, 1e6),
    jitter=st.floats(0, 1),
    seed=st.integers(-(2**63), 2**63 - 1),
    text=st.text(max_size=20),
)
def test_jitter_makes_each_token_late_by_a_part_of_a_gap_and_no_later_one(
    rate: float, jitter: float, seed: int, text: str
) -> None:
    exact = Rhythm(Pace(1, rate), text, START)
    late = Rhythm(Pace(1, rate, jitter, seed), text, START)
    due = [late.due(number) for number in range(100)]
    assert due == sorted(due)
    for number, when in enumerate(due):
        assert exact.due(number) <= when <= exact.due(number) + jitter / rate + ROUNDING_S


@given(
    pace=st.builds(
        Pace,
        first_token_s=st.floats(0, 30),
        tokens_per_s=st.one_of(st.floats(0.5, 1000), st.just(math.inf)),
        jitter=st.floats(0, 1),
        seed=st.integers(0, 100),
    ),
    polls=st.lists(st.tuples(st.floats(0, 20), st.integers(1, 7)), max_size=20),
)
@settings(max_examples=100)
def test_however_it_is_polled_no_token_is_early_and_none_is_lost(pace: Pace, polls: list[tuple[float, int]]) -> None:
    bench = BefallenBench(pace=pace, end_kept_s=LONG_S, stream_idle_s=LONG_S)
    rhythm = Rhythm(pace, "go", START)
    given_tokens = 0
    text = ""
    for pause, gettokens in polls + [(LONG_S / 10, 7)] * 3:
        asked = poll(bench, max_new_len=12, gettokens=gettokens)
        for _ in range(20):
            if asked.answer is not None:
                break
            bench.advance(1)
        bench.advance(pause)
        piece = content(asked)["reply"] if not code(asked) else ""
        text += piece
        while "".join(TWELVE[:given_tokens]) != text:
            given_tokens += 1
            assert given_tokens <= 12
            assert asked.answered_at is not None
            assert asked.answered_at >= rhythm.due(given_tokens - 1)
    assert text == "".join(TWELVE)


def test_a_plan_lays_delays_on_top_and_keeps_the_order_of_faults() -> None:
    first, second = fault("reset"), fault("latency")
    merged = Plan(1, Pace(1), (first,)) | Plan(2, None, (second,))
    assert merged == Plan(3, Pace(1), (first, second))
    assert (merged | Plan(pace=Pace(2))).pace == Pace(2)
