"""Polls that name the piece they want, and streams of a provider that streams by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hub_bench import KEY, SERVICE, Bench, code, content, reply, waits

from mockserver import ServiceSettings

if TYPE_CHECKING:
    from mockserver.state.hub import Exchange


def poll(bench: Bench, message: str = "go", **fields: object) -> Exchange:
    return bench.ask(message, **{"key": "key1234", "gettokens": 1, **fields})


def echo(text: str, seq: int, *, done: bool = False) -> dict[str, object]:
    return {"reply": text, "errorcode": 0, "seq": seq, "done": done}


@pytest.fixture
def bench() -> Bench:
    """A bench whose stream of the reply `a b c` has not been polled since its provider answered."""
    bench = Bench()
    provider = bench.provider()
    bench.leave(poll(bench))
    provider.answer({"reply": "a b c"})
    return bench


# -- resumable polls


def test_each_answer_echoes_its_seq_and_done_is_the_empty_ends_alone(bench: Bench) -> None:
    assert [content(poll(bench, seq=seq)) for seq in range(4)] == [
        echo("a", 0),
        echo(" b", 1),
        echo(" c", 2),
        echo("", 3, done=True),
    ]


def test_the_last_piece_is_repeated_exactly_and_the_stream_goes_on_behind_it(bench: Bench) -> None:
    assert content(poll(bench, seq=0)) == echo("a", 0)
    for gettokens in (1, 2, 99):
        assert content(poll(bench, seq=0, gettokens=gettokens)) == echo("a", 0)
    assert content(poll(bench, seq=1, gettokens=99)) == echo(" b c", 1)
    assert content(poll(bench, seq=1)) == echo(" b c", 1)
    assert content(poll(bench, seq=2)) == echo("", 2, done=True)


def test_the_end_and_all_beyond_it_repeat_the_end(bench: Bench) -> None:
    for _ in range(4):
        poll(bench)
    for seq in (3, 4, 1000, 2**63 - 1):
        assert content(poll(bench, seq=seq)) == echo("", seq, done=True)
    assert content(poll(bench)) == {"reply": "", "errorcode": 0}


@pytest.mark.parametrize(("served", "wrong"), [(0, []), (1, [2, 3, 99]), (2, [0, 3]), (3, [0, 1, 4]), (4, [0, 1, 2])])
def test_any_other_seq_is_a_conflict_that_disturbs_nothing(bench: Bench, served: int, wrong: list[int]) -> None:
    pieces = ["a", " b", " c", ""]
    for _ in range(served):
        poll(bench)
    for seq in wrong:
        shown = content(poll(bench, seq=seq))
        assert (shown["errorcode"], shown["error"], shown["field"]) == (14, "stream_conflict", "seq")
        assert not {"seq", "done"} & shown.keys()
    assert [reply(poll(bench)) for _ in pieces[served:]] == pieces[served:]


def test_polls_without_seq_use_up_an_index_too(bench: Bench) -> None:
    assert reply(poll(bench)) == "a"
    assert content(poll(bench, seq=1)) == echo(" b", 1)
    assert content(poll(bench)) == {"reply": " c", "errorcode": 0}
    assert content(poll(bench, seq=2)) == echo(" c", 2)
    assert content(poll(bench, seq=3)) == echo("", 3, done=True)


def test_seq_above_0_on_an_unknown_key_is_expired_and_starts_nothing(bench: Bench) -> None:
    shown = content(poll(bench, key="unknown", seq=1))
    assert (shown["errorcode"], shown["error"]) == (18, "stream_expired")
    assert bench.entry()["numreq"] == 1


def test_a_retried_poll_races_with_the_one_it_repeats_and_gets_the_same_piece() -> None:
    bench = Bench()
    provider = bench.provider()
    polls = [poll(bench, seq=0), poll(bench, seq=0), poll(bench, seq=1), poll(bench, seq=0), poll(bench, seq=1)]
    provider.answer({"reply": "a b c"})
    assert [content(each) for each in polls[:3]] == [echo("a", 0), echo("a", 0), echo(" b", 1)]
    assert code(polls[3]) == 14
    assert content(polls[4]) == echo(" b", 1)


@pytest.mark.parametrize("seq", [-1, 1.5, "0", None, True, 2**63])
def test_a_seq_that_is_no_index_is_an_invalid_field(bench: Bench, seq: object) -> None:
    shown = content(poll(bench, seq=seq))
    assert (shown["errorcode"], shown["field"]) == (4, "seq")
    assert reply(poll(bench)) == "a"


def test_a_seq_with_a_zero_fraction_is_echoed_as_an_integer(bench: Bench) -> None:
    shown = content(poll(bench, seq=0.0))
    assert shown == echo("a", 0)
    assert type(shown["seq"]) is int


# -- a provider that streams by itself


def test_every_poll_is_forwarded_with_key_and_gettokens_and_answered_with_its_own_piece() -> None:
    bench = Bench()
    provider = bench.provider(streaming=True)
    for gettokens, piece in ((1, "a"), (7, " longer than seven words would be if there were more"), (2, "")):
        asked = poll(bench, gettokens=gettokens, extra=[1])
        assert waits(asked)
        assert provider.requests[-1] == {
            "message": "go",
            "extra": [1],
            "raw": "False",
            "key": "key1234",
            "gettokens": gettokens,
        }
        provider.answer({"reply": piece})
        assert reply(asked) == piece
    assert reply(poll(bench)) == ""
    assert len(provider.requests) == 3
    assert bench.entry()["numreq"] == 1


def test_a_whole_reply_is_asked_of_a_streaming_provider_without_key() -> None:
    bench = Bench()
    provider = bench.provider(streaming=True)
    asked = bench.ask("go", gettokens=5)
    assert provider.requests == [{"message": "go", "raw": "False"}]
    provider.answer({"reply": "all"})
    assert reply(asked) == "all"


@pytest.mark.parametrize("streaming", [False, None, "true", 1])
def test_only_true_makes_a_provider_a_streaming_one(streaming: object) -> None:
    bench = Bench()
    provider = bench.provider(streaming=streaming)
    poll(bench)
    assert provider.requests == [{"message": "go", "raw": "False"}]


def test_the_providers_own_17_passes_through_and_the_stream_goes_on() -> None:
    bench = Bench()
    provider = bench.provider(streaming=True)
    for piece in ("a", " b"):
        held = poll(bench, seq=("a", " b").index(piece))
        provider.answer({"reply": "later", "errorcode": 17})
        assert content(held) == {"reply": "later", "errorcode": 17}
        asked = poll(bench, seq=("a", " b").index(piece))
        provider.answer({"reply": piece})
        assert reply(asked) == piece


def test_a_piece_whose_poll_left_waits_for_the_next_poll() -> None:
    bench = Bench()
    provider = bench.provider(streaming=True)
    bench.leave(poll(bench, seq=0))
    provider.answer({"reply": "a"})
    assert content(poll(bench, seq=0)) == echo("a", 0)
    assert len(provider.requests) == 1


def test_a_piece_that_comes_after_its_poll_was_held_too_long_waits_too() -> None:
    bench = Bench(long_poll_s=15)
    provider = bench.provider(streaming=True)
    held = poll(bench)
    bench.advance(15)
    assert code(held) == 17
    following = poll(bench)
    assert len(provider.requests) == 1
    provider.answer({"reply": "a"})
    assert reply(following) == "a"


def test_racing_polls_are_forwarded_one_after_another() -> None:
    bench = Bench()
    provider = bench.provider(streaming=True)
    first, second = poll(bench, gettokens=1), poll(bench, gettokens=2)
    assert len(provider.requests) == 1
    provider.answer({"reply": "a"})
    assert (reply(first), waits(second)) == ("a", True)
    provider.answer({"reply": " b c"})
    assert reply(second) == " b c"
    assert [request["gettokens"] for request in provider.requests] == [1, 2]


def test_a_failure_before_the_first_piece_is_told_to_all_who_wait_and_frees_the_key() -> None:
    bench = Bench()
    provider = bench.provider(streaming=True)
    both = [poll(bench), poll(bench)]
    provider.answer({"reply": "no", "errorcode": 99})
    assert [content(each) for each in both] == [{"reply": "no", "errorcode": 99}] * 2
    assert waits(poll(bench))


@pytest.mark.parametrize("loss", ["drop", "timeout", "garbage", "bad digits"])
def test_a_lost_provider_after_a_piece_is_final_and_never_looks_like_an_end(loss: str) -> None:
    bench = Bench(provider_answer_s=10, long_poll_s=15)
    provider = bench.provider(streaming=True)
    first = poll(bench, seq=0)
    provider.answer({"reply": "a"})
    asked = poll(bench, seq=1)
    if loss == "drop":
        provider.drop()
    elif loss == "timeout":
        bench.advance(10)
    else:
        provider.send(b"00000000" if loss == "garbage" else b"garbage!")
    lost = 12 if loss == "timeout" else 13
    assert (reply(first), code(asked)) == ("a", lost)
    bench.provider(streaming=True)
    assert [code(poll(bench, seq=seq)) for seq in (0, 1, 2)] == [lost] * 3


@pytest.mark.parametrize("when", ["waiting", "later"])
def test_a_stream_is_broken_when_its_provider_comes_back_as_a_plain_one(when: str) -> None:
    bench = Bench()
    provider = bench.provider(streaming=True)
    poll(bench)
    provider.answer({"reply": "a"})
    provider.drop()
    waiting = poll(bench) if when == "waiting" else None
    whole = bench.ask("whole")
    plain = bench.provider()
    assert code(waiting or poll(bench)) == 13
    assert code(poll(bench)) == 13
    assert plain.requests == [{"message": "whole", "raw": "False"}]
    plain.answer({"reply": "all"})
    assert reply(whole) == "all"


def test_a_plain_provider_that_takes_over_is_never_shown_a_stream_key() -> None:
    bench = Bench()
    streaming = bench.provider(streaming=True)
    polls = [poll(bench, key=key) for key in ("one", "two", "three")]
    plain = bench.provider()
    assert [code(each) for each in polls] == [13] * 3
    assert not plain.requests
    assert streaming.is_closed
    again = poll(bench, key="one")
    assert plain.requests == [{"message": "go", "raw": "False"}]
    plain.answer({"reply": "a b"})
    assert reply(again) == "a"


def test_a_request_that_only_its_key_makes_too_large_is_refused_and_not_counted() -> None:
    plain_frame = len('{"message": "", "raw": "False"}')
    bench = Bench(provider_frame_bytes=plain_frame + 100)
    provider = bench.provider(streaming=True)
    assert code(poll(bench, "x" * 95)) == 11
    assert bench.entry()["numreq"] == 0
    assert waits(bench.ask("x" * 95))
    assert len(provider.requests) == 1


def test_a_later_poll_that_finds_the_queue_full_or_nobody_there_is_final() -> None:
    bench = Bench(ServiceSettings(SERVICE, KEY), queue_s=30)
    provider = bench.provider(streaming=True)
    poll(bench)
    provider.answer({"reply": "a"})
    provider.drop()
    bench.advance(30)
    assert code(poll(bench)) == 7
    bench.provider(streaming=True)
    assert code(poll(bench)) == 7
