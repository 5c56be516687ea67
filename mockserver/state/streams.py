"""One stream of the hub: its polls, served one after another, each token delivered once.

A stream runs the spec's `hub_stream` table. A piece is taken from the source only when a poll is there to be
answered, so a poll that leaves takes nothing with it. The last piece is kept for a poll that asks for it again by
`seq`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mockserver.state.answers import Answer, failure, success
from mockserver.state.generations import Refused
from neuroengine._generated.machines import HUB_STREAM, HUB_STREAM_INITIAL, HubStreamEvent, HubStreamState
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.state.generations import Generation
    from mockserver.state.sources import Source
    from mockserver.state.timers import Timer, Timers


class Poll:
    """One poll that is served or waits. `deliver` is called once with its answer."""

    __slots__ = ("deliver", "gettokens", "seq", "timer")

    def __init__(self, generation: Generation, deliver: Callable[[Answer, float], None]) -> None:
        self.gettokens = generation.gettokens
        self.seq = generation.seq
        self.deliver = deliver
        self.timer: Timer | None = None


class Stream:
    """One stream, from its first poll until its key is forgotten.

    `finished` is called once when no more text can come, `closed` once when the key is free again.
    """

    def __init__(
        self,
        message: str,
        limits: Mapping[str, float],
        timers: Timers,
        now: float,
        finished: Callable[[], None],
        closed: Callable[[], None],
    ) -> None:
        self.message = message
        self.polls = 1
        """How many polls have come, those among them that something befell on their way here."""
        self.rule = ""
        """The name of the rule that its text comes from; empty where it is none."""
        self.state = HUB_STREAM_INITIAL
        self.source: Source | None = None
        self._limits = limits
        self._timers = timers
        self._finished = finished
        self._closed = closed
        self._waiting: deque[Poll] = deque()
        self._next_seq = 0
        self._last = success("")
        self._failure: Answer | None = None
        self._last_poll = now
        self._timer = timers.at(now + limits["stream_idle_s"], self._check_idle)

    @property
    def is_open(self) -> bool:
        """Whether text may still come."""
        return self.state in {HubStreamState.STARTING, HubStreamState.FLOWING}

    def gives_way_to(self, message: str) -> bool:
        """Whether a request with this message starts a new generation at once under the stream's key."""
        return message != self.message and (self.state, HubStreamEvent.RESTART) in HUB_STREAM

    def poll(self, poll: Poll, message: str, now: float) -> None:
        """Answers a poll now or when there is something to answer it with, at most `long_poll_s` seconds later."""
        self._last_poll = now
        if self.state is HubStreamState.DROPPED:
            self._fire(HubStreamEvent.EXPIRED)
            poll.deliver(
                failure(ErrorCode.STREAM_EXPIRED, "The stream was dropped: nobody polled it for too long."), now
            )
        elif message != self.message:
            self._fire(HubStreamEvent.CONFLICT)
            poll.deliver(
                failure(ErrorCode.STREAM_CONFLICT, "The stream key belongs to a stream with another message."), now
            )
        else:
            self._waiting.append(poll)
            self.serve(now)
            if poll in self._waiting:
                poll.timer = self._timers.at(now + self._limits["long_poll_s"], lambda at: self._hold_ended(poll, at))

    def leave(self, poll: Poll, now: float) -> None:
        """Forgets a poll whose client has gone; the tokens that it would have got stay."""
        if poll in self._waiting:
            self._waiting.remove(poll)
            if poll.timer is not None:
                poll.timer.cancel()
            self.serve(now)

    def serve(self, now: float) -> None:
        """Answers waiting polls, first come first served, as far as there is something to answer them with."""
        while self._waiting:
            poll = self._waiting[0]
            try:
                answer = self._answer(poll, now)
            except Refused as refused:
                answer = self._failed(refused.answer, now)
            if answer is None:
                return
            if self.state is HubStreamState.FREE:
                self._free(answer, now)
                return
            self._waiting.popleft()
            if poll.timer is not None:
                poll.timer.cancel()
            poll.deliver(answer, now)

    def restart(self, now: float) -> None:
        """Gives the key up for another message."""
        self._fire(HubStreamEvent.RESTART)
        self._forget(now)

    def stop(self, answer: Answer, now: float) -> None:
        """Ends everything at once, because the hub stops."""
        self._timer.cancel()
        if self.source is not None:
            self.source.stop(now)
        for poll in self._waiting:
            poll.deliver(answer, now)
        self._waiting.clear()

    # -- one answer

    def _answer(self, poll: Poll, now: float) -> Answer | None:
        """The answer to a poll, or None while it must wait."""
        if self._failure is not None:
            self._fire(HubStreamEvent.FAILURE)
            return self._failure
        if self.state is HubStreamState.ENDED:
            return self._after_end(poll)
        if poll.seq is not None and poll.seq != self._next_seq:
            return self._repeat_or_conflict(poll, poll.seq)
        return self._next_answer(poll, now)

    def _next_answer(self, poll: Poll, now: float) -> Answer | None:
        """The next piece, the end or a failure, or None while the source has nothing."""
        if self.source is None or (taken := self.source.take(poll.gettokens, now)) is None:
            return None
        if taken.code == ErrorCode.NOT_READY and self.source.forwards:
            self._fire(HubStreamEvent.NOT_READY)
            return taken
        if taken.code:
            return self._failed(taken, now)
        return self._delivered(taken, poll, now)

    def _delivered(self, taken: Answer, poll: Poll, now: float) -> Answer:
        is_end = isinstance(taken.content, dict) and taken.content["reply"] == ""
        self._fire(HubStreamEvent.END if is_end else HubStreamEvent.PIECE)
        self._last = taken
        self._next_seq += 1
        if is_end:
            self._keep(now)
        return _echo(taken, poll.seq, done=is_end)

    def _after_end(self, poll: Poll) -> Answer:
        end_seq = self._next_seq - 1
        if poll.seq is not None and poll.seq < end_seq:
            return self._conflict(poll.seq)
        self._fire(HubStreamEvent.END)
        return _echo(self._last, poll.seq, done=True)

    def _repeat_or_conflict(self, poll: Poll, seq: int) -> Answer:
        if seq == self._next_seq - 1:
            return _echo(self._last, poll.seq, done=False)
        return self._conflict(seq)

    def _conflict(self, seq: int) -> Answer:
        self._fire(HubStreamEvent.CONFLICT)
        why = f"`seq` {seq} is neither the last piece served nor the next one, {self._next_seq}."
        return failure(ErrorCode.STREAM_CONFLICT, why, field="seq")

    def _failed(self, answer: Answer, now: float) -> Answer:
        """A failure frees the key before the first piece; after it the key repeats the failure."""
        self._fire(HubStreamEvent.FAILURE)
        if self.state is HubStreamState.BROKEN:
            self._failure = answer
            self._keep(now)
        return answer

    # -- time

    def _hold_ended(self, poll: Poll, now: float) -> None:
        if poll in self._waiting:
            self._waiting.remove(poll)
            self._fire(HubStreamEvent.NOT_READY)
            poll.deliver(failure(ErrorCode.NOT_READY, "No token is ready yet."), now)
            self.serve(now)

    def _check_idle(self, now: float) -> None:
        if self._waiting:
            self._last_poll = now
        due = self._last_poll + self._limits["stream_idle_s"]
        if due > now:
            self._timer = self._timers.at(due, self._check_idle)
            return
        self._fire(HubStreamEvent.IDLE)
        self._keep(now)

    def _keep(self, now: float) -> None:
        """Nothing more will come: frees the source, and keeps the key's last word for `end_kept_s` seconds."""
        if self.source is not None:
            self.source.stop(now)
            self.source = None
        self._timer.cancel()
        self._timer = self._timers.at(now + self._limits["end_kept_s"], self._time_to_forget)

    def _time_to_forget(self, now: float) -> None:
        self._fire(HubStreamEvent.FORGET)
        self._forget(now)

    def _forget(self, now: float) -> None:  # noqa: ARG002 - the same form as the other endings
        self._timer.cancel()
        self._closed()

    def _free(self, answer: Answer, now: float) -> None:
        """The key is free: all polls that waited for this generation share its failure."""
        if self.source is not None:
            self.source.stop(now)
        waiting, self._waiting = self._waiting, deque()
        self._timer.cancel()
        self._closed()
        for poll in waiting:
            if poll.timer is not None:
                poll.timer.cancel()
            poll.deliver(answer, now)

    def _fire(self, event: HubStreamEvent) -> None:
        was_open = self.is_open
        self.state = HUB_STREAM[self.state, event]
        if was_open and not self.is_open:
            self._finished()


def _echo(answer: Answer, seq: int | None, *, done: bool) -> Answer:
    """The answer with `seq` and `done`, when the poll asked by `seq`."""
    if seq is None or not isinstance(answer.content, dict):
        return answer
    return answer._replace(content=answer.content | {"seq": seq, "done": done})
