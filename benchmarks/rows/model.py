"""The simulated model: its speed, how that depends on what it read and wrote, and whether a hub keeps its pace.

The peer is markovify, a Markov model over the same text with as long a memory. It draws words; the simulated model
draws tokens, by a sampler chain, each with the space before it, so that the two are about as long.
"""

from __future__ import annotations

import asyncio
from importlib import resources
from itertools import pairwise
from time import monotonic, perf_counter, process_time
from typing import TYPE_CHECKING, Final

import httpx
import markovify

from benchmarks.fit import grows
from benchmarks.hub_process import hub_process
from benchmarks.measure import at_most, ratios, row, take_turns
from benchmarks.peers import KEY, SERVICE
from benchmarks.plain_http import PlainClient
from mockserver import Clock, MockHub, Pace
from mockserver.model import Sampling, SimulatedModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.hub_process import HubProcess
    from benchmarks.measure import Effort, Row

OURS: Final = "the simulated model"
PEER: Final = "markovify"
LONG: Final = Sampling(max_new_len=4096, repetition_penalty=1.0)
STREAMS: Final = 200
TOKENS_S: Final = 50.0
PAUSE_S: Final = 0.2
"""Between two polls: a program that shows five pieces a second."""
PROMPT: Final = "Say something about the sea, the weather and the ships, and do not stop. "


def measure(effort: Effort) -> Iterator[Row]:
    """Speed, growth, pace, and a clock that leaps."""
    yield from _speed(effort)
    yield from _growth(effort)
    yield _pace(effort)
    yield _leap(effort)


def _speed(effort: Effort) -> Iterator[Row]:
    corpus = resources.files("mockserver.model").joinpath("corpus.txt").read_text(encoding="utf-8")
    peer = markovify.Text(corpus, state_size=2)
    model, wanted = SimulatedModel(), effort.of(5000, 200)

    def by_us() -> float:
        count, seed, began = 0, 0, process_time()
        while count < wanted:
            count += sum(1 for _ in model.tokens(PROMPT, Sampling(max_new_len=512, seed=seed)))
            seed += 1
        return count / (process_time() - began)

    def by_peer() -> float:
        count, began = 0, process_time()
        while count < wanted:
            count += len(peer.make_sentence(test_output=False).split())
        return count / (process_time() - began)

    list(model.tokens(PROMPT, Sampling()))  # it learns when it is first asked
    found = take_turns({OURS: by_us, PEER: by_peer}, effort.of(7, 1))
    yield row(f"{PEER}: words a second", found[PEER], "1/s of processor time")
    yield row(f"{OURS}: tokens a second", found[OURS], "1/s of processor time")
    yield row(f"{OURS}: tokens a second", ratios(found[OURS], found[PEER]), "x", against=f"{PEER}'s words")
    first = [_first_token_ms(PROMPT) for _ in range(effort.of(51, 3))]
    yield row(f"{OURS}: time to first token, short prompt", first, "ms")


def _first_token_ms(prompt: str) -> float:
    began = perf_counter()
    next(SimulatedModel().tokens(prompt, LONG))
    return (perf_counter() - began) * 1000


def _growth(effort: Effort) -> Iterator[Row]:
    repeats = [1, 4, 16, 64, 256, 800] if not effort.quick else [1, 8, 64]
    rounds = [
        [(float(len(PROMPT * times)), min(_first_token_ms(PROMPT * times) for _ in range(3))) for times in repeats]
        for _ in range(effort.of(5, 1))
    ]
    axes = ("characters of the prompt", "ms to the first token")
    yield grows(f"{OURS}: time to first token by length of prompt", rounds, axes)
    lengths = [256, 512, 1024, 2048, 4096] if not effort.quick else [64, 256]
    rounds = [_reply_times(lengths) for _ in range(effort.of(5, 1))]
    axes = ("tokens of the reply", "ms for all of them")
    yield grows(f"{OURS}: time by length of reply", rounds, axes)


def _reply_times(lengths: Sequence[int]) -> list[tuple[float, float]]:
    """How long a reply took up to each length; a model that ends by itself is asked again."""
    points, count, began = [], 0, process_time()
    for shorter, longer in pairwise([0, *lengths]):
        while count < longer:
            for _ in SimulatedModel().tokens(PROMPT, Sampling(max_new_len=longer - count, seed=shorter + count)):
                count += 1
        points.append((float(longer), (process_time() - began) * 1000))
    return points


def _pace(effort: Effort) -> Row:
    """How much later than they should many streams end that a hub lets out at one pace."""
    tokens, streams = effort.of(400, 20), effort.of(STREAMS, 5)
    text = " ".join(str(number) for number in range(tokens))
    with hub_process(services={SERVICE: KEY}, replies={PROMPT: text}, tokens_per_s=TOKENS_S) as hub:
        late = [asyncio.run(_streams(hub, streams, text)) for _ in range(effort.of(3, 1))]
    return row(f"{streams} streams at {TOKENS_S:g} tokens/s: late in all", late, "%", goal=at_most(2))


async def _streams(hub: HubProcess, count: int, text: str) -> float:
    """How late the last of so many streams ended, in percent of the time that it should have taken."""
    ideal_s = (len(text.split()) - 1) / TOKENS_S
    keys = (f"{monotonic()} {number}" for number in range(count))
    return max(await asyncio.gather(*(_lateness(hub, key, text, ideal_s) for key in keys))) / ideal_s * 100


async def _lateness(hub: HubProcess, key: str, text: str, ideal_s: float) -> float:
    """How long a stream's last piece came after it was due, or after it was asked for, when that was later."""
    client = await PlainClient.connected(hub.address)
    poll = {"message": PROMPT, "key": key, "gettokens": 50}
    due = monotonic() + ideal_s
    got, late, asked = "", 0.0, monotonic()
    while piece := (await client.ask(poll, SERVICE))["reply"]:
        got, late = got + piece, monotonic() - max(due, asked)
        await asyncio.sleep(PAUSE_S)
        asked = monotonic()
    client.close()
    assert got == text
    return late


def _leap(effort: Effort) -> Row:
    """What a generation of a minute takes on a clock that leaps."""
    text = " ".join(str(number) for number in range(round(60 * TOKENS_S)))

    def generate() -> float:
        hub = MockHub({SERVICE: KEY}, clock=Clock.leaping(), pace=Pace(tokens_per_s=TOKENS_S))
        hub.on().reply(text)
        with httpx.Client(transport=hub.transport(), timeout=120) as client:
            before, began = hub.clock.time(), perf_counter()
            answer = client.post(f"https://hub/{SERVICE}", json={"message": PROMPT, "max_new_len": 4096}).json()
            took = (perf_counter() - began) * 1000
        assert answer["reply"] == text
        assert hub.clock.time() - before > 59
        return took

    return row(
        "60 s of generation on a leaping clock", [generate() for _ in range(effort.of(7, 1))], "ms", goal=at_most(5)
    )
