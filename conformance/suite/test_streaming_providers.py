"""Providers that stream by themselves: the hub hands them every poll, and passes on the pieces as they are."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from conformance.asker import Passage
from conformance.evidence import not_judged
from conformance.provider import payloads
from conformance.requirement import judges
from conformance.suite.answering import (
    ASK,
    are_queued,
    handed_over,
    hang_up,
    returned,
    soon,
    text_of,
    turn,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from conformance.call import Call
    from conformance.judge import Judge
    from conformance.provider.link import Link

NOT_READY: Final = 17
SIZES: Final[tuple[tuple[int | str, ...], ...]] = ((3, 5, 1, 20), (2, "4"))
"""What the polls of two streams ask for."""
WORDS: Final = "sea wind rope bread "
TRIES: Final = 3
"""So often a stream is begun on a machine that is too slow for the hub's patience."""
POLLS_MORE: Final = 10
"""How many polls more than there are answers a stream may take: a hub may ask again by itself, or make its client."""


@contextmanager
def streaming(judge: Judge) -> Iterator[Link]:
    """The link of a provider that streams by itself, and is the only one."""
    with judge.desk.vacant():
        link = returned(judge, streaming=True)
        if link is None:
            not_judged("the hub lets no streaming provider in")
        yield link


def begin_poll(judge: Judge, key: str, size: int | str = 20) -> Call:
    """A poll that is answered later."""
    return judge.begin(ASK | {"key": key, "gettokens": size}, keys=(key,))


def polled(judge: Judge, link: Link, key: str, answer: Mapping[str, Any], size: int | str = 20) -> Passage:
    """One poll on its way through the hub; requires that it reaches the provider."""
    call = begin_poll(judge, key, size)
    frame = turn(link, call)
    if frame is None:
        exchange = call.answer()
        judge.breaks("the poll reaches the streaming provider", f"it did not: {exchange.describe()}", exchange)
    link.answer(answer)
    return Passage(frame, call.answer())


@judges("NE-SPROV-001")
def test_every_poll_is_forwarded(judge: Judge) -> None:
    with streaming(judge) as link:
        keys: list[str] = []
        for sizes in SIZES:
            key = judge.new_key()
            passages = [polled(judge, link, key, {"reply": WORDS, "errorcode": 0}, size) for size in sizes]
            passages.append(polled(judge, link, key, {"reply": "", "errorcode": 0}))
            came = [(frame.content.get("key"), frame.content.get("gettokens")) for frame, _ in passages]
            exchanges = [exchange for _, exchange in passages]
            asked = [*map(int, sizes), 20]
            holds = [str(size) for _, size in came] == [str(size) for size in asked]
            judge.require(holds, f"polls with gettokens {asked}", f"{[size for _, size in came]}", *exchanges)
            handed = {key for key, _ in came}
            holds = len(handed) == 1 and all(isinstance(key, str) and key for key in handed)
            judge.require(holds, "one key in all polls of the stream", f"the keys {handed}", *exchanges)
            keys += map(str, handed)
        judge.require(len(set(keys)) == len(keys), "another stream has another key", f"the same one: {keys[0]!r}")


@judges("NE-SPROV-002")
def test_pieces_are_passed_on_uncut(judge: Judge) -> None:
    def check(example: tuple[list[str], list[int]]) -> None:
        pieces, sizes = example
        for _ in range(TRIES):
            with streaming(judge) as link:
                if are_passed_on(judge, link, [*pieces, ""], sizes):
                    return
        not_judged("the hub calls a poll not ready before the provider's answer comes")

    pieces = st.lists(payloads.replies.filter(bool) | st.just(WORDS * 10), min_size=1, max_size=4)
    sizes = st.lists(st.integers(1, 40), min_size=5, max_size=5)
    judge.explore(st.tuples(pieces, sizes), check, examples=25)


def are_passed_on(judge: Judge, link: Link, pieces: list[str], sizes: list[int]) -> bool:
    """Requires of each poll the provider's piece; false where the hub's patience ended before the piece came."""
    key = judge.new_key()
    for piece, size in zip(pieces, sizes, strict=False):
        _, exchange = polled(judge, link, key, {"reply": piece, "errorcode": 0}, size)
        if exchange.code == NOT_READY:
            return False
        holds = exchange.is_success and exchange.reply == piece
        judge.require(holds, f"the piece {piece!r}", exchange.describe(), exchange)
    return True


@judges("NE-SPROV-003")
def test_a_stream_outlives_a_provider_that_is_not_ready(judge: Judge) -> None:
    pieces = ["The tide ", "is ", "out."]
    late = {"reply": "Nothing yet.", "errorcode": NOT_READY}
    first, second, third, end = ({"reply": piece, "errorcode": 0} for piece in [*pieces, ""])
    scripts = ([first, late, second, third, end], [late, first, late, late, second, third, late, end])
    for script in judge.each(scripts):
        with streaming(judge) as link:
            key = judge.new_key()
            answers = iter(script)
            exchanges, came = [], []
            for _ in range(len(script) + POLLS_MORE):
                call = begin_poll(judge, key)
                play(link, call, answers)
                exchange = call.answer()
                exchanges.append(exchange)
                if exchange.is_success:
                    came.append(exchange.reply)
                    if not exchange.reply:
                        break
            holds = came == [*pieces, ""]
            judge.require(holds, f"the pieces {pieces} and the end", f"{came}, {exchange.describe()}", *exchanges)


def play(link: Link, call: Call, answers: Iterator[Mapping[str, Any]]) -> None:
    """Answers what comes for a poll until it is over; a hub may ask the provider more than once for it."""
    while turn(link, call):
        answer = next(answers, None)
        if answer is None:
            not_judged("the hub asked for more than the stream's end")
        link.answer(answer)
        if call.is_over_within(0.0):
            return


@judges("NE-LOSS-006")
def test_a_first_poll_that_waits_is_answered_when_a_streaming_provider_comes_back(judge: Judge) -> None:
    with streaming(judge) as link:
        judge.begin(ASK)
        link.request()
        call = begin_poll(judge, judge.new_key(), 1_000)
        are_queued(judge, 1)
        left = time.monotonic()
        hang_up(link, in_order=True)
        back = returned(judge, streaming=True)
        if back is None or time.monotonic() - left > soon(judge, "queue_s"):
            not_judged("the hub let the provider in again too late, or not at all")
        handed_over(back, call, None)
        exchange = call.answer()
        if exchange.code == NOT_READY:
            not_judged("the hub does not hold the poll")
        text = text_of(ASK["message"])
        holds = exchange.is_success and bool(exchange.reply) and text.startswith(exchange.reply)
        judge.require(holds, f"the first piece of {text!r}", exchange.describe(), exchange)
