"""A provider's callback: how it is called, and the payload of whatever it returns or raises.

A plain function runs in a worker's thread and may block; a coroutine or an asynchronous generator runs on the loop.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from neuroengine._generated.registry import PROVIDER_PAYLOAD_BYTES
from neuroengine.errors import ProviderFailure
from neuroengine.log import PROVIDER_LOG
from neuroengine.protocol.answers import Reply
from neuroengine.protocol.frames import NotAnAnswer, error_payload, payload_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from neuroengine.protocol.jobs import Request
    from neuroengine.transport.threads import Worker

    Answer: TypeAlias = Callable[[Request], Any]
    """A callback. It takes a request and returns the reply's text, a `Reply`, the whole answer as a mapping, an
    iterator or asynchronous iterator of texts, or a coroutine of one of these."""

FAILED: Final = "The provider failed to answer this request."
"""What a client is told of a callback that failed; why is the log's business."""


def payload_of_result(result: object) -> bytes:
    """The payload of what a callback returned: text is the reply, a mapping the whole answer.

    Raises:
        NotAnAnswer: it is neither, or a mapping that no hub would hand on.
    """
    if isinstance(result, str):
        return payload_of({"reply": result})
    if isinstance(result, Reply):
        return payload_of({**result.members, "reply": result.text})
    if isinstance(result, Mapping):
        return payload_of(result)
    raise NotAnAnswer(
        f"it is {type(result).__name__}, and neither the reply's text, a Reply, a mapping nor an iterator of texts"
    )


class Callback:
    """A callback, ready to be called.

    Args:
        answer: the callback itself.
        worker: runs what blocks.
        payload: writes what `answer` returned; it raises `NotAnAnswer` where it cannot.
    """

    def __init__(self, answer: Answer, worker: Worker, payload: Callable[[Any], bytes]) -> None:
        self.payload = payload
        self._answer = answer
        self._worker = worker

    async def whole(self, request: Request) -> bytes:
        """The payload of the whole answer, an iterator's texts joined.

        Raises:
            NotAnAnswer: what it returned is none.
        """
        result = await self.result(request)
        if isinstance(result, Iterator | AsyncIterator):
            texts: list[str] = []
            room = PROVIDER_PAYLOAD_BYTES

            def take(text: str) -> bool:
                nonlocal room
                texts.append(text)
                room -= len(text)
                return room >= 0

            await self.drain(result, take)
            if room < 0:
                raise NotAnAnswer(f"its iterator gave more than {PROVIDER_PAYLOAD_BYTES:,} characters")
            result = "".join(texts)
        return self.payload(result)

    async def result(self, request: Request) -> Any:
        """What the callback returns, its coroutine awaited."""
        if inspect.iscoroutinefunction(self._answer) or inspect.isasyncgenfunction(self._answer):
            result = self._answer(request)
        else:
            result = await self._worker.call(self._answer, request)
        # A callable object or a wrapper does not show that it is a coroutine's.
        return await result if inspect.isawaitable(result) else result

    async def drain(self, texts: Iterator[Any] | AsyncIterator[Any], take: Callable[[str], bool]) -> None:
        """Hands every text to `take`, in whatever thread they come, until it returns false.

        Raises:
            NotAnAnswer: one is no text.
        """
        if isinstance(texts, AsyncIterator):
            try:
                async for text in texts:
                    if not take(_checked(text)):
                        break
            finally:
                if isinstance(texts, AsyncGenerator):
                    await texts.aclose()
        else:
            await self._worker.call(_drain, texts, take)


def _drain(texts: Iterator[Any], take: Callable[[str], bool]) -> None:
    """Hands every text to `take`, until it returns false."""
    try:
        for text in texts:
            if not take(_checked(text)):
                break
    finally:
        if isinstance(texts, Generator):
            texts.close()


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise NotAnAnswer(f"its iterator gave {type(text).__name__} and not text")
    return text


def is_of_callback(error: BaseException) -> bool:
    """Whether a callback raised it, which may raise anything; Ctrl-C, and who cancels this task, come from outside."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and not task.cancelling()
    return isinstance(error, Exception | SystemExit)


def failure_of(error: BaseException) -> bytes:
    """The payload of an answer that could not be made, with the reason in the log."""
    if isinstance(error, ProviderFailure):
        PROVIDER_LOG.warning("the callback could not answer: %s", error, exc_info=error.__cause__)
        return error_payload(error.sentence, error.code)
    if isinstance(error, NotAnAnswer):
        PROVIDER_LOG.error("what the callback returned is no answer: %s", error)
    else:
        PROVIDER_LOG.error("the callback raised", exc_info=error)
    return error_payload(FAILED)
