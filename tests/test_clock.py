"""A hub's clock: real, scaled, or stepped by hand, and advanced by any thread."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import uvloop
from foreign_programs import SERVICE, client, post
from patience import DEADLINE_S
from stepped_hub import LONG_S, Stage

from mockserver import Clock, MockHub, Pace
from mockserver.clock import LATEST_S
from mockserver.keeper import Keeper
from mockserver.state.hub import HubState
from mockserver.state.service_settings import ServiceSettings
from neuroengine._generated.registry import HUB_LIMITS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ANSWER_S = HUB_LIMITS["provider_answer_s"]
LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


@pytest.fixture(params=list(LOOPS.values()), ids=list(LOOPS))
def each_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every hub of the test runs on this kind of event loop."""
    monkeypatch.setattr("mockserver.runner._new_event_loop", request.param)


@pytest.fixture
def stage(each_loop: None) -> Iterator[Stage]:  # noqa: ARG001 - it is there for its effect
    """A stepped hub."""
    with Stage() as stage:
        yield stage


@pytest.fixture
def keeper() -> Keeper:
    return Keeper(HubState([ServiceSettings("MYGPT", "KEY")]), Clock.stepped())


def noting(keeper: Keeper, *due: float) -> list[tuple[float, float]]:
    """What happens at those times: when it was due, and what time it was then."""
    happened: list[tuple[float, float]] = []
    for when in due:
        keeper.state.timers.at(when, lambda now, when=when: happened.append((when, now)))  # type: ignore[misc]  # a default binds
    return happened


# -- the clock alone


def test_a_stepped_clock_stands_still_until_it_is_advanced() -> None:
    clock = Clock.stepped()
    assert (clock.time(), clock.time()) == (0, 0)
    clock.advance(7.5)
    clock.advance(0)
    clock.advance(2.5)
    assert clock.time() == 10
    assert (clock.real_s(10), clock.real_s(9), clock.real_s(11)) == (0, 0, float("inf"))


def test_a_scaled_clock_runs_as_many_times_as_fast_and_can_be_advanced() -> None:
    real, fast = Clock(), Clock(scale=1000)
    assert 0 < real.real_s(100) <= 100
    assert 0 < fast.real_s(100_000) <= 100
    fast.advance(50_000)
    assert 0 < fast.real_s(100_000) <= 50
    assert fast.time() >= 50_000


def test_a_clock_goes_on_from_where_it_is_at_another_scale() -> None:
    clock = Clock.stepped()
    clock.advance(5)
    clock.scale = 1_000_000
    assert clock.time() >= 5
    clock.scale = 0
    stands = clock.time()
    assert (clock.scale, clock.time(), clock.real_s(stands + 1)) == (0, stands, float("inf"))
    clock.advance(1)
    assert clock.time() == stands + 1


@pytest.mark.parametrize("scale", [-1, 1.1e9, 1e308, float("inf"), float("nan")])
def test_a_scale_is_a_finite_number_from_0(scale: float) -> None:
    with pytest.raises(ValueError, match=r"`scale` must be a finite number from 0"):
        Clock(scale=scale)
    clock = Clock()
    with pytest.raises(ValueError, match=r"`scale` must be a finite number from 0"):
        clock.scale = scale
    assert clock.scale == 1


def test_whoever_sleeps_by_a_clock_that_stands_wakes_when_it_runs() -> None:
    async def scene() -> None:
        clock = Clock.stepped()
        sleeping = asyncio.ensure_future(clock.sleep_async(100))
        await asyncio.sleep(0)
        clock.scale = 1_000_000
        await asyncio.wait_for(sleeping, DEADLINE_S)

    asyncio.run(scene())


def test_what_waits_at_a_running_hub_is_answered_when_its_clock_runs(stage: Stage) -> None:
    stage.hub.on().reply("late").delay(HUB_LIMITS["keep_warm_s"] - 1)
    caller = stage.ask()
    stage.hub.clock.scale = 1000
    assert caller.answer()["reply"] == "late"


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_time_goes_forward_only(seconds: float) -> None:
    clock = Clock.stepped()
    with pytest.raises(ValueError, match="time goes on by a finite number of seconds from 0"):
        clock.advance(seconds)
    assert clock.time() == 0


def test_a_clock_comes_to_no_end_that_a_double_cannot_hold() -> None:
    clock = Clock.stepped()
    clock.advance(LATEST_S - 1)
    with pytest.raises(ValueError, match=r"a clock ends at 1e\+12 s; it cannot go on by 2 s at 1e\+12 s"):
        clock.advance(2)
    with pytest.raises(ValueError, match="a clock ends at"):
        clock.advance(1e308)
    clock.advance(1)
    clock.scale = 1e9
    assert clock.time() == LATEST_S
    assert 0 < Clock(scale=1e-307).real_s(10) < threading.TIMEOUT_MAX


# -- what falls due


def test_everything_that_falls_due_happens_in_order_each_at_its_own_time(keeper: Keeper) -> None:
    happened = noting(keeper, 30, 10, 20, 41)
    keeper.clock.advance(40)
    assert happened == [(10, 10), (20, 20), (30, 30)]
    keeper.clock.advance(1)
    assert happened[3:] == [(41, 41)]


def test_what_comes_of_it_falls_due_within_the_same_advance(keeper: Keeper) -> None:
    happened: list[float] = []

    def again(now: float) -> None:
        happened.append(now)
        keeper.state.timers.at(now + 10, again)

    keeper.state.timers.at(10, again)
    keeper.clock.advance(1000)
    assert happened == list(range(10, 1001, 10))


def test_threads_that_advance_at_once_lose_no_second(keeper: Keeper) -> None:
    happened = noting(keeper, *range(1, 801))
    with ThreadPoolExecutor(8) as threads:
        for _ in threads.map(lambda _: keeper.clock.advance(1), range(800)):
            pass
    assert keeper.clock.time() == 800
    assert [when for when, _ in happened] == list(range(1, 801))


def test_whoever_is_called_by_the_hub_may_advance_the_clock(keeper: Keeper) -> None:
    happened = noting(keeper, 10)
    keeper.state.timers.at(5, lambda _: keeper.clock.advance(5))
    keeper.clock.advance(5)
    with keeper as now:
        assert now == 10
    assert happened == [(10, 10)]


def test_hubs_may_share_a_clock() -> None:
    clock = Clock.stepped()
    keepers = [Keeper(HubState([ServiceSettings("MYGPT", "KEY")]), clock) for _ in range(3)]
    happened = [noting(keeper, 5) for keeper in keepers]
    clock.advance(5)
    assert happened == [[(5, 5)]] * 3


# -- running hubs


def test_a_provider_timeout_of_three_minutes_passes_at_once(stage: Stage) -> None:
    stage.provider()
    caller = stage.ask()
    stage.advance(ANSWER_S - 0.1)
    blanks = round(ANSWER_S / HUB_LIMITS["keep_warm_s"]) - 1
    assert caller.there().count(b"1\r\n \r\n") == blanks
    stage.advance(0.1)
    assert b'"errorcode": 12' in caller.there()


@pytest.mark.usefixtures("each_loop")
def test_everything_due_has_been_delivered_when_advance_returns() -> None:
    with Stage(pace=Pace(first_token_s=5)) as stage:
        callers = [stage.ask(f"caller {number}") for number in range(20)]
        stage.advance(4.9)
        assert all(caller.has_nothing() for caller in callers)
        stage.advance(0.1)
        assert all(caller.there().startswith(b"HTTP/1.1 200") for caller in callers)


def test_nothing_is_due_on_a_stepped_clock_however_long_it_takes(stage: Stage) -> None:
    stage.provider()
    caller = stage.ask()
    for _ in range(50):
        assert stage.numreq == 1
    assert caller.has_nothing()


@pytest.mark.usefixtures("each_loop")
def test_a_provider_is_written_to_before_advance_returns() -> None:
    with Stage(limits={"ping_s": 30}) as stage:
        provider = stage.provider()
        stage.advance(90)
        assert [provider.frame() for _ in range(3)] == [{"ping": 1}] * 3
        stage.advance(29)


@pytest.mark.usefixtures("each_loop")
def test_a_running_clock_that_is_advanced_wakes_the_hub_in_time() -> None:
    with Stage(clock=Clock(), limits={"provider_answer_s": 10_000, "keep_warm_s": LONG_S, "ping_s": LONG_S}) as stage:
        stage.provider()
        caller = stage.ask()
        # What is left is real time, and the hub must not sleep through it.
        stage.advance(9_999)
        assert caller.answer()["errorcode"] == ErrorCode.PROVIDER_TIMEOUT


@pytest.mark.usefixtures("each_loop")
def test_a_scaled_hub_keeps_its_limits_in_its_own_seconds() -> None:
    with Stage(clock=Clock(scale=1000)) as stage:
        stage.provider()
        before = stage.hub.clock.time()
        caller = stage.caller().ask()
        assert caller.warm_answer()["errorcode"] == ErrorCode.PROVIDER_TIMEOUT
        assert stage.hub.clock.time() - before >= ANSWER_S


def test_a_test_that_runs_an_event_loop_may_advance_the_clock() -> None:
    async def test() -> bytes:
        with Stage(pace=Pace(first_token_s=100)) as stage:
            host, port = stage.caller().socket.getpeername()
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n" % SERVICE.encode())
            writer.write(b'{"message":"x"}')
            await asyncio.to_thread(stage.hub.until_waiting)
            stage.hub.clock.advance(100)
            answer = await asyncio.wait_for(reader.readuntil(b'"errorcode": 0}'), DEADLINE_S)
            writer.close()
            await writer.wait_closed()
            return answer

    assert asyncio.run(test()).startswith(b"HTTP/1.1 200")


def test_a_clock_may_be_advanced_before_its_hub_runs_and_when_it_has_stopped() -> None:
    hub = MockHub(clock=Clock.stepped(), tls=False)
    hub.clock.advance(100)
    with hub:
        assert hub.clock.time() == 100
        hub.clock.advance(100)
    hub.clock.advance(100)
    assert hub.clock.time() == 300


def test_a_stopping_hub_holds_nobody_up_who_advances_its_clock() -> None:
    stop = threading.Event()

    def step(advance: Callable[[float], None]) -> None:
        while not stop.is_set():
            advance(1)

    clock = Clock.stepped()
    with ThreadPoolExecutor(1) as thread:
        stepping = thread.submit(step, clock.advance)
        try:
            for _ in range(5):
                with MockHub(clock=clock, tls=False) as hub, client(hub) as connection:
                    post(connection, {"command": "getmodels"}, "/")
        finally:
            stop.set()
        stepping.result(DEADLINE_S)


def test_until_waiting_says_how_many_wait_when_fewer_come() -> None:
    with Stage() as stage, pytest.raises(TimeoutError, match=r"0 requests wait, not 1, after 0\.01 s"):
        stage.hub.until_waiting(timeout_s=0.01)
