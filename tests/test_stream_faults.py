"""Streams through every fault that can befall a poll: no token is lost or doubled, and no short reply passes as whole.

Each test reads hundreds of generated streams and counts; what it counted stands in the message of its assertions, and
in its output (`pytest -rP`).
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

import httpx
import pytest
from faulty_hub import ANSWER_S, HARMLESS, HUB_URL, NEED_SEQ, Fault, FaultyHub, told

from neuroengine import AsyncClient, Client, NeuroengineError, Retry, StreamGap, Timeouts
from neuroengine.errors import StreamConflictError, StreamExpiredError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STREAMS = int(os.environ.get("NE_STREAMS", "1000"))
"""How many streams each test reads; the variable asks for more."""


@dataclass
class Tale:
    """One stream, as its reader saw it."""

    hub: FaultyHub
    tries: int
    total_s: float
    text: str = ""
    error: NeuroengineError | None = None

    @property
    def whole(self) -> str:
        """The reply that the stream should have brought."""
        return "".join(self.hub.last.tokens) if self.hub.last else ""

    @property
    def may_fail(self) -> bool:
        """Whether the tries or the time were used up, or the hub refused to go on."""
        is_late = self.hub.clock.now + Retry().longest_wait_s >= self.total_s
        is_refused = self.hub.last is not None and self.hub.last.failure != 0
        return self.hub.longest_run >= self.tries or is_late or is_refused

    @property
    def lost_an_answer(self) -> bool:
        return not set(self.hub.faults) <= HARMLESS


@dataclass
class Report:
    """What was counted over all streams."""

    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    polls: int = 0
    tokens: int = 0
    lost: int = 0
    repeated: int = 0

    def add(self, tale: Tale) -> None:
        got = told(tale.text)
        self.faults += tale.hub.tally
        self.ends[type(tale.error).__name__ if tale.error else "whole"] += 1
        self.polls += len(tale.hub.faults)
        self.tokens += len(got)
        self.repeated += len(got) - len(set(got))
        # Of a reply that passes as whole every token must be there, of another one all up to the last that came.
        due = told(tale.whole) if tale.error is None else told(tale.whole)[: len(set(got))]
        self.lost += len(set(due) - set(got))

    def __str__(self) -> str:
        def listed(tally: Counter[str]) -> str:
            return ", ".join(f"{many} {name}" for name, many in sorted(tally.items()))

        return (
            f"{self.ends.total()} streams ({listed(self.ends)}), {self.polls} polls, {self.tokens} tokens read; "
            f"{self.faults.total()} faults ({listed(self.faults)}); {self.lost} tokens lost, {self.repeated} repeated"
        )


def settings(dice: random.Random) -> tuple[Retry, Timeouts, Callable[[], str]]:
    """How patient the client is, and its keys."""
    keys = (f"key {number}" for number in count())
    retry = Retry(tries=dice.choice([1, 2, 3, 6, 50]))
    total_s = dice.choice([90.0, 600.0, 1e6])
    return retry, Timeouts(answer_s=ANSWER_S, piece_s=total_s, total_s=total_s), lambda: next(keys)


def cases(reader: str, *, knows_seq: bool) -> Iterator[tuple[FaultyHub, random.Random]]:
    for seed in range(STREAMS):
        dice = random.Random(f"{reader} {knows_seq} {seed}")
        tokens = dice.choice([0, 1, dice.randint(2, 12), dice.randint(13, 40)])
        yield FaultyHub(tokens, knows_seq=knows_seq, share=dice.choice([0.02, 0.15, 0.4, 0.8]), dice=dice), dice


def read(hub: FaultyHub, dice: random.Random) -> Tale:
    """A stream, read by a program that waits; Ctrl-C costs it a poll, and it goes on."""
    retry, timeouts, new_key = settings(dice)
    tale = Tale(hub, retry.tries, timeouts.total_s)
    with (
        Client(
            "S", url=HUB_URL, transport=httpx.MockTransport(hub), retry=retry, timeouts=timeouts, clock=hub.clock,
            sleep=hub.clock.sleep, chance=dice.random, new_key=new_key,
        ) as client,
        client.stream("Tell me", gettokens=dice.randint(1, 6)) as stream,
    ):  # fmt: skip
        pieces: list[str] = []
        try:
            while True:
                try:
                    pieces.append(next(stream))
                except KeyboardInterrupt:
                    continue
        except StopIteration:
            pass
        except NeuroengineError as error:
            tale.error = error
        tale.text = "".join(pieces)
        assert stream.text == tale.text
    return tale


async def read_in_task(hub: FaultyHub, dice: random.Random) -> Tale:
    """A stream, read by a task; a cancellation costs it a poll, and it goes on."""
    retry, timeouts, new_key = settings(dice)
    tale = Tale(hub, retry.tries, timeouts.total_s)
    task = asyncio.current_task()
    assert task is not None
    async with (
        AsyncClient(
            "S", url=HUB_URL, transport=httpx.MockTransport(hub), retry=retry, timeouts=timeouts, clock=hub.clock,
            sleep=hub.clock.sleep_in_task, chance=dice.random, new_key=new_key,
        ) as client,
        client.stream("Tell me", gettokens=dice.randint(1, 6)) as stream,
    ):  # fmt: skip
        pieces: list[str] = []
        try:
            while True:
                try:
                    pieces.append(await anext(stream))
                except asyncio.CancelledError:
                    task.uncancel()
        except StopAsyncIteration:
            pass
        except NeuroengineError as error:
            tale.error = error
        tale.text = "".join(pieces)
        assert stream.text == tale.text
    return tale


def read_all(*, knows_seq: bool) -> list[Tale]:
    return [read(hub, dice) for hub, dice in cases("waits", knows_seq=knows_seq)]


def read_all_in_tasks(*, knows_seq: bool) -> list[Tale]:
    async def main() -> list[Tale]:
        return [await read_in_task(hub, dice) for hub, dice in cases("awaits", knows_seq=knows_seq)]

    return asyncio.run(main())


READERS = pytest.mark.parametrize("tales_of", [read_all, read_all_in_tasks], ids=["Client", "AsyncClient"])


def counted(tales: list[Tale]) -> Report:
    report = Report()
    for tale in tales:
        report.add(tale)
    print(report)
    return report


@READERS
def test_with_seq_no_token_is_lost_and_none_comes_twice(tales_of: Callable[..., list[Tale]]) -> None:
    tales = tales_of(knows_seq=True)
    report = counted(tales)
    assert set(report.faults) == set(Fault) - {Fault.NONE}, report
    assert (report.lost, report.repeated) == (0, 0), report
    for tale in tales:
        if tale.error is None:
            assert tale.text == tale.whole, report
        else:
            assert tale.may_fail, (tale.error, tale.hub.faults, str(report))
            assert tale.whole.startswith(tale.text), report
            assert not isinstance(tale.error, StreamGap | StreamConflictError | StreamExpiredError), report
    assert report.ends["whole"] > STREAMS / 2, report


@READERS
def test_without_seq_a_lost_answer_is_an_error_and_never_a_short_reply(tales_of: Callable[..., list[Tale]]) -> None:
    tales = tales_of(knows_seq=False)
    report = counted(tales)
    assert set(report.faults) == set(Fault) - {Fault.NONE} - NEED_SEQ, report
    assert (report.lost, report.repeated) == (0, 0), report
    for tale in tales:
        if tale.error is None:
            assert tale.text == tale.whole, report
        else:
            assert tale.may_fail or tale.lost_an_answer, (tale.error, tale.hub.faults, str(report))
            assert tale.whole.startswith(tale.text), report
    assert min(report.ends["whole"], report.ends["StreamGap"]) > STREAMS / 5, report
