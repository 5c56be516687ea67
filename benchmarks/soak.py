"""A soak: mixed clients, streams, providers that die and come back, and faults by chance, at one hub, for a while.

Four kinds of clients ask without a pause: whole replies of a provider, each with one try; streams of a plain and of a
streaming provider, by `AsyncClient` with its retries; whole replies of the hub's own model; and clients that go away in
the middle of an answer. A ledger has it that each gets one outcome. The hub's memory and file descriptors are watched.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

from benchmarks.hub_process import hub_process
from benchmarks.ledger import WHOLE, Ledger, reply_to
from benchmarks.process import PYTHON
from mockserver.model import Sampling, SimulatedModel
from neuroengine import AsyncClient, ConnectionFailed, HubError, NeuroengineError, Retry, Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from benchmarks.hub_process import HubProcess

KEY: Final = "DEMOKEY"
PROVIDED: Final = {"Plain": "whole", "Plain2": "whole", "Streams": "streaming", "Streams2": "streaming"}
"""The services that have a provider, and its kind."""
MODEL: Final = "Model"
LIMITS: Final = {
    "provider_answer_s": 3.0,
    "queue_s": 4.0,
    "stream_idle_s": 4.0,
    "end_kept_s": 4.0,
    "login_s": 6.0,
    "ping_s": 1.0,
    "queue_requests": 1000,
}
FAULTS: Final = (
    {"name": "reset", "rate": 0.005},
    {"name": "drop_midway", "rate": 0.005},
    {"name": "truncated_body", "rate": 0.003},
    {"name": "latency", "rate": 0.02, "seconds": 0.02, "spread_s": 0.05},
    {"name": "provider_death", "rate": 0.002},
    {"name": "provider_garbage", "rate": 0.002},
    {"name": "provider_late", "rate": 0.01, "seconds": 0.05},
    {"name": "frame_lost", "rate": 0.001},
    {"name": "frame_drip", "rate": 0.002, "size_bytes": 50, "every_s": 0.001},
)
"""What befalls exchanges, each by chance."""
CLIENTS: Final = 4
"""How many clients there are of each kind."""
LOOK_S: Final = 0.5
SETTLE_S: Final = 9.0
"""After so long without a request the hub has forgotten every stream."""
KILL_S: Final = (1.0, 3.0)
"""Between two deaths of providers."""


@dataclass(slots=True)
class Soaked:
    """What came of a soak."""

    ledger: Ledger
    seconds: float = 0.0
    memory: list[int] = field(default_factory=list)
    """The hub's memory in bytes, at even times."""
    files_before: int = 0
    files_after: int = 0
    deaths: int = 0
    faults: int = 0
    """How many tracebacks the hub wrote to its log."""
    generations: int = 0
    """How many the hub says that it accepted."""


def soak(seconds: float, seed: int = 1) -> Soaked:
    """Lets it run for so long, and then looks what is left."""
    services = dict.fromkeys((*PROVIDED, MODEL), KEY)
    with (
        tempfile.TemporaryDirectory() as folder,
        hub_process(services=services, faults=FAULTS, limits=LIMITS) as hub,
    ):
        return asyncio.run(_Play(hub, Path(folder) / "notes", random.Random(seed)).run(seconds))


class _Play:
    """One soak while it runs."""

    def __init__(self, hub: HubProcess, notes: Path, chance: random.Random) -> None:
        self._hub = hub
        self._notes = notes
        self._chance = chance
        self._ends_at = 0.0
        self._numbers = count()
        self._ledger = Ledger()
        self._by_provider = Ledger()
        """Whole replies of providers, which are told whom they answered."""
        self._unanswered: set[str] = set()
        self._soaked = Soaked(self._ledger)

    async def run(self, seconds: float) -> Soaked:
        """Plays it."""
        soaked = self._soaked
        soaked.files_before = self._hub.files
        providers = {service: await self._provider(service) for service in PROVIDED}
        try:
            await self._use(providers, seconds)
        finally:
            for provider in providers.values():
                with suppress(ProcessLookupError):  # it may be dead already
                    provider.kill()
                await provider.wait()
        await asyncio.sleep(SETTLE_S)
        soaked.files_after = self._hub.files
        soaked.faults = self._hub.said.count("Traceback")
        self._judge()
        return soaked

    async def _use(self, providers: dict[str, asyncio.subprocess.Process], seconds: float) -> None:
        """Lets all clients ask, while providers die, for so long."""
        began = monotonic()
        self._ends_at = began + seconds
        clients: Sequence[Callable[[], Coroutine[None, None, None]]] = [
            lambda: self._wholes("Plain"),
            lambda: self._wholes("Plain2"),
            lambda: self._streams("Plain"),
            lambda: self._streams("Streams"),
            lambda: self._streams("Streams2"),
            self._models,
            lambda: self._leavers("Streams"),
            lambda: self._leavers("Plain2"),
        ]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            tasks.create_task(self._kill(providers))
            for client in clients:
                for _ in range(CLIENTS):
                    tasks.create_task(client())
        self._soaked.seconds = monotonic() - began
        self._soaked.generations = await self._accepted()

    def _judge(self) -> None:
        """Puts both ledgers together, and looks at the providers' notes."""
        calls = Counter(self._notes.read_text(encoding="utf-8").splitlines())
        ours = self._by_provider
        ours.check_calls(Counter({name: times for name, times in calls.items() if name[0] == "w"}), self._unanswered)
        for ledger in (ours, self._ledger):
            ledger.finish()
        self._ledger.absorb(ours)
        whole = self._ledger.outcomes[WHOLE]
        if self._soaked.generations < whole:
            self._ledger.violations.append(f"the hub counted {self._soaked.generations} generations, and {whole} ended")

    # -- clients

    def _client(self, service: str, tries: int) -> AsyncClient:
        return AsyncClient(
            service,
            url=self._hub.url,
            retry=Retry(tries=tries, first_wait_s=0.02, longest_wait_s=0.5),
            timeouts=Timeouts(answer_s=10, piece_s=30, total_s=60),
        )

    async def _wholes(self, service: str) -> None:
        client = self._client(service, tries=1)
        while monotonic() < self._ends_at:
            message = f"w{next(self._numbers)} {self._chance.randint(1, 40)}"
            self._by_provider.begin(message, reply_to(message))
            outcome, text = await _outcome(client, message)
            if outcome != WHOLE:
                self._unanswered.add(message)
            self._by_provider.end(message, outcome, text)
        await client.close()

    async def _models(self) -> None:
        client = self._client(MODEL, tries=1)
        while monotonic() < self._ends_at:
            message = f"m{next(self._numbers)}"
            seed = self._chance.randrange(1000)
            sampling = Sampling(max_new_len=24, seed=seed)
            self._ledger.begin(message, "".join(SimulatedModel().tokens(message, sampling)))
            self._ledger.end(message, *await _outcome(client, message, max_new_len=24, seed=seed))
        await client.close()

    async def _streams(self, service: str) -> None:
        client = self._client(service, tries=8)
        while monotonic() < self._ends_at:
            message = f"s{next(self._numbers)} {self._chance.randint(1, 60)}"
            self._ledger.begin(message, reply_to(message))
            stream = client.stream(message, gettokens=self._chance.randint(1, 12))
            try:
                async for _ in stream:
                    pass
                outcome = WHOLE
            except NeuroengineError as error:
                outcome = _named(error)
            self._ledger.end(message, outcome, stream.text)
        await client.close()

    async def _leavers(self, service: str) -> None:
        """Clients that send a request, whole or the first poll of a stream, and go."""
        while monotonic() < self._ends_at:
            message = f"l{next(self._numbers)} {self._chance.randint(1, 40)}"
            self._ledger.begin(message, reply_to(message))
            request = {"message": message} | ({"key": message} if self._chance.random() < 0.5 else {})
            body = json.dumps(request).encode()
            head = f"POST /{service} HTTP/1.1\r\nHost: hub\r\nContent-Length: {len(body)}\r\n\r\n"
            with suppress(OSError):
                _, writer = await asyncio.open_connection(*self._hub.address)
                writer.write(head.encode() + body)
                await asyncio.sleep(self._chance.random() * 0.02)
                writer.transport.abort()
            self._ledger.end(message, "left")
            await asyncio.sleep(0.02)

    # -- providers

    async def _provider(self, service: str) -> asyncio.subprocess.Process:
        arguments = [self._hub.provider, self._hub.ca_file, service, KEY, str(self._notes), PROVIDED[service]]
        provider = await asyncio.create_subprocess_exec(
            PYTHON, "-m", "benchmarks.peers.word_provider", *arguments, stdout=-1
        )
        assert provider.stdout is not None
        assert await provider.stdout.readline() == b"ready\n"
        return provider

    async def _kill(self, providers: dict[str, asyncio.subprocess.Process]) -> None:
        """Kills a provider now and then, and starts it again."""
        while monotonic() < self._ends_at - KILL_S[1]:
            await asyncio.sleep(self._chance.uniform(*KILL_S))
            service = self._chance.choice(list(providers))
            providers[service].kill()
            await providers[service].wait()
            self._soaked.deaths += 1
            await asyncio.sleep(self._chance.random())
            providers[service] = await self._provider(service)

    # -- the hub

    async def _watch(self) -> None:
        while monotonic() < self._ends_at:
            self._soaked.memory.append(self._hub.memory_bytes)
            await asyncio.sleep(LOOK_S)

    async def _accepted(self) -> int:
        async with self._client(MODEL, tries=20) as client:
            return sum(model.numreq for model in await client.models())


async def _outcome(client: AsyncClient, message: str, **sampling: int) -> tuple[str, str]:
    try:
        return WHOLE, (await client.generate(message, **sampling)).text  # type: ignore[arg-type]  # names of its own
    except NeuroengineError as error:
        return _named(error), ""


def _named(error: NeuroengineError) -> str:
    """An error as an outcome."""
    if isinstance(error, HubError):
        return f"code {error.code}"
    return "connection" if isinstance(error, ConnectionFailed) else type(error).__name__


if __name__ == "__main__":
    found = soak(float(sys.argv[1]))
    sys.stdout.write(f"{found.ledger.outcomes}\n{found.ledger.violations[:5]}\n{found.deaths} deaths\n")
