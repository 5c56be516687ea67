"""Faults of a provider where there is none: the simulated model stands in for it, and the hub protects its clients."""

from __future__ import annotations

import pytest
from befallen_bench import BefallenBench
from hub_bench import KEY, SERVICE, Bench, code, poll, reply, waits

from mockserver import ServiceSettings
from mockserver.faults import FAULTS, fault
from mockserver.rules import RuleBook
from mockserver.state.plan import PROVIDER_LEGS
from neuroengine._generated.registry import HUB_LIMITS, ErrorCode

ANSWER_S = HUB_LIMITS["provider_answer_s"]
LOST, GIVEN_UP = ErrorCode.PROVIDER_ERROR, ErrorCode.PROVIDER_TIMEOUT
OUTCOMES = {
    "frame_lost": GIVEN_UP,
    "frame_late": 0,
    "frame_cut": 0,
    "frame_drip": 0,
    "frame_with_ping": 0,
    "frame_twice": 0,
    "frame_garbage": LOST,
    "link_dropped": LOST,
    "link_reset": LOST,
    "provider_death": LOST,
    "provider_reset": LOST,
    "provider_silence": GIVEN_UP,
    "provider_late": 0,
    "provider_drip": 0,
    "provider_garbage": LOST,
    "provider_nonsense": LOST,
    "provider_twice": 0,
    "provider_extra": 0,
}
"""What a client gets, by the code of its answer."""


UNASKED = ["provider_twice", "provider_extra"]
"""Bytes that nobody asked for close the link, and a stream that lives on it ends with it."""
HARMLESS = [name for name, outcome in OUTCOMES.items() if not outcome and name not in {"frame_twice", *UNASKED}]
"""A provider that gets a poll twice says the next piece to nobody."""


def stream(bench: Bench, key: str = "stream", seconds: float = 0) -> list[str]:
    """The pieces of a whole stream."""
    pieces = []
    while piece := after(bench, key=key, gettokens=5, seconds=seconds):
        pieces.append(piece)
    return pieces


def after(bench: Bench, message: str = "go", *, seconds: float = 0, **fields: object) -> str:
    """The reply to a request, after some time."""
    asked = bench.ask(message, **fields)
    bench.advance(seconds)
    return reply(asked)


def test_the_table_knows_every_fault_on_a_providers_leg() -> None:
    assert set(OUTCOMES) == {name for name, kind in FAULTS.items() if set(kind.legs) & set(PROVIDER_LEGS)}


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_client_gets_one_answer_and_the_next_client_gets_the_models(name: str) -> None:
    usual = reply(BefallenBench().ask("go", max_new_len=8))
    bench = BefallenBench()
    bench.fault(name)
    asked = bench.ask("go", max_new_len=8)
    bench.advance(ANSWER_S)
    assert code(asked) == OUTCOMES[name]
    assert code(asked) or reply(asked) == usual
    assert bench.faults.injected == {name: 1}
    assert after(bench, max_new_len=8) == usual
    assert bench.entry()["numreq"] == 2


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_fault_that_stays_costs_every_client_one_answer_and_the_hub_nothing(name: str) -> None:
    bench = BefallenBench()
    bench.fault(name, times=None)
    asked = [bench.ask(f"{number}", max_new_len=8) for number in range(5)]
    bench.advance(20 * ANSWER_S)
    assert {code(one) for one in asked} == {OUTCOMES[name]}
    bench.faults.clear()
    bench.advance(2 * ANSWER_S)
    assert after(bench)
    assert bench.entry()["connected"]


@pytest.mark.parametrize("name", UNASKED)
def test_a_stream_ends_with_the_link_that_unasked_bytes_close(name: str) -> None:
    bench = BefallenBench()
    bench.fault(name, piece=1)
    assert after(bench, key="stream", gettokens=5, seconds=30)
    asked = bench.ask("go", key="stream", gettokens=5)
    bench.advance(30)
    assert code(asked) == LOST


@pytest.mark.parametrize("name", HARMLESS)
def test_a_stream_that_a_harmless_fault_befalls_gives_the_models_text(name: str) -> None:
    usual = "".join(stream(BefallenBench()))
    bench = BefallenBench()
    bench.fault(name, piece=2)
    assert "".join(stream(bench, seconds=30)) == usual
    assert bench.faults.injected == {name: 1}


def test_a_provider_that_dies_before_the_first_piece_frees_the_key() -> None:
    usual = stream(BefallenBench())
    bench = BefallenBench()
    bench.fault("provider_death")
    lost = bench.ask("go", key="stream", gettokens=5)
    bench.advance(0)
    assert code(lost) == LOST
    assert stream(bench) == usual


def test_a_provider_that_is_given_up_before_the_first_piece_does_not_spoil_the_next_stream_under_the_key() -> None:
    usual = stream(BefallenBench())
    bench = BefallenBench(long_poll_s=ANSWER_S + 1)
    bench.fault("provider_late", seconds=ANSWER_S + 10)
    lost = bench.ask("go", key="stream", gettokens=5)
    bench.advance(ANSWER_S)
    assert code(lost) == GIVEN_UP
    bench.advance(10)  # the late answer comes, and is thrown away
    bench.fault("frame_cut")  # the model goes on standing in
    first = bench.ask("go", key="stream", gettokens=5)
    bench.advance(0)
    assert reply(first) == usual[0]


def test_a_provider_that_dies_at_a_later_piece_breaks_the_stream_for_good() -> None:
    usual = stream(BefallenBench())
    bench = BefallenBench()
    bench.fault("provider_death", piece=3)
    assert [after(bench, key="one", gettokens=5) for _ in range(2)] == usual[:2]
    for _ in range(3):
        broken = bench.ask("go", key="one", gettokens=5)
        bench.advance(0)
        assert code(broken) == LOST
    assert stream(bench) == usual


def test_a_rule_may_let_the_provider_die_at_a_piece() -> None:
    rules = RuleBook()
    rules.on("doomed").fault(fault("provider_death", piece=2))
    bench = BefallenBench(rules=rules)
    assert after(bench, "doomed", key="one", gettokens=5)
    lost = bench.ask("doomed", key="one", gettokens=5)
    bench.advance(0)
    assert code(lost) == LOST
    assert after(bench, "spared")
    assert bench.faults.injected == {"provider_death": 1}


def test_requests_for_a_silent_provider_wait_in_its_queue_and_others_do_not() -> None:
    bench = BefallenBench(ServiceSettings(SERVICE, KEY), ServiceSettings("Other", KEY))
    bench.fault("provider_silence", service=SERVICE)
    silent = poll(bench)
    assert waits(silent)
    assert reply(bench.post({"message": "hi"}, path="/Other"))
    bench.advance(ANSWER_S)
    assert code(silent) == ErrorCode.NOT_READY


def test_a_real_provider_that_logs_in_takes_over_from_the_model_that_stood_in() -> None:
    bench = BefallenBench()
    bench.fault("frame_cut")
    assert after(bench)
    provider = bench.provider()
    asked = bench.ask("for the real one")
    assert provider.messages == ["for the real one"]
    provider.answer({"reply": "here"})
    assert reply(asked) == "here"
