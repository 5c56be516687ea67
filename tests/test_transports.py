"""The doors without a socket, beyond what every door does: cancelled tasks, interrupted requests, our own clients."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest
from patience import DEADLINE_S

from mockserver import Clock, MockHub, Pace
from mockserver.visitor import Visitor
from neuroengine import AsyncClient, Client, HubError, Timeouts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

SERVICE = "Neuroengine-Large"
URL = f"http://hub/{SERVICE}"
REQUEST = {"message": "Hello"}
PATIENT = 100_000


@pytest.fixture
def hub() -> MockHub:
    return MockHub()


@pytest.fixture
def client(hub: MockHub) -> Iterator[httpx.Client]:
    with httpx.Client(transport=hub.transport()) as client:
        yield client


def test_a_task_that_is_cancelled_has_left_and_loses_no_piece(hub: MockHub) -> None:
    hub.on().pace(first_token_s=5).reply("kept")
    poll = {**REQUEST, "key": "K"}

    async def leave_and_come_back() -> str:
        async with httpx.AsyncClient(transport=hub.async_transport(), timeout=DEADLINE_S) as client:
            leaving = asyncio.create_task(client.post(URL, json=poll))
            await asyncio.to_thread(hub.until_waiting)
            leaving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaving
            assert hub.journal.last.left_at is not None
            coming = asyncio.create_task(client.post(URL, json=poll))
            await asyncio.to_thread(hub.until_waiting)
            hub.clock.advance(5)
            return str((await coming).json()["reply"])

    assert asyncio.run(leave_and_come_back()) == "kept"


def test_a_leap_over_a_clients_patience_and_what_came_before_it_ends_no_call() -> None:
    hub = MockHub(clock=Clock.stepped(), limits={"keep_warm_s": 10})
    hub.on().delay(60).reply("in time")
    with httpx.Client(transport=hub.transport(), timeout=15) as client, ThreadPoolExecutor(1) as thread:
        for leaps in ([60], [9, 1, 50], [15, 45]):
            asking = thread.submit(client.post, URL, json=REQUEST)
            hub.until_waiting()
            for seconds in leaps:
                hub.clock.advance(seconds)
            assert asking.result(DEADLINE_S).json()["reply"] == "in time"
        hub.on().delay(60).fault("half_open").reply("never")
        asking = thread.submit(client.post, URL, json=REQUEST)
        hub.until_waiting()
        hub.clock.advance(60)
        with pytest.raises(httpx.ReadTimeout):
            asking.result(DEADLINE_S)


def test_what_a_door_had_to_do_with_an_exchange_is_not_kept_in_the_journal(hub: MockHub) -> None:
    hub.on().delay(1).reply("late")
    transport = hub.transport()
    with httpx.Client(transport=transport, timeout=PATIENT) as client, ThreadPoolExecutor(1) as thread:
        asking = thread.submit(client.post, URL, json=REQUEST)
        hub.until_waiting()
        hub.clock.advance(1)
        asking.result(DEADLINE_S)
    del asking
    gc.collect()
    assert [kept for kept in gc.get_objects() if isinstance(kept, Visitor)] == []


def test_many_tasks_wait_on_one_loop_and_each_is_woken(hub: MockHub) -> None:
    hub.on().delay(60).reply("woken")

    async def wait_together() -> set[str]:
        async with httpx.AsyncClient(transport=hub.async_transport(), timeout=PATIENT) as client:
            waiting = [asyncio.create_task(client.post(URL, json=REQUEST)) for _ in range(200)]
            await asyncio.to_thread(hub.until_waiting, 200)
            hub.clock.advance(60)
            return {response.json()["reply"] for response in await asyncio.gather(*waiting)}

    assert asyncio.run(wait_together()) == {"woken"}


def test_a_flood_leaves_other_tasks_their_turns(hub: MockHub) -> None:
    hub.faults.add("flood")

    async def read_on(begun: asyncio.Event) -> None:
        async with (
            httpx.AsyncClient(transport=hub.async_transport()) as client,
            client.stream("POST", URL, json=REQUEST) as response,
        ):
            async for _ in response.aiter_raw():
                begun.set()

    async def cancel() -> None:
        begun = asyncio.Event()
        reading = asyncio.create_task(read_on(begun))
        await begun.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    asyncio.run(cancel())


def test_two_loops_may_ask_the_same_hub(hub: MockHub) -> None:
    transport = hub.async_transport()

    async def ask() -> str:
        async with httpx.AsyncClient(transport=transport) as client:
            return str((await client.post(URL, json=REQUEST)).json()["reply"])

    assert asyncio.run(ask()) == asyncio.run(ask()) != ""


def test_a_loop_that_is_gone_does_no_harm(hub: MockHub) -> None:
    hub.on().delay(60).reply("to nobody")
    loop = asyncio.new_event_loop()
    client = httpx.AsyncClient(transport=hub.async_transport(), timeout=PATIENT)
    waiting = loop.create_task(client.post(URL, json=REQUEST))
    while not hub.journal:
        loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    hub.clock.advance(60)
    assert hub.journal.last.is_answered
    assert not waiting.done()


def test_a_request_whose_body_breaks_off_never_reaches_the_hub(hub: MockHub, client: httpx.Client) -> None:
    def broken() -> Iterator[bytes]:
        yield b'{"message": '
        raise OSError("the disk is gone")

    async def broken_async() -> AsyncIterator[bytes]:
        for chunk in broken():
            yield chunk

    async def ask() -> None:
        async with httpx.AsyncClient(transport=hub.async_transport()) as other:
            await other.post(URL, content=broken_async())

    with pytest.raises(OSError, match="the disk is gone"):
        client.post(URL, content=broken())
    with pytest.raises(OSError, match="the disk is gone"):
        asyncio.run(ask())
    assert len(hub.journal) == 0


def test_an_endless_body_is_refused_without_reading_it_all(hub: MockHub, client: httpx.Client) -> None:
    given = 0

    def endless() -> Iterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield b" " * 1000

    assert client.post(URL, content=endless()).json()["error"] == "request_too_large"
    assert given < 100
    assert hub.journal.last.code == 11


def test_a_client_waits_as_long_as_its_timeout_on_the_hubs_clock_is() -> None:
    hub = MockHub(clock=Clock.leaping(), limits={"keep_warm_s": 10_000, "long_poll_s": 100_000})
    hub.on().delay(9000).reply("at last")
    with httpx.Client(transport=hub.transport(), timeout=PATIENT) as client:
        assert client.post(URL, json=REQUEST).json()["reply"] == "at last"
        assert hub.clock.time() == 9000
        with pytest.raises(httpx.ReadTimeout):
            client.post(URL, json=REQUEST, timeout=8999)
        assert hub.clock.time() == 17_999


def test_a_slow_model_is_polled_for_hours_without_waiting() -> None:
    hub = MockHub(clock=Clock.leaping(), pace=Pace(first_token_s=600, tokens_per_s=0.02))
    with Client(
        SERVICE,
        url="http://hub",
        transport=hub.transport(),
        timeouts=Timeouts(total_s=PATIENT, piece_s=PATIENT),
        clock=hub.clock.time,
        sleep=hub.clock.sleep,
    ) as client:
        reply = client.stream("Hello", max_new_len=50, gettokens=1)
        pieces = list(reply)
    assert len(pieces) > 20
    assert hub.clock.time() > len(pieces) / 0.02


def test_our_own_clients_use_it_as_any_hub(hub: MockHub) -> None:
    hub.on("fail").fail("unauthorized")

    async def ask() -> str:
        async with AsyncClient(SERVICE, url="http://hub", transport=hub.async_transport()) as client:
            return (await client.generate("Hello")).text

    with Client(SERVICE, url="http://hub", transport=hub.transport()) as client:
        assert client.generate("Hello").text == asyncio.run(ask())
        assert [model.name for model in client.models()] == [SERVICE]
        with pytest.raises(HubError) as error:
            client.generate("fail")
    assert error.value.code == 10
