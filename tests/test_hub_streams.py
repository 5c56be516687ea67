"""Streams at the hub: how a reply becomes pieces, polls that race, wait and leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hub_bench import Bench, code, content, reply, waits

from mockserver.tokens import cut

if TYPE_CHECKING:
    from mockserver.state.hub import Exchange

TEXT = "One two three, four five six. Seven eight nine; ten eleven twelve!"


def poll(bench: Bench, message: str = "go", **fields: object) -> Exchange:
    return bench.ask(message, **{"key": "key1234", **fields})


def drain(bench: Bench, **fields: Any) -> list[str]:
    """Polls until the empty end; returns the pieces."""
    pieces = []
    while piece := reply(poll(bench, **fields)):
        pieces.append(piece)
    return pieces


# -- pieces


@pytest.mark.parametrize("gettokens", [1, 2, 7, 20, 1000])
def test_the_pieces_in_their_order_are_the_reply(gettokens: int) -> None:
    bench = Bench()
    provider = bench.provider()
    first = poll(bench, gettokens=gettokens)
    assert waits(first)
    provider.answer({"reply": TEXT})
    pieces = [reply(first), *drain(bench, gettokens=gettokens)]
    assert "".join(pieces) == TEXT
    assert len(pieces) == -(-len(cut(TEXT)) // gettokens)
    assert provider.messages == ["go"]


def test_gettokens_is_twenty_when_left_out_and_may_change_from_poll_to_poll() -> None:
    bench = Bench()
    provider = bench.provider()
    first = poll(bench, gettokens=1)
    provider.answer({"reply": "word " * 50})
    assert len(cut(reply(first))) == 1
    assert len(cut(reply(poll(bench)))) == 20
    assert len(cut(reply(poll(bench, gettokens="3")))) == 3
    assert len(cut(reply(poll(bench, gettokens=2.0)))) == 2


def test_the_first_polls_fields_rule_the_generation() -> None:
    bench = Bench()
    provider = bench.provider()
    poll(bench, gettokens=1, seed=1, temperature=0.5)
    poll(bench, gettokens=1, seed=2)
    provider.answer({"reply": TEXT})
    assert [(row["seed"], row["temperature"]) for row in provider.requests] == [(1, 0.5)]


def test_the_simulated_model_streams_what_it_answers_as_a_whole() -> None:
    bench = Bench()
    whole = reply(bench.ask("go", seed=5))
    assert "".join(drain(bench, gettokens=3, seed=5)) == whole


def test_a_stream_goes_on_by_the_simulated_model_when_a_provider_logs_in() -> None:
    bench = Bench()
    whole = reply(bench.ask("go"))
    first = reply(poll(bench, gettokens=4))
    provider = bench.provider()
    assert first + "".join(drain(bench)) == whole
    assert not provider.requests


def test_an_empty_whole_reply_is_the_end_at_once() -> None:
    bench = Bench()
    provider = bench.provider()
    first = poll(bench, seq=0)
    provider.answer({"reply": ""})
    assert content(first) == {"reply": "", "errorcode": 0, "seq": 0, "done": True}


def test_no_tokens_wanted_is_the_end_at_once_even_without_a_provider() -> None:
    bench = Bench(queue_s=30)
    bench.provider().drop()
    bench.advance(31)
    assert reply(poll(bench, max_new_len=0)) == ""
    assert reply(bench.ask(max_new_len=0)) == ""


def test_extra_members_of_the_providers_answer_come_with_every_piece_and_every_end() -> None:
    bench = Bench()
    provider = bench.provider()
    first = poll(bench, gettokens=1)
    provider.answer({"reply": "a b", "model": "tiny", "done": 7, "seq": 9})
    assert [content(each) for each in (first, poll(bench), poll(bench), poll(bench))] == [
        {"reply": text, "errorcode": 0, "model": "tiny"} for text in ("a", " b", "", "")
    ]


@pytest.mark.parametrize("key", [None, ""])
def test_no_key_is_a_whole_reply(key: str | None) -> None:
    bench = Bench()
    provider = bench.provider()
    asked = bench.ask("go", key=key, gettokens=1, seq=3)
    provider.answer({"reply": TEXT})
    assert content(asked) == {"reply": TEXT, "errorcode": 0}


# -- racing and leaving


def test_racing_polls_are_served_in_their_order_each_token_once() -> None:
    bench = Bench()
    provider = bench.provider()
    polls = [poll(bench, gettokens=count) for count in (1, 2, 3, 1, 50, 1, 1)]
    assert all(map(waits, polls))
    provider.answer({"reply": TEXT})
    assert "".join(map(reply, polls)) == TEXT
    assert [len(cut(reply(each))) for each in polls] == [1, 2, 3, 1, len(cut(TEXT)) - 7, 0, 0]
    assert provider.messages == ["go"]


def test_a_poll_that_leaves_before_the_text_came_takes_nothing_with_it() -> None:
    bench = Bench()
    provider = bench.provider()
    gone, stays = poll(bench, gettokens=2), poll(bench, gettokens=3)
    bench.leave(gone)
    provider.answer({"reply": TEXT})
    assert waits(gone)
    assert reply(stays) == "".join(cut(TEXT)[:3])


def test_a_stream_whose_only_poll_left_is_generated_on_and_read_later() -> None:
    bench = Bench()
    provider = bench.provider()
    bench.leave(poll(bench))
    provider.answer({"reply": TEXT})
    assert "".join(drain(bench)) == TEXT
    assert provider.messages == ["go"]


def test_a_conflict_behind_a_poll_that_leaves_is_answered_at_once() -> None:
    bench = Bench()
    bench.provider()
    head, wrong = poll(bench, seq=0), poll(bench, seq=7)
    assert waits(wrong)
    bench.leave(head)
    assert code(wrong) == 14


def test_a_conflict_behind_a_poll_that_was_held_too_long_is_answered_with_it() -> None:
    bench = Bench(long_poll_s=15)
    bench.provider()
    head = poll(bench, seq=0)
    bench.advance(5)
    wrong = poll(bench, seq=7)
    bench.advance(10)
    assert (code(head), code(wrong)) == (17, 14)


# -- not ready


def test_a_poll_is_held_for_long_poll_s_and_then_loses_nothing() -> None:
    bench = Bench(long_poll_s=15)
    provider = bench.provider()
    early = poll(bench, seq=0)
    bench.advance(10)
    late = poll(bench, seq=0)
    bench.advance(4.9)
    assert waits(early)
    bench.advance(0.1)
    shown = content(early)
    assert (shown["errorcode"], shown["error"]) == (17, "not_ready")
    assert shown.keys() == {"reply", "errorcode", "error"}
    assert waits(late)
    provider.answer({"reply": "soon"})
    assert content(late) == {"reply": "soon", "errorcode": 0, "seq": 0, "done": False}
    assert provider.messages == ["go"]


def test_many_holds_in_a_row_lose_nothing_and_use_up_no_index() -> None:
    bench = Bench(long_poll_s=15, provider_answer_s=1000, stream_idle_s=20)
    provider = bench.provider()
    for _ in range(10):
        held = poll(bench, seq=0)
        bench.advance(15)
        assert code(held) == 17
    provider.answer({"reply": TEXT})
    assert content(poll(bench, seq=0, gettokens=99)) == {"reply": TEXT, "errorcode": 0, "seq": 0, "done": False}
    assert content(poll(bench, seq=1)) == {"reply": "", "errorcode": 0, "seq": 1, "done": True}


def test_a_poll_answered_in_time_is_not_answered_again_when_its_hold_would_end() -> None:
    bench = Bench(long_poll_s=15)
    provider = bench.provider()
    held = poll(bench)
    provider.answer({"reply": TEXT})
    shown = content(held)
    bench.advance(20)
    assert content(held) == shown


def test_a_held_poll_keeps_its_stream_from_being_idle() -> None:
    bench = Bench(stream_idle_s=5, long_poll_s=15)
    provider = bench.provider()
    held = poll(bench)
    bench.advance(14)
    provider.answer({"reply": "soon"})
    assert reply(held) == "soon"
