"""Streams of the real mock hub through a proxy that breaks connections: whole, or a typed error, and never less."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from fault_proxy import NEED_SEQ, Break, FaultProxy
from patience import DEADLINE_S

from mockserver import MockHub
from neuroengine import AsyncClient, Client, NeuroengineError, Provider, Retry, StreamGap, Timeouts
from neuroengine.transport.threads import BackgroundLoop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from neuroengine.protocol.jobs import Request

STREAMS = int(os.environ.get("NE_STREAMS", "50"))
"""How many streams each test reads; the variable asks for more."""
TIRELESS = Retry(tries=100, first_wait_s=0.0, longest_wait_s=0.0)
LATE_S = 0.25
"""How long a client that waits does so for a held answer."""
ALL = set(Break) - {Break.NONE}

End = tuple[str, NeuroengineError | None]
"""What came of a stream, and what ended it before its end."""


async def numbers(request: Request) -> AsyncIterator[str]:
    """A model whose reply tells of every lost and doubled word."""
    for number in range(request.sampling["max_new_len"]):
        await asyncio.sleep(0)
        yield f" {number}"


@pytest.fixture(scope="module", params=["the hub's own", "a streaming provider's"])
def hub(request: pytest.FixtureRequest) -> Iterator[MockHub]:
    """A hub whose replies are made by itself, or by a provider that gets every poll."""
    with MockHub({"S": "KEY"}, tls=False) as running:
        if request.param == "the hub's own":
            yield running
            return
        with Provider(
            "S", "KEY", numbers, streaming=True, address=running.provider, ca_file=running.ca_file
        ) as provider:
            serving = threading.Thread(target=provider.serve_forever)
            serving.start()
            yield running
            provider.close()
            serving.join(DEADLINE_S)


def request(seed: int) -> dict[str, Any]:
    return {"prompt": "Tell me of the sea", "seed": seed, "max_new_len": 1 + 7 * seed % 60}


def wholes(hub: MockHub, streams: int) -> list[str]:
    """The replies that the streams should bring."""
    with Client("S", url=hub.url) as client:
        return [client.generate(**request(seed)).text for seed in range(streams)]


def read(client: Client, seed: int) -> End:
    """A stream, read by a program that waits, as far as it came."""
    pieces: list[str] = []
    try:
        for piece in client.stream(**request(seed), gettokens=1 + seed % 5):
            pieces.append(piece)  # noqa: PERF402 - an error must leave what came before it
    except NeuroengineError as error:
        return "".join(pieces), error
    return "".join(pieces), None


async def read_in_task(client: AsyncClient, proxy: FaultProxy, seed: int) -> End:
    """A stream, read by a task that gives up each held answer and asks again."""
    stream = client.stream(**request(seed), gettokens=1 + seed % 5)
    pieces: list[str] = []
    try:
        while piece := await next_piece(stream, proxy):
            pieces.append(piece)
    except NeuroengineError as error:
        return "".join(pieces), error
    return "".join(pieces), None


async def next_piece(stream: AsyncIterator[str], proxy: FaultProxy) -> str:
    """The next piece, empty at the end; a poll whose answer is held is cancelled."""
    while True:
        polling = asyncio.ensure_future(anext(stream, ""))
        holding = asyncio.ensure_future(proxy.held.wait())
        await asyncio.wait({polling, holding}, return_when=asyncio.FIRST_COMPLETED, timeout=DEADLINE_S)
        holding.cancel()
        if polling.done():
            return polling.result()
        polling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await polling
        await asyncio.wait_for(proxy.left.wait(), DEADLINE_S)


def judged(hub: MockHub, ends: list[End], tally: Counter[str], *, gaps: bool) -> None:
    """Holds what was read against the replies of the hub."""
    kinds = Counter("whole" if error is None else type(error).__name__ for _, error in ends)
    report = f"{len(ends)} streams: {dict(kinds)}; exchanges: { ({str(kind): many for kind, many in tally.items()}) }"
    print(report)
    for (text, error), whole in zip(ends, wholes(hub, len(ends)), strict=True):
        if error is None:
            assert text == whole, report
        else:
            assert gaps, (error, report)
            assert isinstance(error, StreamGap), (error, report)
            assert error.text == text, report
            assert whole.startswith(text), report
    assert not gaps or min(kinds["whole"], kinds["StreamGap"]) >= len(ends) // 10, report


@asynccontextmanager
async def broken_line(hub: MockHub, name: str, *, kinds: set[Break], knows_seq: bool) -> AsyncIterator[FaultProxy]:
    """A proxy that breaks fewer exchanges where one is enough to end a stream."""
    share = 0.3 if knows_seq else 0.05
    async with FaultProxy(hub.url, random.Random(name), share=share, kinds=kinds, hides_seq=not knows_seq) as proxy:
        yield proxy


def read_all(hub: MockHub, kinds: set[Break], *, streams: int, knows_seq: bool) -> tuple[list[End], Counter[str]]:
    """All streams, read by a program that waits, one after another over one client."""
    loop = BackgroundLoop()
    line = broken_line(hub, "waits", kinds=kinds, knows_seq=knows_seq)
    try:
        proxy = loop.run(line.__aenter__())
        answer_s = LATE_S if Break.HELD in kinds else DEADLINE_S
        with Client("S", url=proxy.url, retry=TIRELESS, timeouts=Timeouts(answer_s=answer_s)) as client:
            ends = [read(client, seed) for seed in range(streams)]
        loop.run(line.__aexit__(None, None, None))
    finally:
        loop.stop()
    return ends, proxy.tally


@pytest.mark.parametrize("knows_seq", [True, False], ids=["with seq", "without seq"])
def test_a_stream_over_a_broken_line_is_whole_or_ends_in_a_gap(hub: MockHub, knows_seq: bool) -> None:
    kinds = (ALL if knows_seq else ALL - NEED_SEQ) - {Break.HELD}
    ends, tally = read_all(hub, kinds, streams=STREAMS, knows_seq=knows_seq)
    judged(hub, ends, tally, gaps=not knows_seq)
    assert set(tally) == kinds | {Break.NONE} or not knows_seq


def test_a_client_that_waits_asks_again_for_an_answer_that_does_not_come(hub: MockHub) -> None:
    ends, tally = read_all(hub, {Break.HELD}, streams=2, knows_seq=True)
    judged(hub, ends, tally, gaps=False)
    assert tally[Break.HELD] >= 2


@pytest.mark.parametrize("knows_seq", [True, False], ids=["with seq", "without seq"])
def test_a_stream_whose_polls_are_cancelled_is_whole_or_ends_in_a_gap(hub: MockHub, knows_seq: bool) -> None:
    # An answer that comes twice is taken for the next poll's, so that the held poll would not be the cancelled one.
    kinds = (ALL if knows_seq else ALL - NEED_SEQ) - {Break.TWICE}

    async def main() -> tuple[list[End], Counter[str]]:
        async with (
            broken_line(hub, "awaits", kinds=kinds, knows_seq=knows_seq) as proxy,
            AsyncClient("S", url=proxy.url, retry=TIRELESS, timeouts=Timeouts(answer_s=DEADLINE_S)) as client,
        ):
            return [await read_in_task(client, proxy, seed) for seed in range(STREAMS)], proxy.tally

    ends, tally = asyncio.run(main())
    judged(hub, ends, tally, gaps=not knows_seq)
    assert set(tally) == kinds | {Break.NONE} or not knows_seq
