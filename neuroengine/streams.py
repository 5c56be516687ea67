"""Replies that come piece by piece, as iterators: `Stream` for programs that wait, `AsyncStream` for tasks.

What a piece is and when a stream fails is decided in `protocol.stream`; these only ask for the next piece.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from neuroengine.protocol.flow import Flow
    from neuroengine.protocol.retry import Budget
    from neuroengine.protocol.stream import StreamSession
    from neuroengine.transport.http import AsyncHub, Hub


class _AnyStream:
    """What both streams share."""

    def __init__(self, session: StreamSession, budget: Budget, gettokens: int) -> None:
        self._session = session
        self._budget = budget
        self._gettokens = gettokens

    @property
    def text(self) -> str:
        """The text so far; the whole reply once the pieces have ended without an error."""
        return self._session.text

    def _next(self) -> Flow[str]:
        return self._session.next_piece(self._budget, self._gettokens)


class Stream(_AnyStream):
    """A reply that comes piece by piece: an iterator, and a context manager that stops polling when it is left.

    Iterating raises `StreamGap` when text may be missing, and the errors of `Client.generate`; what came before stays
    in `text`. A stream that failed raises the same error again, it never looks as if it had ended (NE-CSTR-006).
    """

    def __init__(self, hub: Hub, session: StreamSession, budget: Budget, gettokens: int) -> None:
        super().__init__(session, budget, gettokens)
        self._hub = hub

    def close(self) -> None:
        """Leaves the stream; nothing more is asked for."""
        self._session.cancel()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        piece = self._hub.run(self._next())
        if not piece:
            raise StopIteration
        return piece

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class AsyncStream(_AnyStream):
    """A reply that comes piece by piece, for tasks; see `Stream`. Cancelling the task stops polling at once."""

    def __init__(self, hub: AsyncHub, session: StreamSession, budget: Budget, gettokens: int) -> None:
        super().__init__(session, budget, gettokens)
        self._hub = hub

    async def close(self) -> None:
        """Leaves the stream; nothing more is asked for."""
        self._session.cancel()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        piece = await self._hub.run(self._next())
        if not piece:
            raise StopAsyncIteration
        return piece

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()
