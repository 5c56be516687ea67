"""The answers of one service: each request gets exactly one, whole or a stream's next piece.

Laws:

- A callback can break nothing but its own answer. What it raises is logged, and the client gets one error answer.
- A stream's reply is made once, at its own pace, and kept until its polls have fetched it (NE-PROV-020). One that
  nobody polls for `STREAM_IDLE_S` seconds is given up, as its hub has given it up too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Final

from neuroengine._generated.registry import PROVIDER_PAYLOAD_BYTES, STREAM_IDLE_S, ErrorCode
from neuroengine.answering.callback import FAILED, Callback, failure_of, is_of_callback, payload_of_result
from neuroengine.log import PROVIDER_LOG
from neuroengine.protocol.frames import error_payload, payload_of
from neuroengine.protocol.jobs import Request
from neuroengine.protocol.pieces import Pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from neuroengine.answering.callback import Answer
    from neuroengine.transport.threads import Worker

POLL_HOLD_S: Final = 10.0
"""How long a poll is held while no token is ready; then the answer is "not ready". Below the hub's own limit, so that
the link is free again before the hub's patience ends. Unit: seconds."""


class Answering:
    """Makes the answers of one service.

    Args:
        answer: the callback.
        worker: runs what blocks.
        streaming: whether polls of streams are forwarded, so that a reply may leave in pieces.
        parallel: how many replies are made at the same time, 1 or more.
        payload: writes what `answer` returned; it raises `NotAnAnswer` where it cannot.
    """

    def __init__(
        self,
        answer: Answer,
        worker: Worker,
        *,
        streaming: bool = False,
        parallel: int = 1,
        payload: Callable[[Any], bytes] = payload_of_result,
    ) -> None:
        self._callback = Callback(answer, worker, payload)
        self._streaming = streaming
        self._turns = asyncio.Semaphore(parallel)
        self._streams: dict[str, _Stream] = {}
        self._leaving = False
        self._no_stream = asyncio.Event()
        self._no_stream.set()

    async def respond(self, members: Mapping[str, Any]) -> bytes:
        """The payload for a request, whatever the callback does."""
        request = Request(members)
        if self._streaming and request.key:
            return await self._next_piece(request)
        try:
            async with self._turns:
                return await self._callback.whole(request)
        except BaseException as error:
            if not is_of_callback(error):
                raise
            return failure_of(error)

    async def finish_streams(self) -> None:
        """Begins no stream any more, and returns when the last one has ended."""
        self._leaving = True
        await self._no_stream.wait()

    def close(self) -> None:
        """Gives every stream up."""
        for key in tuple(self._streams):
            self._forget(key)

    # -- streams

    async def _next_piece(self, request: Request) -> bytes:
        """The answer to a poll."""
        stream = self._streams.get(request.key)
        if stream is None or stream.request.message != request.message:
            if self._leaving:
                return error_payload("The provider is stopping.", ErrorCode.SHUTTING_DOWN)
            stream = self._begin(request)
        stream.keep(lambda: self._forget(request.key))
        try:
            async with asyncio.timeout(POLL_HOLD_S):
                await stream.changed.wait()
        except TimeoutError:
            return error_payload("No token is ready yet.", ErrorCode.NOT_READY)
        except asyncio.CancelledError:  # the link is lost in the middle of a poll, and with it the stream
            self._forget(request.key)
            raise
        piece = stream.take(request.gettokens)
        if not piece:
            self._forget(request.key)
            if stream.failure is not None:
                return stream.failure
        return payload_of({**stream.members, "reply": piece, "errorcode": int(ErrorCode.OK)})

    def _begin(self, request: Request) -> _Stream:
        self._forget(request.key)
        stream = self._streams[request.key] = _Stream(request)
        self._no_stream.clear()
        stream.making = asyncio.create_task(self._make(stream))
        return stream

    def _forget(self, key: str) -> None:
        stream = self._streams.pop(key, None)
        if stream is not None:
            stream.stop()
        if not self._streams:
            self._no_stream.set()

    async def _make(self, stream: _Stream) -> None:
        """Runs the callback for a stream and feeds what it returns."""
        try:
            async with self._turns:
                result = await self._callback.result(stream.request)
                if isinstance(result, Iterator | AsyncIterator):
                    await self._callback.drain(result, stream.taker())
                else:
                    stream.accept(self._callback.payload(result))
            stream.finish()
        except BaseException as error:
            if not is_of_callback(error):
                raise
            stream.finish(failure_of(error))


class _Stream:
    """A stream's reply while it is made and fetched."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.making: asyncio.Task[None] | None = None
        self.failure: bytes | None = None
        self.members: Mapping[str, Any] = {}
        self.changed = asyncio.Event()
        """Whether a poll can be answered."""
        self._pieces = Pieces()
        self._loop = asyncio.get_running_loop()
        self._idle: asyncio.TimerHandle | None = None
        self._is_wanted = True

    def keep(self, give_up: Callable[[], None]) -> None:
        """Starts the time anew after which nobody wants the stream any more."""
        if self._idle is not None:
            self._idle.cancel()
        self._idle = self._loop.call_later(STREAM_IDLE_S, give_up)

    def taker(self) -> Callable[[str], bool]:
        """What takes the reply's texts in any thread; it returns false when no more are wanted."""

        def take(text: str) -> bool:
            if self._is_wanted:
                self._loop.call_soon_threadsafe(self._feed, text)
            return self._is_wanted

        return take

    def accept(self, payload: bytes) -> None:
        """Takes an answer that came whole."""
        answer = json.loads(payload)
        if answer.get("errorcode", 0):
            self._finish(payload)
        else:
            self._feed(answer["reply"])
            self.members = {name: value for name, value in answer.items() if name not in {"reply", "errorcode"}}

    def take(self, most: int) -> str:
        """The next piece; empty at the end, whether that is a whole reply's or a failure."""
        piece = self._pieces.take(most)
        if not self._pieces.is_ready:
            self.changed.clear()
        return piece

    def finish(self, failure: bytes | None = None) -> None:
        """Notes that no more text comes, behind all that is still on its way.

        With a failure's payload the reply is not whole, and its client must not take it for that.
        """
        self._loop.call_soon(self._finish, failure)

    def stop(self) -> None:
        """Ends the making."""
        self._is_wanted = False
        if self._idle is not None:
            self._idle.cancel()
        if self.making is not None:
            self.making.cancel()

    def _feed(self, text: str) -> None:
        self._pieces.feed(text)
        if self._pieces.size > PROVIDER_PAYLOAD_BYTES:
            PROVIDER_LOG.error("a reply is longer than %d characters and nobody fetches it", PROVIDER_PAYLOAD_BYTES)
            self._is_wanted = False
            self._finish(error_payload(FAILED))
        elif self._pieces.is_ready:
            self.changed.set()

    def _finish(self, failure: bytes | None) -> None:
        self.failure = self.failure or failure
        self._pieces.finish()
        self.changed.set()
