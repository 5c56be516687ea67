"""Streams under racing polls, leaving clients, lost providers and passing time, against a simple oracle.

The oracle knows nothing of sources, queues and timers. It knows that the new pieces of a stream, in the order of their
answers, are the reply, that a repeated `seq` repeats its piece, and which errors are excused by what happened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hub_bench import Bench, Provider, content
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mockserver.tokens import cut

if TYPE_CHECKING:
    from mockserver.state.hub import Exchange

LONG_POLL_S, ANSWER_S, QUEUE_S, KEPT_S, IDLE_S = 15.0, 50.0, 30.0, 60.0, 10_000.0
LOST = {7, 12, 13, 4711}
"""What a provider that is away, late, gone or unwilling costs."""

KEYS = st.sampled_from(["a", "b"])
STEPS = st.sampled_from([None, None, 0, 0, 0, 0, -1, -1, -2, 1])


def reply_to(message: str) -> str:
    """The reply that every provider here gives; no two messages share a word."""
    return " ".join(f"{message}.{word}" for word in range(int(message.split("-")[1])))


@dataclass
class Run:
    """One generation under a key, as its clients have seen it."""

    message: str
    pieces: list[str] = field(default_factory=list)
    end: str = ""
    closed_at: float = float("inf")


@dataclass
class Asked:
    exchange: Exchange
    run: Run
    key: str
    seq: int | None
    gettokens: int
    at: float


class Streams(RuleBasedStateMachine):
    @initialize(streaming=st.booleans())
    def start(self, streaming: bool) -> None:
        self.bench = Bench(
            long_poll_s=LONG_POLL_S,
            provider_answer_s=ANSWER_S,
            queue_s=QUEUE_S,
            end_kept_s=KEPT_S,
            stream_idle_s=IDLE_S,
        )
        self.streaming = streaming
        self.provider: Provider = self.bench.provider(streaming=streaming)
        self.answered = 0
        self.served: dict[str, int] = {}
        self.runs: dict[str, Run] = {}
        self.waiting: list[Asked] = []
        self.gone: list[Exchange] = []
        self.wholes: list[tuple[Exchange, str]] = []
        self.messages = 0
        self.generations = 0

    def fresh(self, words: int) -> str:
        self.messages += 1
        return f"m{self.messages}-{words}"

    # -- clients

    @rule(
        key=KEYS, steps=st.lists(STEPS, min_size=1, max_size=8), gettokens=st.integers(1, 5), words=st.integers(0, 30)
    )
    def poll(self, key: str, steps: list[int | None], gettokens: int, words: int) -> None:
        """Polls of a key's stream; a step is what `seq` adds to the index of the next piece, None leaves it out."""
        for step in steps:
            run = self.runs.get(key)
            if run is not None and run.closed_at + KEPT_S <= self.bench.now:
                run = None
            is_new = run is None
            run = run or Run(self.fresh(words))
            self.runs[key] = run
            seq = None if step is None else max(0, len(run.pieces) + step)
            self.send(run, key, seq, gettokens, is_new=is_new)
            if self.streaming and self.owes:
                self.answer("fine")

    @rule(key=KEYS, words=st.integers(0, 9))
    def poll_with_another_message(self, key: str, words: int) -> None:
        run = self.runs.get(key)
        other = Run(self.fresh(words))
        if run is None or run.end:
            self.runs[key] = other
            self.send(other, key, None, 20, is_new=True)
        else:
            asked = self.bench.ask(other.message, key=key)
            assert content(asked)["errorcode"] == 14

    def send(self, run: Run, key: str, seq: int | None, gettokens: int, *, is_new: bool) -> None:
        fields = {} if seq is None else {"seq": seq}
        exchange = self.bench.ask(run.message, key=key, gettokens=gettokens, **fields)
        asked = Asked(exchange, run, key, seq, gettokens, self.bench.now)
        refused = exchange.answer is not None and exchange.answer.code in {7, 18} and is_new
        self.generations += is_new and not refused
        if exchange.answer is None:
            self.waiting.append(asked)
            exchange.answered = lambda: self.judge(asked)
        else:
            self.judge(asked)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        asked = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(asked)
        asked.exchange.answered = None
        self.gone.append(asked.exchange)
        self.bench.leave(asked.exchange)

    @rule(words=st.integers(0, 5), stays=st.booleans())
    def ask_for_a_whole_reply(self, words: int, stays: bool) -> None:
        message = self.fresh(words)
        exchange = self.bench.ask(message)
        self.generations += exchange.answer is None
        if stays:
            self.wholes.append((exchange, message))
        elif exchange.answer is None:
            self.bench.leave(exchange)
            self.gone.append(exchange)

    # -- the provider

    @property
    def owes(self) -> bool:
        return not self.provider.is_closed and len(self.provider.requests) > self.answered

    @precondition(lambda self: self.owes)
    @rule(mood=st.sampled_from(["fine"] * 6 + ["not ready", "unwilling"]))
    def the_provider_answers(self, mood: str) -> None:
        self.answer(mood)

    def answer(self, mood: str) -> None:
        request = self.provider.requests[self.answered]
        self.answered += 1
        if mood == "unwilling":
            self.provider.answer({"reply": "no", "errorcode": 4711})
        elif "key" not in request:
            self.provider.answer({"reply": reply_to(request["message"])})
        elif mood == "not ready":
            self.provider.answer({"reply": "", "errorcode": 17})
        else:
            assert self.streaming
            tokens, start = cut(reply_to(request["message"])), self.served.get(request["message"], 0)
            self.served[request["message"]] = start + request["gettokens"]
            self.provider.answer({"reply": "".join(tokens[start : start + request["gettokens"]])})

    @rule(away=st.sampled_from([0.0, 0.01, 20.0, 40.0]))
    def lose_the_provider(self, away: float) -> None:
        if away:
            self.provider.drop()
            self.bench.advance(away)
        self.provider = self.bench.provider(streaming=self.streaming)
        self.answered = 0

    # -- time

    @rule(seconds=st.sampled_from([0.5, 5.0, 5.0, LONG_POLL_S, 40.0]))
    def wait(self, seconds: float) -> None:
        self.bench.advance(seconds)

    @precondition(lambda self: not self.waiting)
    @rule()
    def abandon_everything(self) -> None:
        """Nobody polls for so long that every stream is dropped and forgotten."""
        self.bench.advance(IDLE_S + KEPT_S)
        self.runs.clear()

    # -- the oracle

    def judge(self, asked: Asked) -> None:
        if asked in self.waiting:
            self.waiting.remove(asked)
        shown, run = content(asked.exchange), asked.run
        if shown["errorcode"]:
            self.judge_error(asked, run, shown)
            return
        self.judge_echo(asked, run, shown)
        if run.end:
            assert run.end == "end"
            assert shown["reply"] == ""
        elif asked.seq is not None and asked.seq == len(run.pieces) - 1:
            assert shown["reply"] == run.pieces[-1]
        elif shown["reply"]:
            run.pieces.append(shown["reply"])
            assert reply_to(run.message).startswith("".join(run.pieces))
            assert self.streaming or len(cut(shown["reply"])) <= asked.gettokens
        else:
            assert "".join(run.pieces) == reply_to(run.message)
            run.end, run.closed_at = "end", self.bench.now

    def judge_echo(self, asked: Asked, run: Run, shown: dict[str, Any]) -> None:
        if asked.seq is None:
            assert shown.keys() == {"reply", "errorcode"}
        else:
            assert shown["seq"] == asked.seq
            assert shown["done"] is (shown["reply"] == "")
            assert asked.seq - len(run.pieces) in ({-1, 0} if not run.end else range(1000))

    def judge_error(self, asked: Asked, run: Run, shown: dict[str, Any]) -> None:
        code = shown["errorcode"]
        assert not {"seq", "done"} & shown.keys()
        if code == 14:
            assert asked.seq is not None
            assert asked.seq - len(run.pieces) not in {-1, 0} if not run.end else asked.seq < len(run.pieces)
        elif code == 17:
            assert self.streaming or self.bench.now - asked.at >= LONG_POLL_S
        elif code == 18:
            assert asked.seq
            assert not run.pieces
            self.forget(asked.key, run)
        else:
            assert code in LOST
            assert run.end != "end"
            if run.pieces:
                run.end, run.closed_at = "failure", min(run.closed_at, self.bench.now)
            else:
                self.forget(asked.key, run)

    def forget(self, key: str, run: Run) -> None:
        if self.runs.get(key) is run:
            del self.runs[key]

    # -- what is always so

    @invariant()
    def nobody_who_left_is_answered(self) -> None:
        assert all(exchange.answer is None for exchange in self.gone)

    @invariant()
    def whole_replies_are_their_own(self) -> None:
        for exchange, message in self.wholes:
            if exchange.answer is not None:
                shown = content(exchange)
                assert shown["errorcode"] in LOST or shown == {"reply": reply_to(message), "errorcode": 0}

    @invariant()
    def no_poll_waits_for_longer_than_it_may(self) -> None:
        assert all(self.bench.now - asked.at < LONG_POLL_S for asked in self.waiting)

    @invariant()
    def the_model_list_tells_the_truth(self) -> None:
        row = self.bench.entry()
        assert row["numreq"] == self.generations
        assert row["connected"] is not self.provider.is_closed

    @invariant()
    def at_most_one_request_is_outstanding(self) -> None:
        assert 0 <= len(self.provider.requests) - self.answered <= 1


Streams.TestCase.settings = settings(max_examples=80, stateful_step_count=50)
TestStreams = Streams.TestCase
