"""Stream keys at the hub: whose they are, and how many streams there may be."""

from __future__ import annotations

import pytest
from hub_bench import KEY, SERVICE, Bench, code, content, ended, flowing, poll, reply, waits

from mockserver import ServiceSettings
from neuroengine._generated.machines import HubStreamEvent, HubStreamState

OTHER = "Other-1"
Transition = tuple[HubStreamState, HubStreamEvent]


# -- keys


def test_a_key_belongs_to_its_service() -> None:
    bench = Bench(ServiceSettings(SERVICE, KEY), ServiceSettings(OTHER, KEY))
    here, there = bench.provider(), bench.provider(OTHER)
    first = poll(bench)
    second = bench.post({"message": "go", "key": "key1234"}, f"/{OTHER}")
    here.answer({"reply": "here"})
    there.answer({"reply": "there"})
    assert (reply(first), reply(second)) == ("here", "there")


def test_keys_do_not_share_a_stream_even_with_the_same_message() -> None:
    bench = Bench()
    provider = bench.provider()
    one, two = poll(bench, key="one"), poll(bench, key="two")
    provider.answer({"reply": "first"})
    provider.answer({"reply": "second"})
    assert (reply(one), reply(two)) == ("first", "second")


def test_a_poll_without_message_is_refused_on_a_live_stream_and_takes_nothing() -> None:
    bench = flowing()
    assert code(bench.post({"key": "key1234"})) == 3
    assert reply(poll(bench)) == " b"


# -- how many


def test_open_streams_are_limited() -> None:
    bench = Bench(open_streams=2)
    bench.provider()
    assert waits(poll(bench, key="1"))
    assert waits(poll(bench, key="2"))
    shown = content(poll(bench, key="3"))
    assert (shown["errorcode"], shown["error"]) == (15, "stream_limit")
    assert waits(poll(bench, key="1"))
    assert bench.entry()["numreq"] == 2


@pytest.mark.parametrize("ending", ["end", "failure", "idle", "restart"])
def test_every_ending_makes_room_for_exactly_one_other_stream(ending: str) -> None:
    bench = Bench(open_streams=1, stream_idle_s=20)
    for number in range(3):
        fields = {"message": f"go {number}", "key": "same" if ending == "restart" else str(number)}
        provider = bench.provider()
        first = poll(bench, **fields)
        assert waits(first)
        assert code(poll(bench, key="too many")) == 15
        provider.answer({"reply": "a b", "errorcode": 7 if ending == "failure" else 0})
        if ending == "idle":
            bench.advance(20)
        elif ending != "failure":
            assert [reply(poll(bench, **fields)) for _ in range(2)] == [" b", ""]


def test_a_stream_is_counted_once_and_refused_polls_not_at_all() -> None:
    bench = ended()
    assert code(poll(bench, key="new", seq=4)) == 18
    assert bench.entry()["numreq"] == 1
