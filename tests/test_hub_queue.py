"""Requests that wait at the hub: for a provider that is away, and behind others."""

from __future__ import annotations

import pytest
from hub_bench import KEY, SERVICE, Bench, code, codes, content, reply, waits

from mockserver import ServiceSettings

OTHER = "Other-1"

# -- a provider that is away


def test_a_queued_request_waits_for_its_provider_and_is_served_in_order() -> None:
    bench = Bench(queue_s=30)
    provider = bench.provider()
    outstanding, queued = bench.ask("one"), bench.ask("two")
    provider.drop()
    assert code(outstanding) == 13
    bench.advance(20)
    late = bench.ask("three")
    bench.advance(9.9)
    follower = bench.provider()
    bench.advance(100)
    assert follower.messages == ["two"]
    follower.answer({"reply": "2"})
    follower.answer({"reply": "3"})
    assert (reply(queued), reply(late)) == ("2", "3")


def test_what_waits_when_the_provider_stays_away_is_answered_7_after_queue_s_and_new_requests_at_once() -> None:
    bench = Bench(queue_s=30)
    provider = bench.provider()
    bench.ask("one")
    queued = bench.ask("two")
    provider.drop()
    bench.advance(10)
    later = bench.ask("three")
    bench.advance(19.9)
    assert waits(queued)
    assert waits(later)
    bench.advance(0.1)
    for exchange in (queued, later, bench.ask("four"), bench.ask("five", key="k")):
        shown = content(exchange)
        assert (shown["errorcode"], shown["error"]) == (7, "provider_offline")
    assert bench.entry()["queuelen"] == 0


def test_the_queue_timeout_does_not_run_behind_a_busy_provider() -> None:
    bench = Bench(queue_s=30, provider_answer_s=180)
    provider = bench.provider()
    first, second = bench.ask("one"), bench.ask("two")
    bench.advance(170)
    provider.answer({"reply": "1"})
    bench.advance(170)
    provider.answer({"reply": "2"})
    assert (reply(first), reply(second)) == ("1", "2")


@pytest.mark.parametrize("away", [10, 100])
def test_a_provider_that_came_back_is_not_away_any_more(away: float) -> None:
    bench = Bench(queue_s=30)
    bench.provider().drop()
    bench.advance(away)
    provider = bench.provider()
    bench.advance(100)
    asked = bench.ask()
    assert waits(asked)
    provider.answer({"reply": "there"})
    assert reply(asked) == "there"


def test_a_return_in_time_starts_the_queue_timeout_anew() -> None:
    bench = Bench(queue_s=30)
    bench.provider().drop()
    bench.advance(29)
    bench.provider().drop()
    bench.advance(29)
    asked = bench.ask()
    assert waits(asked)
    bench.advance(1)
    assert code(asked) == 7


@pytest.mark.parametrize("clock", [0.0, 5.0, 1e9])
def test_an_offline_service_has_been_away_for_ever_whatever_the_clock_says(clock: float) -> None:
    bench = Bench(ServiceSettings(SERVICE, KEY, offline=True))
    bench.now = clock
    assert code(bench.ask()) == 7
    assert code(bench.ask(key="k")) == 7
    assert bench.entry()["numreq"] == 0


def test_the_simulated_model_answers_until_a_provider_first_logs_in_and_never_again() -> None:
    bench = Bench(queue_s=30)
    assert bench.stranger().login(key="wrong").is_closed
    assert reply(bench.ask())
    provider = bench.provider()
    assert waits(bench.ask())
    provider.drop()
    bench.advance(1000)
    assert code(bench.ask()) == 7


# -- a full queue


def test_one_more_than_the_queue_holds_is_refused_until_there_is_room() -> None:
    bench = Bench(queue_requests=2)
    provider = bench.provider()
    asked = [bench.ask(str(number)) for number in range(3)]
    assert all(map(waits, asked))
    for exchange in (bench.ask("whole"), bench.ask("stream", key="k")):
        shown = content(exchange)
        assert (shown["errorcode"], shown["error"]) == (8, "queue_full")
    bench.leave(asked[2])
    replacement = bench.ask("replacement")
    assert waits(replacement)
    assert code(bench.ask()) == 8
    provider.answer({"reply": ""})
    assert waits(bench.ask())
    assert bench.entry()["queuelen"] == 2


def test_the_queue_of_a_provider_that_is_away_is_bounded_too() -> None:
    bench = Bench(queue_requests=2)
    bench.provider().drop()
    assert codes([exchange for exchange in [bench.ask() for _ in range(5)] if not waits(exchange)]) == [8, 8, 8]


def test_a_full_queue_of_one_service_leaves_the_other_alone() -> None:
    bench = Bench(ServiceSettings(SERVICE, KEY), ServiceSettings(OTHER, KEY), queue_requests=1)
    bench.provider()
    other = bench.provider(OTHER)
    assert [waits(bench.ask()) for _ in range(3)] == [True, True, False]
    assert waits(bench.post({"message": "hi"}, f"/{OTHER}"))
    assert other.messages == ["hi"]
