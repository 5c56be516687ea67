"""Growth: what a hub takes with more and more of everything, in time and in memory; each should be linear or better.

Time is the hub's processor time for all of them together, up to each size, so that a busy machine does not bend the
curve; memory is what the hub's process has grown by.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import closing
from functools import partial
from http.client import HTTPConnection
from time import process_time
from typing import TYPE_CHECKING, Final

import httpx

from benchmarks.fit import grows
from benchmarks.hub_process import HubProcess, hub_process
from benchmarks.measure import at_most, cost, row
from benchmarks.peers import KEY, MESSAGE, REPLY, SERVICE
from benchmarks.peers.waiting_provider import Waiting
from benchmarks.plain_http import PlainClient
from mockserver import MockHub

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.measure import Effort, Row

    Points = list[tuple[float, float]]

LEAST_S: Final = 0.005
"""Half a tick of the system's clock of processor time: less cannot be seen."""
AT_A_TIME: Final = 50
"""How many connections are opened at the same time."""


def measure(effort: Effort) -> Iterator[Row]:
    """Streams, provider links, queued requests, journal entries, rules."""
    yield from _streams(_sizes(effort, 10_000))
    yield from _links(_sizes(effort, 5_000))
    yield from _queue(_sizes(effort, 2_000))
    yield from _journal(_sizes(effort, 20_000))
    yield _rules(_sizes(effort, 10_000), effort.of(200, 20), effort.of(3, 1))


def _sizes(effort: Effort, most: int) -> Sequence[int]:
    """Five sizes, each about twice the one before it, the last one the most; few in a quick run."""
    most = effort.of(most, most // 20)
    return [most // 16, most // 8, most // 4, most // 2, most]


def _both(what: str, axis: str, times: Points, memory: Points) -> Iterator[Row]:
    yield grows(f"{what}: time", [times], (axis, "s of processor time"))
    if all(grown > 0 for _, grown in memory):
        yield grows(f"{what}: memory", [memory], (axis, "MB that the hub grew by"))
    most, grown = memory[-1]
    yield row(f"{what}: memory of one, of {most:,.0f}", [grown * 1e3 / most], "kB")


class _Watch:
    """Notes time and memory at each size."""

    def __init__(self, hub: HubProcess) -> None:
        self._hub = hub
        self._memory = hub.memory_bytes
        self._began = hub.cpu_s
        self.whole_mb = 0.0
        """All that it takes, when last noted."""
        self.times: Points = []
        self.memory: Points = []

    def note(self, size: int) -> None:
        """So many are there now."""
        self.times.append((size, max(self._hub.cpu_s - self._began, LEAST_S)))
        self.whole_mb = self._hub.memory_bytes / 1e6
        self.memory.append((size, self.whole_mb - self._memory / 1e6))


def _post(connection: HTTPConnection, request: object) -> None:
    connection.request("POST", f"/{SERVICE}", json.dumps(request))
    answer = json.loads(connection.getresponse().read())
    assert answer["errorcode"] == 0, answer


def _streams(sizes: Sequence[int]) -> Iterator[Row]:
    """Streams that have given their first piece and are polled no more."""
    with (
        hub_process(services={SERVICE: KEY}, limits={"stream_idle_s": 3600}) as hub,
        closing(HTTPConnection(*hub.address, timeout=60)) as connection,
    ):
        _warm(connection)
        watch = _Watch(hub)
        for number in range(1, sizes[-1] + 1):
            _post(connection, {"message": f"m{number}", "key": f"stream {number}", "gettokens": 1, "max_new_len": 32})
            if number in sizes:
                watch.note(number)
    yield from _both("open streams", "open streams", watch.times, watch.memory)


def _links(sizes: Sequence[int]) -> Iterator[Row]:
    """Providers that have logged in by TLS and wait."""
    services = {f"S{number}": KEY for number in range(sizes[-1])}
    with hub_process(services=services, limits={"ping_s": 3600}) as hub:
        watch = _Watch(hub)
        asyncio.run(_log_in(hub, list(services), sizes, watch))
    yield from _both("provider links", "providers", watch.times, watch.memory)
    yield row(f"memory of a hub with {sizes[-1]:,} provider links", [watch.whole_mb], "MB", goal=at_most(400))


async def _log_in(hub: HubProcess, services: Sequence[str], sizes: Sequence[int], watch: _Watch) -> None:
    trust = ssl.create_default_context(cafile=hub.ca_file)
    limit = asyncio.Semaphore(AT_A_TIME)
    providers: list[Waiting] = []

    async def log_in(service: str) -> None:
        async with limit:
            providers.append(await Waiting.logged_in(hub, service, KEY, trust))

    done = 0
    for size in sizes:
        await asyncio.gather(*map(log_in, services[done:size]))
        done = size
        watch.note(size)
    for provider in providers:
        provider.transport.abort()


def _queue(sizes: Sequence[int]) -> Iterator[Row]:
    """Requests that wait for a provider, each on a connection of its own; then one provider answers them all."""
    drained: Points = []
    for size in sizes:
        with hub_process(services={SERVICE: KEY}, limits={"queue_requests": size, "queue_s": 3600}) as hub:
            watch = asyncio.run(_wait_and_drain(hub, size))
            (queued, answered), memory = watch.times, watch.memory[0][1]
            drained.append((size, max(answered[1] - queued[1], LEAST_S)))
    yield grows(
        "queued requests: time to answer all",
        [drained],
        ("queued requests", "s of processor time"),
    )
    yield row(f"queued requests: memory of one, of {sizes[-1]:,}", [memory * 1e3 / sizes[-1]], "kB")


async def _wait_and_drain(hub: HubProcess, size: int) -> _Watch:
    trust = ssl.create_default_context(cafile=hub.ca_file)
    provider = await Waiting.logged_in(hub, SERVICE, KEY, trust)  # from now on providers alone answer
    payload = json.dumps({"reply": REPLY}).encode()

    async def answer_all() -> None:
        for _ in range(size):
            assert json.loads(await provider.next())["message"] == MESSAGE
            provider.transport.write(b"%08x%s" % (len(payload), payload))

    watch = _Watch(hub)
    clients = [await PlainClient.connected(hub.address) for _ in range(size)]
    for client in clients:
        client.send({"message": MESSAGE}, SERVICE)
    watcher = await PlainClient.connected(hub.address)
    while (await watcher.ask({"command": "getmodels"}))[0]["queuelen"] < size - 1:  # one is being answered
        pass
    watch.note(size)
    answering = asyncio.create_task(answer_all())
    for client in clients:
        await client.receive()
        client.close()
    await answering
    watch.note(size)
    watcher.close()
    provider.transport.abort()
    return watch


def _journal(sizes: Sequence[int]) -> Iterator[Row]:
    """Exchanges that a hub in process keeps all of; then what one costs when so many are kept already."""
    hub = MockHub({SERVICE: KEY}, journal_entries=sizes[-1])
    hub.on(MESSAGE).reply(REPLY)
    points: Points = []
    with httpx.Client(transport=hub.transport()) as client:
        began = process_time()
        for number in range(1, sizes[-1] + 1):
            client.post(f"https://hub/{SERVICE}", json={"message": MESSAGE})
            if number in sizes:
                points.append((number, process_time() - began))
    yield grows("journal entries: time", [points], ("exchanges in the journal", "s of processor time"))
    queries: Points = []
    for size in sizes:
        part = MockHub({SERVICE: KEY}, journal_entries=size)
        part.on(MESSAGE).reply(REPLY)
        with httpx.Client(transport=part.transport()) as client:
            for _ in range(size):
                client.post(f"https://hub/{SERVICE}", json={"message": MESSAGE})
        looks = [cost(partial(part.journal.assert_called, MESSAGE, times=size), 1).cpu_s for _ in range(5)]
        queries.append((size, min(looks) * 1000))
    yield grows("journal entries: time to look all through", [queries], ("exchanges in the journal", "ms"))


def _rules(sizes: Sequence[int], times: int, rounds: int) -> Row:
    """Rules that do not match, before the one that does: what a request costs."""
    measured: list[Points] = []
    for _ in range(rounds):
        points: Points = []
        for size in sizes:
            hub = MockHub({SERVICE: KEY})
            for number in range(size):
                hub.on(f"not this one {number}").reply("no")
            hub.on(MESSAGE).reply(REPLY)
            with httpx.Client(transport=hub.transport()) as client:
                client.post(f"https://hub/{SERVICE}", json={"message": MESSAGE})
                began = process_time()
                for _ in range(times):
                    client.post(f"https://hub/{SERVICE}", json={"message": MESSAGE})
                points.append((size, (process_time() - began) / times * 1000))
        measured.append(points)
    return grows("rules: time of a request", measured, ("rules that do not match", "ms a request"))


def _warm(connection: HTTPConnection) -> None:
    for number in range(200):
        _post(connection, {"message": f"m{number}", "max_new_len": 8})
