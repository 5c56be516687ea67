"""A hub that follows the rules of streams and is struck by faults, behind an httpx transport.

It knows which token it generated and which answer it meant for whom, so that a test can count what was lost and what
came twice. What strikes a poll is drawn from a generator that a seed begins, and noted in a tally. Time is a clock that
only moves when somebody waits.

Faults that nobody can see from outside are left out for a hub that does not know `seq`: an answer that is delivered
again in place of the next one, and a poll that reaches the hub twice while its first answer is thrown away, look like
any other piece there. With `seq` they are seen, and so they are dealt out.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import httpx

from neuroengine._generated.registry import ErrorCode
from neuroengine.errors import HUB_ERRORS

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Iterator

HUB_URL = "http://hub.test"
ANSWER_S = 20.0
"""How long the client waits for a byte; the hub's late answers come after it."""
GATEWAY_PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
RETRYABLE = sorted(code for code, kind in HUB_ERRORS.items() if kind.retryable and code != ErrorCode.NOT_READY)


class Fault(StrEnum):
    """What befalls one poll. Where it says "before" the hub has not served the piece, where it says "after" it has."""

    NONE = "none"
    SLOW = "slow"  # a late answer, but not too late
    NOT_READY = "not ready"  # code 17
    REFUSED = "refused"  # a retryable error; the end of a stream that has begun
    HOLLOW = "hollow"  # an empty piece that says it is not the end; only a hub that knows `seq` can say so
    UNSENT = "unsent"  # no connection
    DROPPED_BEFORE = "dropped before"
    DROPPED_AFTER = "dropped after"
    LATE_BEFORE = "late before"  # the client has hung up, and the hub saw it: it keeps the piece
    LATE_AFTER = "late after"
    CUT = "cut"  # the connection ends inside the answer
    RESET = "reset"  # the connection breaks inside the answer
    TRUNCATED = "truncated"  # the answer is shorter and looks whole
    PAGE_BEFORE = "page before"  # a gateway's page in place of the answer
    PAGE_AFTER = "page after"
    BROKEN_OFF_BEFORE = "broken off before"  # Ctrl-C, or a cancelled task
    BROKEN_OFF_AFTER = "broken off after"
    STALE_BEFORE = "stale before"  # the answer before this one, once more
    STALE_AFTER = "stale after"
    DOUBLED = "doubled"  # the hub got the poll twice, and its first answer is gone


NEED_SEQ = {Fault.HOLLOW, Fault.STALE_BEFORE, Fault.STALE_AFTER, Fault.DOUBLED}
HARMLESS = {Fault.NONE, Fault.SLOW, Fault.NOT_READY, Fault.UNSENT}
"""Faults after which nobody can think that an answer was lost."""
_DELIVER = {Fault.NONE, Fault.SLOW, Fault.DOUBLED}
_BEFORE = {
    Fault.DROPPED_BEFORE,
    Fault.LATE_BEFORE,
    Fault.PAGE_BEFORE,
    Fault.BROKEN_OFF_BEFORE,
    Fault.STALE_BEFORE,
    Fault.HOLLOW,
}


class Clock:
    """Tells the time that its sleepers have slept."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds

    async def sleep_in_task(self, seconds: float) -> None:
        self.sleep(seconds)


def reply(generation: int, tokens: int) -> list[str]:
    """The tokens of a reply; each tells whose it is and its place."""
    return [f"{'é😀 '[place % 3]}{generation}:{place}." for place in range(tokens)]


def told(text: str) -> list[str]:
    """Whose the tokens in a text are, and their places."""
    return re.findall(r"\d+:\d+(?=\.)", text)


@dataclass
class Generation:
    """One stream of the hub: all its tokens, and what was served of it."""

    tokens: list[str]
    pieces: list[str] = field(default_factory=list)
    taken: int = 0
    ended: bool = False
    failure: int = 0
    answer_before: dict[str, Any] | None = None

    def serve(self, most: int) -> str:
        """Moves on by one piece; the empty text is the end, which comes again for ever."""
        if self.ended:
            return ""
        piece = "".join(self.tokens[self.taken : self.taken + most])
        self.taken += most
        self.pieces.append(piece)
        self.ended = not piece
        return piece


class FaultyHub:
    """A hub for one client, which reads one stream.

    Args:
        tokens: how many tokens a reply has.
        knows_seq: whether it repeats a piece that is asked for again.
        share: the share of the polls that a fault befalls, 0 to 1.
        dice: draws the faults.
    """

    def __init__(self, tokens: int, *, knows_seq: bool, share: float, dice: random.Random) -> None:
        self.clock = Clock()
        self.faults: list[Fault] = []
        self.longest_run = 0
        """The most polls in a row that failed."""
        self.generations: dict[str, Generation] = {}
        self._tokens = tokens
        self._knows_seq = knows_seq
        self._share = share
        self._dice = dice
        self._kinds = [kind for kind in Fault if kind is not Fault.NONE and (knows_seq or kind not in NEED_SEQ)]
        self._run = 0

    @property
    def tally(self) -> Counter[str]:
        """How often each fault struck."""
        return Counter(str(fault) for fault in self.faults if fault is not Fault.NONE)

    @property
    def last(self) -> Generation | None:
        """The stream that was polled last."""
        return list(self.generations.values())[-1] if self.generations else None

    def __call__(self, request: httpx.Request) -> httpx.Response | Any:
        poll = json.loads(request.content)
        fault = self._dice.choice(self._kinds) if self._dice.random() < self._share else Fault.NONE
        self.faults.append(fault)
        if fault is Fault.UNSENT:
            self._failed()
            raise httpx.ConnectError("refused")
        if fault is Fault.NOT_READY:
            return response(error(ErrorCode.NOT_READY))
        if fault is Fault.REFUSED:
            return response(self._refuse(poll))
        generation = self._generation(poll)
        before = generation.answer_before
        answer = before if fault in _BEFORE else self._serve(poll, generation)
        if fault is Fault.DOUBLED:
            answer = self._serve(poll, generation)
        if generation.failure:  # that is told, whatever strikes
            self._failed()
            return response(error(generation.failure))
        generation.answer_before = answer
        if fault in _DELIVER and answer is not None:
            return self._delivered(answer, slow=fault is Fault.SLOW)
        if fault not in {Fault.BROKEN_OFF_BEFORE, Fault.BROKEN_OFF_AFTER}:
            self._failed()
        if fault in {Fault.STALE_BEFORE, Fault.STALE_AFTER} and before is not None:
            return response(before)
        return self._strike(fault, answer, poll)

    # -- the rules of streams

    def _generation(self, poll: dict[str, Any]) -> Generation:
        if poll["key"] not in self.generations:
            self.generations[poll["key"]] = Generation(reply(len(self.generations), self._tokens))
        return self.generations[poll["key"]]

    def _serve(self, poll: dict[str, Any], generation: Generation) -> dict[str, Any]:
        """The answer to a poll of a stream that is not broken."""
        most = self._dice.randint(1, poll["gettokens"])
        if not self._knows_seq or "seq" not in poll:
            return {"reply": generation.serve(most), "errorcode": 0}
        seq, served = poll["seq"], len(generation.pieces)
        if seq == served - 1 or (generation.ended and seq >= served):
            piece = generation.pieces[-1]
        elif seq == served:
            piece = generation.serve(most)
        else:
            return error(ErrorCode.STREAM_CONFLICT if served else ErrorCode.STREAM_EXPIRED)
        return {"reply": piece, "errorcode": 0, "seq": seq, "done": not piece}

    def _refuse(self, poll: dict[str, Any]) -> dict[str, Any]:
        """An error that may be retried frees the key before the first piece, and is final after it."""
        self._failed()
        generation = self._generation(poll)
        code = generation.failure or self._dice.choice(RETRYABLE)
        if generation.pieces:
            generation.failure = code
        return error(code)

    # -- what comes of an answer

    def _delivered(self, answer: dict[str, Any], *, slow: bool) -> httpx.Response:
        if slow:
            self.clock.now += self._dice.uniform(0.1, 0.9) * ANSWER_S
        self._run = 0
        return response(answer)

    def _failed(self) -> None:
        self._run += 1
        self.longest_run = max(self.longest_run, self._run)

    def _strike(self, fault: Fault, answer: dict[str, Any] | None, poll: dict[str, Any]) -> httpx.Response | Any:
        """What the client gets in place of the answer."""
        if fault in {Fault.LATE_BEFORE, Fault.LATE_AFTER}:
            self.clock.now += ANSWER_S
            raise httpx.ReadTimeout("no byte")
        if fault in {Fault.PAGE_BEFORE, Fault.PAGE_AFTER}:
            return httpx.Response(502, content=GATEWAY_PAGE)
        if fault in {Fault.BROKEN_OFF_BEFORE, Fault.BROKEN_OFF_AFTER}:
            return self._break_off()
        if fault is Fault.HOLLOW:
            return response({"reply": "", "errorcode": 0, "seq": poll["seq"], "done": False})
        if fault not in {Fault.CUT, Fault.RESET, Fault.TRUNCATED}:
            raise httpx.ReadError("reset")
        whole = json.dumps(answer).encode()
        part = whole[: self._dice.randrange(len(whole))]
        if fault is Fault.TRUNCATED:
            return httpx.Response(200, content=part)
        return httpx.Response(200, stream=BrokenBody(part, fault))

    def _break_off(self) -> Any:
        """The program that reads the stream gives up this poll, and may ask again."""
        try:
            task = asyncio.current_task()
        except RuntimeError:
            raise KeyboardInterrupt from None
        assert task is not None
        task.cancel()
        return asyncio.sleep(0)  # where the cancelled task learns it


class BrokenBody(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The first bytes of an answer, and then the end of the connection."""

    def __init__(self, part: bytes, fault: Fault) -> None:
        self._part = part
        self._end = httpx.ReadError("reset") if fault is Fault.RESET else httpx.RemoteProtocolError("closed early")

    def __iter__(self) -> Iterator[bytes]:
        yield self._part
        raise self._end

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._part
        raise self._end


def error(code: int) -> dict[str, Any]:
    return {"reply": "An error of the hub.", "errorcode": int(code)}


def response(answer: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json=answer)
