"""A provider's connection at the hub: one request at a time, late and unasked bytes, timeouts, pings."""

from __future__ import annotations

import json

import pytest
from hub_bench import KEY, SERVICE, Bench, code, content, payload, reply, waits

from mockserver import ServiceSettings

LOGIN = json.dumps({"user": SERVICE, "key": KEY}).encode()
OTHER = "Other-1"
ANSWER = payload({"reply": "late"})

# -- one request at a time


def test_at_most_one_request_is_outstanding_and_they_go_in_order() -> None:
    bench = Bench()
    provider = bench.provider()
    asked = [bench.ask(str(number)) for number in range(5)]
    for number, exchange in enumerate(asked):
        assert provider.messages == [str(sent) for sent in range(number + 1)]
        provider.answer({"reply": f"re {number}"})
        assert reply(exchange) == f"re {number}"
    assert len(provider.requests) == 5


def test_two_services_are_served_side_by_side() -> None:
    bench = Bench(ServiceSettings(SERVICE, KEY), ServiceSettings(OTHER, "OTHERKEY"))
    one, two = bench.provider(), bench.provider(OTHER, "OTHERKEY")
    first, second = bench.ask("one"), bench.post({"message": "two"}, f"/{OTHER}/")
    two.answer({"reply": "from two"})
    assert waits(first)
    assert reply(second) == "from two"
    one.answer({"reply": "from one"})
    assert reply(first) == "from one"


@pytest.mark.parametrize("cut", [0, 5, 8, 20])
def test_bytes_behind_an_answer_close_the_link_and_reach_nobody(cut: int) -> None:
    bench = Bench()
    provider = bench.provider()
    first, second = bench.ask("one"), bench.ask("two")
    both = payload({"reply": "1"}) + payload({"reply": "not for two"})
    provider.send(both[:cut], both[cut:]) if cut else provider.send(both)
    assert reply(first) == "1"
    assert waits(second)
    assert provider.is_closed
    follower = bench.provider()
    assert follower.messages == ["two"]
    follower.answer({"reply": "2"})
    assert reply(second) == "2"


def test_an_answer_cut_before_the_next_request_is_not_taken_for_an_unasked_one() -> None:
    bench = Bench()
    provider = bench.provider()
    first, second = bench.ask("one"), bench.ask("two")
    provider.send(payload({"reply": "1"}))
    provider.send(payload({"reply": "2"}))
    assert (reply(first), reply(second)) == ("1", "2")
    assert not provider.is_closed


@pytest.mark.parametrize("unasked", [b"0", b"00000000", b"OK", b"{}", b" ", ANSWER])
def test_bytes_that_nobody_asked_for_close_the_link(unasked: bytes) -> None:
    bench = Bench()
    provider = bench.provider()
    served = bench.ask()
    provider.answer({"reply": "x"})
    provider.send(unasked)
    assert provider.is_closed
    assert reply(served) == "x"
    assert not bench.entry()["connected"]


# -- lost, late and given up


@pytest.mark.parametrize("size", range(len(ANSWER)))
def test_a_link_that_closes_inside_an_answer_costs_its_client_one_error_at_once(size: int) -> None:
    bench = Bench()
    provider = bench.provider()
    asked = bench.ask()
    if size:
        provider.send(ANSWER[:size])
    assert waits(asked)
    provider.drop()
    shown = content(asked)
    assert (shown["errorcode"], shown["error"]) == (13, "provider_error")


def test_a_request_left_unanswered_times_out_and_its_late_answer_is_thrown_away() -> None:
    bench = Bench(provider_answer_s=180)
    provider = bench.provider()
    late, queued = bench.ask("late"), bench.ask("queued")
    bench.advance(179.9)
    assert waits(late)
    bench.advance(0.1)
    shown = content(late)
    assert (shown["errorcode"], shown["error"]) == (12, "provider_timeout")
    assert provider.messages == ["late"]
    bench.advance(100)
    provider.send(ANSWER[:9], ANSWER[9:])
    assert provider.messages == ["late", "queued"]
    provider.answer({"reply": "q"})
    assert reply(queued) == "q"
    assert not provider.is_closed


def test_the_answer_timeout_counts_from_the_request_and_not_from_its_place_in_the_queue() -> None:
    bench = Bench(provider_answer_s=10)
    provider = bench.provider()
    first, second = bench.ask("one"), bench.ask("two")
    bench.advance(9)
    provider.answer({"reply": "1"})
    bench.advance(9.5)
    assert waits(second)
    bench.advance(0.5)
    assert (code(first), code(second)) == (0, 12)


def test_an_answer_in_time_stops_its_timeout() -> None:
    bench = Bench(provider_answer_s=10, ping_s=1000)
    provider = bench.provider()
    asked = bench.ask()
    provider.answer({"reply": "x"})
    bench.advance(100)
    assert reply(asked) == "x"
    assert not provider.is_closed


def test_a_provider_that_stays_silent_through_a_second_timeout_is_dropped() -> None:
    bench = Bench(provider_answer_s=10, queue_s=5)
    provider = bench.provider()
    asked, queued = bench.ask("one"), bench.ask("two")
    bench.advance(19.9)
    assert (code(asked), provider.is_closed) == (12, False)
    bench.advance(0.1)
    assert provider.is_closed
    assert waits(queued)
    bench.advance(5)
    assert code(queued) == 7


def test_the_rest_of_an_answer_that_was_late_in_the_middle_is_thrown_away_too() -> None:
    bench = Bench(provider_answer_s=10)
    provider = bench.provider()
    late, queued = bench.ask("one"), bench.ask("two")
    provider.send(ANSWER[:15])
    bench.advance(10)
    provider.send(ANSWER[15:])
    assert code(late) == 12
    assert provider.messages == ["one", "two"]
    provider.answer({"reply": "2"})
    assert reply(queued) == "2"


def test_the_answer_to_a_client_that_has_gone_reaches_nobody() -> None:
    bench = Bench()
    provider = bench.provider()
    gone, queued = bench.ask("gone"), bench.ask("queued")
    bench.leave(gone)
    assert provider.messages == ["gone"]
    provider.answer({"reply": "for the one who has gone"})
    assert provider.messages == ["gone", "queued"]
    provider.answer({"reply": "q"})
    assert reply(queued) == "q"
    assert waits(gone)


def test_a_provider_that_owes_a_late_answer_for_too_long_is_dropped() -> None:
    bench = Bench(provider_answer_s=10)
    provider = bench.provider()
    gone = bench.ask("gone")
    bench.advance(5)
    bench.leave(gone)
    bench.advance(9.9)
    assert not provider.is_closed
    bench.advance(0.1)
    assert provider.is_closed


def test_a_client_that_leaves_while_queued_is_never_asked_for() -> None:
    bench = Bench()
    provider = bench.provider()
    first, gone, last = bench.ask("first"), bench.ask("gone"), bench.ask("last")
    bench.leave(gone)
    provider.answer({"reply": "1"})
    provider.answer({"reply": "3"})
    assert provider.messages == ["first", "last"]
    assert (reply(first), reply(last)) == ("1", "3")


def test_a_client_that_leaves_twice_or_after_its_answer_changes_nothing() -> None:
    bench = Bench()
    provider = bench.provider()
    done = bench.ask("done")
    provider.answer({"reply": "d"})
    bench.leave(done)
    gone, last = bench.ask("gone"), bench.ask("last")
    bench.leave(gone)
    bench.leave(gone)
    provider.answer({"reply": "g"})
    provider.answer({"reply": "l"})
    assert reply(last) == "l"
    assert not provider.is_closed


def test_bad_digits_in_place_of_a_late_answer_close_the_link_and_cost_nobody_else() -> None:
    bench = Bench()
    provider = bench.provider()
    bench.leave(bench.ask("gone"))
    queued = bench.ask("queued")
    provider.send(b"!!!!!!!!")
    assert provider.is_closed
    assert waits(queued)
    follower = bench.provider()
    follower.answer({"reply": "q"})
    assert reply(queued) == "q"


# -- pings


def test_an_idle_provider_is_pinged_every_ping_s() -> None:
    bench = Bench(ping_s=30)
    provider = bench.provider()
    for pings in range(10):
        bench.advance(29.9)
        assert provider.pings == pings
        bench.advance(0.1)
        assert provider.pings == pings + 1
    assert set(provider.frames) == {b'{"ping": 1}'}
    assert not provider.is_closed


def test_requests_do_not_put_a_ping_off() -> None:
    bench = Bench(ping_s=30)
    provider = bench.provider()
    for _ in range(29):
        bench.advance(1)
        bench.ask()
        provider.answer({"reply": "x"})
    assert provider.pings == 0
    bench.advance(1)
    assert provider.pings == 1


def test_a_ping_that_falls_due_while_the_provider_is_busy_goes_out_once_and_before_the_next_request() -> None:
    bench = Bench(ping_s=30, provider_answer_s=1000)
    provider = bench.provider()
    bench.ask("one")
    bench.ask("two")
    bench.advance(100)
    assert provider.pings == 0
    provider.answer({"reply": "1"})
    assert [json.loads(frame).get("message", "ping") for frame in provider.frames] == ["one", "ping", "two"]


def test_a_due_ping_goes_out_when_the_busy_provider_becomes_idle() -> None:
    bench = Bench(ping_s=30, provider_answer_s=1000)
    provider = bench.provider()
    bench.ask("one")
    bench.advance(45)
    provider.answer({"reply": "1"})
    assert provider.pings == 1
    bench.advance(29.9)
    assert provider.pings == 1
    bench.advance(0.1)
    assert provider.pings == 2


def test_a_ping_due_while_a_late_answer_is_owed_goes_out_before_the_next_request() -> None:
    bench = Bench(ping_s=30, provider_answer_s=40)
    provider = bench.provider()
    bench.ask("one")
    bench.ask("two")
    bench.advance(45)
    assert provider.pings == 0
    provider.send(ANSWER)
    assert [json.loads(frame).get("message", "ping") for frame in provider.frames] == ["one", "ping", "two"]


def test_a_due_ping_goes_out_before_a_poll_that_the_answer_itself_sets_off() -> None:
    bench = Bench(ping_s=30, provider_answer_s=1000, long_poll_s=1000)
    provider = bench.provider(streaming=True)
    bench.ask("racing", key="k")
    bench.ask("racing", key="k")
    bench.advance(31)
    provider.answer({"reply": "a"})
    assert [json.loads(frame).get("message", "ping") for frame in provider.frames] == ["racing", "ping", "racing"]


def test_nothing_is_written_to_a_closed_link() -> None:
    bench = Bench(ping_s=30)
    provider = bench.provider()
    provider.send(b"unasked")
    written = list(provider.writes)
    bench.advance(1000)
    assert provider.writes == written
