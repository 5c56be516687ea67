"""Where a stream's text comes from: the model, a provider's whole reply cut by the hub, or a streaming provider.

A source gives pieces of at most so many tokens. It never waits: what is not there yet is `None`, and the source says
so to its stream by calling `changed(now)` when it is.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from mockserver.state.answers import Answer, success
from mockserver.tokens import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mockserver.state.generations import Generation
    from mockserver.state.jobs import Job
    from mockserver.state.plan import Fault
    from mockserver.state.services import Service


class Source(Protocol):
    """What a stream needs of its text. `forwards` says that pieces are a streaming provider's own."""

    forwards: bool

    def take(self, most: int, now: float) -> Answer | None:
        """The next piece of at most `most` tokens (empty at the end), an error, or None while nothing is ready."""

    def stop(self, now: float) -> None:
        """Frees what the generation holds; nobody will take more."""


class TokenSource:
    """Tokens that the hub generates or holds by itself."""

    forwards = False

    def __init__(self, tokens: Iterator[str]) -> None:
        self._tokens = tokens

    def take(self, most: int, now: float) -> Answer | None:  # noqa: ARG002 - always ready
        """The next tokens."""
        return success("".join(islice(self._tokens, most)))

    def stop(self, now: float) -> None:
        """Nothing is held."""


class WholeReplySource:
    """A plain provider's whole reply, asked for once and cut by the hub. `faults` befall that request."""

    forwards = False

    def __init__(self, changed: Callable[[float], None], faults: tuple[Fault, ...] = ()) -> None:
        self._changed = changed
        self._faults = faults
        self._job: Job | None = None
        self._tokens: Iterator[str] | None = None
        self._members: dict[str, Any] = {}
        self._answer: Answer | None = None

    def start(self, service: Service, frame: bytes, now: float) -> None:
        """Asks the provider."""
        self._job = service.submit(frame, self._answered, now, faults=self._faults)

    def take(self, most: int, now: float) -> Answer | None:  # noqa: ARG002 - the job has its own timers
        """The next tokens of the reply once it is there."""
        if self._tokens is None or self._answer is None:
            return self._answer
        piece = {"reply": "".join(islice(self._tokens, most)), "errorcode": 0}
        return self._answer._replace(content=self._members | piece)

    def stop(self, now: float) -> None:
        """Takes the request back from the provider."""
        if self._job is not None:
            self._job.cancel(now)

    def _answered(self, answer: Answer, now: float) -> None:
        content = answer.content
        self._answer = answer
        if not answer.code and isinstance(content, dict):
            self._tokens = iter(cut(content["reply"]))
            self._members = {name: value for name, value in content.items() if name not in {"reply", "errorcode"}}
        self._changed(now)


class ForwardedSource:
    """A streaming provider: every poll is its own request, and the answer is the piece.

    Each of `faults` befalls the request for its own piece.
    """

    forwards = True

    def __init__(
        self,
        service: Service,
        generation: Generation,
        changed: Callable[[float], None],
        faults: tuple[Fault, ...] = (),
    ) -> None:
        self._faults = faults
        self._asked = 0
        self._begun_at: int | None = None
        self._service = service
        self._generation = generation
        self._changed = changed
        self._job: Job | None = None
        self._piece: Answer | None = None

    def take(self, most: int, now: float) -> Answer | None:
        """The piece that came, or None after asking for it. A piece whose poll has gone waits for the next poll.

        Raises:
            Refused: the provider streams no more, is another one than that which began the stream, is away too long or
                has a full queue, or the request is too large.
        """
        if self._piece is None and self._job is None:
            self._service.check_streams(self._begun_at)
            self._service.check_room(now)
            frame = self._service.frame(self._generation.poll_members(most))
            self._asked += 1
            faults = tuple(fault for fault in self._faults if (fault.piece or 1) == self._asked)
            self._job = self._service.submit(frame, self._answered, now, is_poll=True, faults=faults, piece=self._asked)
        piece, self._piece = self._piece, None
        return piece

    def stop(self, now: float) -> None:
        """Takes an outstanding poll back from the provider."""
        if self._job is not None:
            self._job.cancel(now)

    def _answered(self, answer: Answer, now: float) -> None:
        self._job = None
        self._begun_at = self._service.logins
        self._piece = answer
        self._changed(now)
