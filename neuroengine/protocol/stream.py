"""A stream, seen by the client: polls go out, pieces come in, and no text is ever lost unnoticed.

Every poll repeats the whole request and asks for the piece `seq`. A hub that echoes `seq` repeats a piece whose answer
was lost; one that does not may have moved on, so a loss there ends the stream in `StreamGap`. Until the first piece a
stream may begin anew under another key, because nothing has been shown yet. The spec's table `client_stream` says what
may happen when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from neuroengine._generated.machines import CLIENT_STREAM, CLIENT_STREAM_INITIAL, ClientStreamEvent, ClientStreamState
from neuroengine.errors import (
    ConnectionFailed,
    HubError,
    InvalidField,
    NeuroengineError,
    NotReadyError,
    ProtocolError,
    StreamGap,
)
from neuroengine.protocol import fields, requests
from neuroengine.protocol.answers import Reply, echoed_seq, read_reply
from neuroengine.protocol.flow import Flow, Wait, exchange
from neuroengine.protocol.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from neuroengine.protocol.retry import Budget

_OVER: Final = frozenset({ClientStreamState.ENDED, ClientStreamState.FAILED, ClientStreamState.CANCELLED})


class StreamSession:
    """One stream, from its first poll to its end.

    Args:
        path: the service's path.
        members: the request's members, without `key`, `gettokens` and `seq`.
        key: the stream key.
        new_key: draws another key when the stream must begin anew; None forbids that.
        ask_first: whether the first poll asks for its piece by `seq`. A key that may have been used before does not:
            its hub could take the question for a conflict.
    """

    def __init__(
        self,
        path: str,
        members: Mapping[str, Any],
        *,
        key: str,
        new_key: Callable[[], str] | None = None,
        ask_first: bool = True,
    ) -> None:
        self._path = path
        self._members = members
        self._key = key
        self._new_key = new_key
        self._asks = ask_first
        self._machine = Machine(CLIENT_STREAM, CLIENT_STREAM_INITIAL)
        self._pieces: list[str] = []
        self._hub_echoes: bool | None = None  # unknown until a poll that asked was answered
        self._poll_out: object | None = None  # the poll whose answer is still to come
        self._failure: NeuroengineError | None = None

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._pieces)

    @property
    def message(self) -> str:
        """The prompt."""
        return str(self._members["message"])

    @property
    def state(self) -> ClientStreamState:
        """Where the stream is in the spec's table."""
        return self._machine.state

    def cancel(self) -> None:
        """Leaves the stream; nothing more is sent, and what a poll that is out brings is thrown away."""
        if self.state not in _OVER:
            self._machine.fire(ClientStreamEvent.CANCEL)

    def next_piece(self, budget: Budget, gettokens: int) -> Flow[str]:
        """Asks for the next piece, of at most `gettokens` tokens; the empty text is the end.

        Raises:
            StreamGap: an answer was lost and the hub cannot repeat it.
            HubError, ConnectionFailed, ProtocolError: the stream failed; every further call raises the same error.
            RuntimeError: another call went on with the stream before this one had its answer.
        """
        if self._failure is not None:
            raise self._failure
        try:
            if self._poll_out is not None:
                # The last poll was broken off from outside, by a cancelled task or Ctrl-C: its answer is lost.
                self._poll_out = None
                self._lose(None)
            while self.state not in _OVER:
                try:
                    piece = yield from self._poll(budget, gettokens)
                except NeuroengineError as error:
                    self._recover_from(error)
                    seconds = budget.wait_s(error)
                    if seconds is None:
                        raise
                    pause = Wait(seconds, error)
                else:
                    budget.progress()
                    return piece
                yield pause
        except NotReadyError:  # the caller's patience is over, not the stream
            raise
        except NeuroengineError as error:
            self._failure = error
            if self.state not in _OVER:
                self._machine.fire(ClientStreamEvent.FAILURE)
            raise
        return ""

    def _poll(self, budget: Budget, gettokens: int) -> Flow[str]:
        """One poll and what its answer means; the empty text also when the stream was left meanwhile."""
        seq = len(self._pieces) if self._asks else None
        body = requests.encoded(requests.poll(self._members, key=self._key, gettokens=gettokens, seq=seq))
        self._poll_out = poll = object()
        try:
            received = yield from exchange(self._path, body, budget)
        except NeuroengineError:
            if self._was_left(poll):
                return ""
            raise
        return "" if self._was_left(poll) else self._accept(read_reply(received), seq)

    def _was_left(self, poll: object) -> bool:
        """Notes that what came of a poll is known, and says whether the stream was left while the poll was out.

        Raises:
            RuntimeError: another poll took its place; taking both answers could bring a piece twice.
        """
        if self._poll_out is not poll:
            raise RuntimeError("two read one stream at the same time; let one of them read it")
        self._poll_out = None
        return self.state in _OVER

    def _accept(self, reply: Reply, asked: int | None) -> str:
        """Takes an answer with code 0 as the next piece or the end."""
        echo = echoed_seq(reply)
        echoes = asked is not None and echo == asked
        if asked is not None and not echoes:
            # The answer to another poll, which a confused proxy delivered. `seq` alone may be a provider's own member.
            is_another = echo is not None and (self._hub_echoes or isinstance(reply.members.get("done"), bool))
            if self.state is ClientStreamState.UNCERTAIN and not is_another:
                raise StreamGap(self.text)
            if is_another or self._hub_echoes:
                came = "a piece without an index" if echo is None else f"piece {echo}"
                raise ProtocolError(f"piece {asked} of the stream was asked for, and {came} came", status=200)
        if asked is not None:
            self._hub_echoes = echoes or bool(self._hub_echoes)
        self._asks = True
        if reply.text:
            self._machine.fire(ClientStreamEvent.PIECE)
            self._pieces.append(reply.text)  # as it is (NE-CSTR-004); this also counts the index up (NE-CSTR-008)
        elif echoes and reply.members.get("done") is False:
            raise ProtocolError("the stream's answer is empty, and yet says that it is not the end", status=200)
        else:
            self._machine.fire(ClientStreamEvent.END)  # NE-CSTR-003
        return reply.text

    def _recover_from(self, error: NeuroengineError) -> None:
        """Brings the stream to where the next poll is safe.

        Raises:
            NeuroengineError: there is no such place.
        """
        if isinstance(error, NotReadyError):
            self._machine.fire(ClientStreamEvent.NOT_READY)
        elif isinstance(error, StreamGap):
            self._machine.fire(ClientStreamEvent.GAP)
            self._begin_anew(error)
        elif isinstance(error, HubError):
            if error.retryable and self._machine.allows(ClientStreamEvent.REFUSED):
                self._machine.fire(ClientStreamEvent.REFUSED)
            else:
                self._machine.fire(ClientStreamEvent.FAILURE)
                self._begin_anew(error)
        elif isinstance(error, ProtocolError) or (isinstance(error, ConnectionFailed) and error.request_sent):
            self._lose(error)

    def _lose(self, cause: NeuroengineError | None) -> None:
        """Notes that a poll's answer was lost.

        Raises:
            StreamGap: the hub is known not to repeat it.
        """
        self._machine.fire(ClientStreamEvent.LOST)
        self._asks = True
        if self._hub_echoes is False:
            self._machine.fire(ClientStreamEvent.GAP)
            gap = StreamGap(self.text)
            gap.__cause__ = cause
            self._begin_anew(gap)

    def _begin_anew(self, error: NeuroengineError) -> None:
        """Starts the stream again under a new key, which is possible while nothing has been shown.

        Raises:
            NeuroengineError: the given error, when it is not possible.
        """
        if self._pieces or self._new_key is None or not error.retryable:  # NE-CSTR-007
            raise error
        self._key = self._new_key()
        self._machine = Machine(CLIENT_STREAM, CLIENT_STREAM_INITIAL)


def checked_key(key: str) -> str:
    """The stream key, if it can name a stream.

    Raises:
        InvalidField: it is empty, too long or no text.
    """
    if not fields.check("key", key):
        raise InvalidField("key", key, "text of at least 1 character")
    return key
