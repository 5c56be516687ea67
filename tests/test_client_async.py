"""The client for tasks: it can do what the other can, under the same names, and a cancelled task loses nothing."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fake_hub import URL, FakeHub, answered

from neuroengine import AsyncClient, AsyncStream, Client, Retry, Stream, Timeouts
from neuroengine.errors import HUB_ERRORS, ProtocolError, TimedOut

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


def surface(kind: type[object]) -> dict[str, inspect.Signature | None]:
    """Public names with their parameters; context managers under one name."""
    names = {name for name in dir(kind) if not name.startswith("_")}
    names |= {name for name in vars(kind) if name.startswith("__") and name in PAIRS.keys() | PAIRS.values()}
    return {
        PAIRS.get(name, name): inspect.signature(member) if callable(member := getattr(kind, name)) else None
        for name in names
    }


PAIRS = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
}
TWINS = {"AsyncStream": "Stream", "Awaitable[None] | None": "None", "AsyncHttp": "Http"}


@pytest.mark.parametrize(("awaiting", "waiting"), [(AsyncClient, Client), (AsyncStream, Stream)])
def test_both_surfaces_have_the_same_names_and_signatures(awaiting: type[object], waiting: type[object]) -> None:
    def told(signature: inspect.Signature | None) -> str:
        text = str(signature)
        for own, twin in TWINS.items():
            text = text.replace(own, twin)
        return text

    ours, theirs = surface(awaiting), surface(waiting)
    assert ours.keys() == theirs.keys()
    assert {name: told(found) for name, found in ours.items()} == {name: told(found) for name, found in theirs.items()}


def test_both_constructors_take_the_same_arguments() -> None:
    for one, other in ((AsyncClient, Client), (AsyncStream, Stream)):
        assert list(inspect.signature(one).parameters) == list(inspect.signature(other).parameters)


def run_async(hub: FakeHub, use: Callable[[AsyncClient], Awaitable[Any]], **settings: Any) -> Any:
    hub.waits = []

    async def sleep(seconds: float) -> None:
        hub.waits.append(seconds)

    async def main() -> Any:
        settings_ = {"url": URL, "sleep": sleep, "chance": lambda: 0.0, **settings}
        async with AsyncClient("S", transport=hub.transport, **settings_) as running:
            return await use(running)

    return asyncio.run(main())


def test_the_async_client_asks_and_retries_like_the_other() -> None:
    answers = (httpx.ReadError("reset"), answered("An error.", 8), answered("x"))
    waiting, awaiting = FakeHub(*answers), FakeHub(*answers)
    reply = waiting.client().generate("x", seed=4)
    assert run_async(awaiting, lambda running: running.generate("x", seed=4)) == reply
    assert awaiting.waits == waiting.waits
    assert [request.content for request in awaiting.requests] == [request.content for request in waiting.requests]
    assert [request.headers for request in awaiting.requests] == [request.headers for request in waiting.requests]


def test_the_async_client_streams_and_lists() -> None:
    hub = FakeHub(*(answered(piece) for piece in ("a", "b", "")), [])

    async def use(running: AsyncClient) -> tuple[list[str], str, list[Any]]:
        async with running.stream("x") as pieces:
            got = [piece async for piece in pieces]
        return got, pieces.text, list(await running.models())

    assert run_async(hub, use) == (["a", "b"], "ab", [])


def test_the_async_client_raises_the_same_errors() -> None:
    for answer, kind in (
        (answered("An error.", 6), HUB_ERRORS[6]),
        (httpx.ConnectTimeout("x"), TimedOut),
        ([], ProtocolError),
    ):
        with pytest.raises(kind):
            run_async(FakeHub(answer), lambda running: running.generate("x"), retry=Retry(tries=1))


def test_a_cancelled_poll_loses_nothing_of_a_stream() -> None:
    """A program may give up waiting for a piece and ask again later: the piece comes, once."""
    polls: list[int] = []
    polled_twice = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        seq = json.loads(request.content)["seq"]
        polls.append(seq)
        if polls == [0, 1]:
            polled_twice.set()
            await asyncio.Event().wait()  # the hub has served piece 1, and its answer never comes
        piece = "abc"[seq] if seq < 3 else ""
        return httpx.Response(200, json={"reply": piece, "errorcode": 0, "seq": seq, "done": not piece})

    async def main() -> str:
        async with (
            AsyncClient("S", url=URL, transport=httpx.MockTransport(answer)) as running,
            running.stream("x") as pieces,
        ):
            assert await anext(pieces) == "a"
            given_up = asyncio.ensure_future(anext(pieces))
            await polled_twice.wait()
            given_up.cancel()
            with pytest.raises(asyncio.CancelledError):
                await given_up
            return "a" + "".join([piece async for piece in pieces])

    assert asyncio.run(main()) == "abc"
    assert polls == [0, 1, 1, 2, 3]


def test_an_async_answer_that_never_ends_ends_with_the_calls_time() -> None:
    async def for_ever() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0)

    async def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=for_ever())

    async def main() -> None:
        async with AsyncClient(
            "S", url=URL, transport=httpx.MockTransport(answer), timeouts=Timeouts(total_s=0.05)
        ) as running:
            with pytest.raises(TimedOut):
                await running.generate("x")

    asyncio.run(main())
