"""One request for a provider, from the queue of its service to its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.state.answers import Forwarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.answers import Answer
    from mockserver.state.plan import Fault
    from mockserver.state.services import Service


class Job:
    """One request for a provider, from the queue to its answer. `done` is called once.

    `is_poll` tells that it is a stream's poll, which only a streaming provider understands. `faults` befall it on the
    provider's legs; `piece` is which piece of a stream it asks for, from 1.
    """

    __slots__ = ("_done", "_service", "faults", "forwarded", "frame", "is_poll", "piece")

    def __init__(
        self,
        service: Service,
        frame: bytes,
        done: Callable[[Answer, float], None],
        *,
        is_poll: bool = False,
        faults: tuple[Fault, ...] = (),
        piece: int = 1,
    ) -> None:
        self._service = service
        self._done: Callable[[Answer, float], None] | None = done
        self.frame = frame
        self.forwarded = Forwarded(frame)
        self.is_poll = is_poll
        self.faults = faults
        self.piece = piece

    def finish(self, answer: Answer, now: float) -> None:
        """Hands the answer on, unless nobody waits for it any more."""
        done, self._done = self._done, None
        if done is not None:
            done(answer._replace(forwarded=self.forwarded), now)

    def cancel(self, now: float) -> None:
        """Takes an unfinished request back: out of the queue, or its late answer is thrown away."""
        if self._done is not None:
            self._done = None
            self._service.withdraw(self, now)
