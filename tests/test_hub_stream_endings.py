"""How streams at the hub end: the end, failures, idle ones, and the table of them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hub_bench import KEY, SERVICE, Bench, broken, code, content, ended, flowing, poll, reply, waits

from mockserver import ServiceSettings
from mockserver.state.streams import Stream
from neuroengine._generated.machines import HUB_STREAM, HubStreamEvent, HubStreamState

if TYPE_CHECKING:
    from mockserver.state.hub import Exchange

OTHER = "Other-1"
Transition = tuple[HubStreamState, HubStreamEvent]


# -- the end


def test_the_end_is_kept_for_its_message_and_then_the_key_is_new() -> None:
    bench = ended(end_kept_s=60)
    provider = bench.provider()
    bench.advance(59.9)
    assert reply(poll(bench)) == ""
    assert not provider.requests
    bench.advance(0.1)
    again = poll(bench)
    assert provider.messages == ["go"]
    provider.answer({"reply": "anew"})
    assert reply(again) == "anew"


def test_another_message_after_the_end_starts_a_new_generation_at_once() -> None:
    bench = ended(end_kept_s=60)
    provider = bench.provider()
    other = poll(bench, "another")
    provider.answer({"reply": "anew"})
    assert (reply(other), reply(poll(bench, "another"))) == ("anew", "")
    bench.advance(59)
    assert reply(poll(bench, "another")) == ""
    assert provider.messages == ["another"]


def test_the_forgetting_of_an_old_end_does_not_touch_the_stream_that_took_its_key() -> None:
    bench = ended(end_kept_s=60)
    provider = bench.provider()
    bench.advance(50)
    poll(bench, "another")
    provider.answer({"reply": "x y"})
    bench.advance(20)
    assert [reply(poll(bench, "another")) for _ in range(2)] == [" y", ""]
    assert provider.messages == ["another"]


def test_a_refused_new_generation_leaves_the_old_end_in_place() -> None:
    bench = Bench(ServiceSettings(SERVICE, KEY, quota=1))
    while reply(poll(bench)):
        pass
    assert code(poll(bench, "another")) == 9
    assert reply(poll(bench)) == ""
    assert bench.entry()["numreq"] == 1


def test_another_message_before_the_end_is_a_conflict_and_disturbs_nothing() -> None:
    bench = Bench()
    provider = bench.provider()
    waiting = poll(bench)
    assert code(poll(bench, "another")) == 14
    provider.answer({"reply": "a b"})
    shown = content(poll(bench, "another"))
    assert (shown["errorcode"], shown["error"]) == (14, "stream_conflict")
    assert [reply(waiting), reply(poll(bench)), reply(poll(bench))] == ["a", " b", ""]
    assert provider.messages == ["go"]


# -- idle streams


def test_a_stream_polled_again_in_time_is_not_idle() -> None:
    bench = flowing(stream_idle_s=120)
    for piece in (" b", " c", ""):
        bench.advance(119.9)
        assert reply(poll(bench)) == piece


def test_an_abandoned_stream_is_dropped_answers_18_and_is_then_new() -> None:
    bench = flowing(stream_idle_s=120, end_kept_s=60)
    bench.advance(120)
    provider = bench.provider()
    for message in ("go", "another"):
        shown = content(poll(bench, message))
        assert (shown["errorcode"], shown["error"]) == (18, "stream_expired")
    bench.advance(59.9)
    assert code(poll(bench, seq=1)) == 18
    bench.advance(0.1)
    fresh = poll(bench)
    provider.answer({"reply": "anew"})
    assert reply(fresh) == "anew"


def test_a_stream_that_was_dropped_before_its_text_came_gives_its_provider_back() -> None:
    bench = Bench(stream_idle_s=20, long_poll_s=15, provider_answer_s=1000)
    provider = bench.provider()
    poll(bench)
    queued = bench.ask("queued")
    bench.advance(20)
    assert code(poll(bench)) == 18
    provider.answer({"reply": "late"})
    assert provider.messages == ["go", "queued"]
    provider.answer({"reply": "q"})
    assert reply(queued) == "q"


def test_a_stream_dropped_while_it_is_queued_is_never_asked_for() -> None:
    bench = Bench(stream_idle_s=20, long_poll_s=15, provider_answer_s=1000)
    provider = bench.provider()
    first = bench.ask("first")
    poll(bench)
    assert bench.entry()["queuelen"] == 1
    bench.advance(20)
    assert bench.entry()["queuelen"] == 0
    provider.answer({"reply": "1"})
    assert reply(first) == "1"
    assert provider.messages == ["first"]


# -- failures


def test_a_failure_before_the_first_piece_frees_the_key_for_any_message() -> None:
    bench = Bench()
    provider = bench.provider()
    waiting = [poll(bench), poll(bench)]
    provider.answer({"reply": "no", "errorcode": 4711})
    assert [content(each) for each in waiting] == [{"reply": "no", "errorcode": 4711}] * 2
    again = poll(bench, "another")
    provider.answer({"reply": "yes"})
    assert reply(again) == "yes"
    assert provider.messages == ["go", "another"]


def test_a_stream_that_failed_is_over_and_does_not_become_idle_later() -> None:
    bench = Bench(stream_idle_s=120)
    provider = bench.provider()
    first = poll(bench)
    provider.answer({"reply": "no", "errorcode": 4711})
    bench.advance(60)
    second = poll(bench)
    provider.answer({"reply": "a b"})
    bench.advance(100)
    assert (code(first), reply(second), reply(poll(bench))) == (4711, "a", " b")
    assert bench.state.timers.next() is not None


def test_a_key_is_free_before_its_failure_is_told() -> None:
    bench = Bench()
    provider = bench.provider()
    waiting = poll(bench)
    retries: list[Exchange] = []
    waiting.answered = lambda: retries.append(poll(bench))
    provider.answer({"reply": "no", "errorcode": 4711})
    assert provider.messages == ["go", "go"]
    provider.answer({"reply": "yes"})
    assert reply(retries[0]) == "yes"


def test_a_lost_provider_before_the_first_piece_frees_the_key() -> None:
    bench = Bench()
    provider = bench.provider()
    waiting = poll(bench)
    provider.drop()
    assert code(waiting) == 13
    follower = bench.provider()
    again = poll(bench)
    follower.answer({"reply": "yes"})
    assert reply(again) == "yes"


def test_a_failure_that_no_poll_saw_is_told_to_the_next_one_and_frees_the_key() -> None:
    bench = Bench()
    provider = bench.provider()
    bench.leave(poll(bench))
    provider.answer({"reply": "no", "errorcode": 5})
    assert content(poll(bench)) == {"reply": "no", "errorcode": 5}
    assert waits(poll(bench))
    assert provider.messages == ["go", "go"]


def test_a_plain_providers_own_17_is_its_failure() -> None:
    bench = Bench()
    provider = bench.provider()
    waiting = poll(bench)
    provider.answer({"reply": "later", "errorcode": 17})
    assert content(waiting) == {"reply": "later", "errorcode": 17}
    assert waits(poll(bench))
    assert provider.messages == ["go", "go"]


def test_a_provider_lost_after_its_reply_came_whole_costs_the_stream_nothing() -> None:
    bench = flowing()
    bench.provider().drop()
    bench.advance(100)
    assert [reply(poll(bench)) for _ in range(3)] == [" b", " c", ""]


def test_a_failure_after_a_piece_is_repeated_for_end_kept_s_and_then_the_key_is_new() -> None:
    bench = broken(end_kept_s=60)
    for seq in (None, 0, 1, 7):
        shown = content(poll(bench) if seq is None else poll(bench, seq=seq))
        assert shown == {"reply": "no", "errorcode": 4711}
    bench.advance(59.9)
    assert code(poll(bench)) == 4711
    bench.advance(0.1)
    provider = bench.provider()
    again = poll(bench)
    provider.answer({"reply": "yes"})
    assert reply(again) == "yes"


@pytest.mark.parametrize("away", ["never", "before the poll", "during the poll"])
def test_a_stream_that_one_provider_began_no_other_one_goes_on_with(away: str) -> None:
    bench = Bench()
    first = bench.provider(streaming=True)
    begun = poll(bench)
    first.answer({"reply": "a"})
    assert reply(begun) == "a"
    if away != "never":
        first.drop()
    if away == "during the poll":
        lost = poll(bench)
    second = bench.provider(streaming=True)
    if away != "during the poll":
        lost = poll(bench)
    assert code(lost) == 13
    assert second.requests == []
    assert code(poll(bench)) == 13
    again = poll(bench, key="another key")
    second.answer({"reply": "a"})
    assert reply(again) == "a"


def test_a_stream_that_has_no_piece_yet_waits_for_the_next_provider() -> None:
    bench = Bench()
    bench.provider(streaming=True).drop()
    first = poll(bench)
    provider = bench.provider(streaming=True)
    provider.answer({"reply": "a"})
    assert reply(first) == "a"


def test_another_message_after_a_failure_starts_a_new_generation_at_once() -> None:
    bench = broken()
    provider = bench.provider(streaming=True)
    again = poll(bench, "another")
    provider.answer({"reply": "yes"})
    assert reply(again) == "yes"
    assert provider.messages == ["another"]


# -- the table


def test_these_streams_walk_through_the_whole_table_and_never_leave_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[Transition] = set()
    fire = Stream._fire

    def noted(stream: Stream, event: HubStreamEvent) -> None:
        seen.add((stream.state, event))
        fire(stream, event)

    monkeypatch.setattr(Stream, "_fire", noted)
    held = Bench(long_poll_s=15)
    held.provider(streaming=True)
    poll(held)
    held.advance(15)
    flow = Bench(long_poll_s=15)
    provider = flow.provider(streaming=True)
    poll(flow)
    provider.answer({"reply": "a"})
    poll(flow)
    flow.advance(15)
    wrong = ended()
    poll(wrong, seq=0)
    poll(wrong)
    test_another_message_before_the_end_is_a_conflict_and_disturbs_nothing()
    test_an_abandoned_stream_is_dropped_answers_18_and_is_then_new()
    test_a_stream_that_was_dropped_before_its_text_came_gives_its_provider_back()
    test_the_end_is_kept_for_its_message_and_then_the_key_is_new()
    test_another_message_after_the_end_starts_a_new_generation_at_once()
    test_a_failure_after_a_piece_is_repeated_for_end_kept_s_and_then_the_key_is_new()
    test_another_message_after_a_failure_starts_a_new_generation_at_once()
    test_a_lost_provider_before_the_first_piece_frees_the_key()
    no_end = Bench()
    assert reply(poll(no_end, max_new_len=0)) == ""
    assert seen == set(HUB_STREAM)
