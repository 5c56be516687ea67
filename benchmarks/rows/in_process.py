"""The mock hub without a socket: a request through httpx, and a test, against the usual ways to fake an answer.

The baseline is `httpx.MockTransport` with a fixed reply. The hub parses, checks, matches and journals; the others look
at the method and the address, or at nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import httpx
import respx

from benchmarks.measure import Cost, at_most, cost, ratios, row, take_turns
from benchmarks.peers import ANSWER, ANSWER_BYTES, KEY, MESSAGE, PATH, REPLY, REQUEST, SERVICE
from benchmarks.rows.tests_cost import tests_cost
from mockserver import MockHub

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from contextlib import AbstractContextManager

    from benchmarks.measure import Effort, Row

URL: Final = f"https://api.neuroengine.ai{PATH}"
BASELINE: Final = "httpx.MockTransport"
ASYNC_BASELINE: Final = "httpx.MockTransport, async"
_HEADERS: Final = {"Content-Type": "application/json"}


def measure(effort: Effort) -> Iterator[Row]:
    """A request each way, by its processor time; then what a test costs each way."""
    turns = {name: partial(_cost_of_requests, opened, effort.of(400, 20)) for name, opened in _WAYS.items()}
    yield from _against(BASELINE, take_turns(turns, effort.of(9, 1)))
    asynchronous = {
        name: partial(_cost_of_async_requests, transport, effort.of(400, 20)) for name, transport in _ASYNC_WAYS.items()
    }
    yield from _against(ASYNC_BASELINE, take_turns(asynchronous, effort.of(9, 1)))
    yield from tests_cost(effort)


def _against(baseline: str, costs: dict[str, list[Cost]]) -> Iterator[Row]:
    base = [one.cpu_s for one in costs[baseline]]
    yield row(f"{baseline}: a request", [seconds * 1e6 for seconds in base], "µs of processor time")
    for name, found in costs.items():
        if name != baseline:
            goal = at_most(1.25) if name == "hub.transport()" else None
            against = ratios((one.cpu_s for one in found), base)
            yield row(f"{name}: a request", against, "x", against=baseline, goal=goal)


def _fixed(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=ANSWER_BYTES, headers=_HEADERS)


def _scripted() -> MockHub:
    hub = MockHub({SERVICE: KEY})
    hub.on(MESSAGE).reply(REPLY)
    return hub


@contextmanager
def _by_mock_transport() -> Iterator[httpx.Client]:
    with httpx.Client(transport=httpx.MockTransport(_fixed)) as client:
        yield client


@contextmanager
def _by_hub_transport() -> Iterator[httpx.Client]:
    with httpx.Client(transport=_scripted().transport()) as client:
        yield client


@contextmanager
def _by_hub_in_place() -> Iterator[httpx.Client]:
    with _scripted().in_place_of(), httpx.Client(verify=False) as client:  # noqa: S501 - nothing is sent
        yield client


@contextmanager
def _by_hub_respx() -> Iterator[httpx.Client]:
    with _scripted().respx(), httpx.Client(verify=False) as client:  # noqa: S501 - nothing is sent
        yield client


@contextmanager
def _by_respx(**criteria: Any) -> Iterator[httpx.Client]:
    with ExitStack() as stack:
        router = stack.enter_context(respx.mock)
        router.post(URL, **criteria).mock(httpx.Response(200, content=ANSWER_BYTES, headers=_HEADERS))
        yield stack.enter_context(httpx.Client(verify=False))  # noqa: S501 - nothing is sent


_WAYS: Final[dict[str, Callable[[], AbstractContextManager[httpx.Client]]]] = {
    BASELINE: _by_mock_transport,
    "hub.transport()": _by_hub_transport,
    "hub.in_place_of()": _by_hub_in_place,
    "hub.respx()": _by_hub_respx,
    "respx, a plain route": _by_respx,
    "respx, a route that looks at the message": partial(_by_respx, json__message=MESSAGE),
}


def _cost_of_requests(opened: Callable[[], AbstractContextManager[httpx.Client]], times: int) -> Cost:
    with opened() as client:

        def ask() -> None:
            assert client.post(URL, content=REQUEST, headers=_HEADERS).json() == ANSWER

        ask()
        return cost(ask, times)


_ASYNC_WAYS: Final[dict[str, Callable[[], httpx.AsyncBaseTransport]]] = {
    ASYNC_BASELINE: lambda: httpx.MockTransport(_fixed),
    "hub.async_transport()": lambda: _scripted().async_transport(),
}


def _cost_of_async_requests(transport: Callable[[], httpx.AsyncBaseTransport], times: int) -> Cost:
    async def ask(client: httpx.AsyncClient) -> None:
        assert (await client.post(URL, content=REQUEST, headers=_HEADERS)).json() == ANSWER

    with asyncio.Runner() as runner:
        client = httpx.AsyncClient(transport=transport())
        found = cost(lambda: runner.run(_repeat(ask, client, times)), 1)
        runner.run(client.aclose())
    return Cost(found.wall_s / times, found.cpu_s / times)


async def _repeat(ask: Callable[[httpx.AsyncClient], Awaitable[None]], client: httpx.AsyncClient, times: int) -> None:
    for _ in range(times):
        await ask(client)
