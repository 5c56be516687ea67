"""Two hundred providers lose their hub, and come back to it: soon, and not in one burst, however long it was away."""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_left
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from patience import DEADLINE_S
from virtual_network import VirtualLoop

from mockserver import MockHub, ServiceSettings
from neuroengine import AsyncClient, AsyncProvider, ProviderState, Retry, StateChange
from neuroengine.presence import RECONNECT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PROVIDERS = 200
BACK_S = 15.0
"""All providers are back so many seconds after their hub."""
BURST = 0.25
"""The largest share of them that may log in within one second."""
AWAY_S = (0.0, 0.05, 1.0, 3.0, 7.9, 8.0, 12.0, 33.0)
"""How long a hub may be away, in seconds."""


def largest_burst(times: list[float]) -> float:
    """The share of the logins that fell into one second, whichever it is."""
    times = sorted(times)
    return max(bisect_left(times, time + 1.0) - place for place, time in enumerate(times)) / len(times)


def logins(retry: Retry, away_s: float, dice: random.Random) -> list[float]:
    """How many seconds after the hub each provider logs in, by the pauses alone."""
    times = []
    for _ in range(PROVIDERS):
        now, failures = 0.0, 0
        while now < away_s or not failures:
            failures += 1
            wait = retry.wait_s(failures, None, dice.random())
            assert wait is not None
            now += wait
        times.append(now - away_s)
    return times


@pytest.mark.parametrize("away_s", [*AWAY_S, 1000.0])
def test_the_pauses_bring_all_back_in_time_and_never_in_a_burst(away_s: float) -> None:
    for seed in range(100):
        times = logins(RECONNECT, away_s, random.Random(f"{away_s} {seed}"))
        assert max(times) < BACK_S, seed
        assert largest_burst(times) <= BURST, seed


def test_pauses_that_chance_blurs_each_time_would_come_in_bursts() -> None:
    """Why the providers keep their places: where each pause is drawn anew, the short ones meet the hub first."""
    blurred = replace(RECONNECT, steady=False)
    bursts = [largest_burst(logins(blurred, 100.0, random.Random(seed))) for seed in range(20)]
    assert max(bursts) > BURST


async def answer(_: object) -> str:
    return "I am back"


@asynccontextmanager
async def serving(providers: list[AsyncProvider]) -> AsyncIterator[None]:
    """All of them at work."""
    tasks = [asyncio.create_task(provider.serve_forever()) for provider in providers]
    try:
        yield
    finally:
        await asyncio.gather(*(provider.close() for provider in providers))
        await asyncio.gather(*tasks)


@pytest.mark.parametrize("away_s", AWAY_S)
def test_real_providers_in_virtual_time_are_all_back_in_time_and_in_no_burst(away_s: float) -> None:
    loop = VirtualLoop()
    dice = random.Random(away_s)
    providers = [
        AsyncProvider(f"S{n}", "KEY", answer, address="hub.test:4444", verify=False, chance=dice.random)
        for n in range(PROVIDERS)
    ]

    async def main() -> None:
        async with serving(providers):
            await asyncio.sleep(1.0)
            assert len(loop.hub.logins) == PROVIDERS
            for _ in range(2):
                loop.hub.stop()
                await asyncio.sleep(away_s)
                loop.hub.start()
                back_at = loop.time()
                await asyncio.sleep(BACK_S)
                times = [time - back_at for time in loop.hub.logins]
                assert len(times) == PROVIDERS
                assert largest_burst(times) <= BURST
                await asyncio.sleep(100.0)
                assert len(loop.hub.logins) == PROVIDERS  # nobody comes twice

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())


class Counter:
    """Counts the providers that are logged in."""

    def __init__(self) -> None:
        self.all_are_in = asyncio.Event()
        self.all_are_out = asyncio.Event()
        self._ready: set[str] = set()

    def __call__(self, change: StateChange) -> None:
        if change.state is ProviderState.READY:
            self._ready.add(change.service)
        else:
            self._ready.discard(change.service)
        for event, many in ((self.all_are_in, PROVIDERS), (self.all_are_out, 0)):
            event.set() if len(self._ready) == many else event.clear()


def test_real_providers_on_real_sockets_are_all_back_when_their_hub_is() -> None:
    """The pauses are a twentieth of the usual ones, so the hub is met faster than in life."""
    quick = replace(RECONNECT, first_wait_s=RECONNECT.first_wait_s / 20, longest_wait_s=RECONNECT.longest_wait_s / 20)
    services = [ServiceSettings(f"S{n}", f"KEY{n}", offline=True) for n in range(PROVIDERS)]

    async def main() -> None:
        count = Counter()
        hub = MockHub(services, tls=False)
        await asyncio.to_thread(hub.start)
        http_port, provider_port = (int(address.rpartition(":")[2]) for address in (hub.url, hub.provider))
        providers = [
            AsyncProvider(
                row.name, row.key, answer, address=hub.provider, verify=False, reconnect=quick, on_state=count
            )
            for row in services
        ]
        async with serving(providers), asyncio.timeout(DEADLINE_S):
            await count.all_are_in.wait()
            await asyncio.to_thread(hub.stop)
            await count.all_are_out.wait()
            again = MockHub(services, tls=False, http_port=http_port, provider_port=provider_port)
            await asyncio.to_thread(again.start)
            try:
                await count.all_are_in.wait()
                async with AsyncClient("S0", url=again.url) as client:
                    assert all(model.connected for model in await client.models())
                    replies = [await client.generate("Are you back?", service=row.name) for row in services]
                assert {reply.text for reply in replies} == {"I am back"}
            finally:
                await asyncio.to_thread(again.stop)

    asyncio.run(main())
