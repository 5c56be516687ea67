"""What becomes of a callback, without a socket: whatever it returns or raises, each request gets one answer."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from neuroengine import ProviderFailure, Reply
from neuroengine import answering as answering_module
from neuroengine.answering import Answering
from neuroengine.answering import callback as callback_module
from neuroengine.answering.callback import FAILED
from neuroengine.transport.threads import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from neuroengine.protocol.jobs import Request

DEADLINE_S = 10.0


def run(use: Callable[[Callable[..., Awaitable[Any]], Answering], Awaitable[Any]], answer: Any, **settings: Any) -> Any:
    """Runs `use(ask, answering)` with a worker's thread; `ask(**members)` gives the answer as an object."""

    async def main() -> Any:
        worker = Worker()
        threads = [threading.Thread(target=worker.run) for _ in range(settings.get("parallel", 1))]
        for thread in threads:
            thread.start()
        answering = Answering(answer, worker, **settings)

        async def ask(message: str = "hi", **members: Any) -> Any:
            return json.loads(await answering.respond({"message": message, **members}))

        try:
            async with asyncio.timeout(DEADLINE_S):
                return await use(ask, answering)
        finally:
            answering.close()
            worker.stop(len(threads))
            for thread in threads:
                await asyncio.to_thread(thread.join, DEADLINE_S)

    return asyncio.run(main())


def asked(answer: Any, **members: Any) -> Any:
    """The answer to one request."""
    return run(lambda ask, _: ask(**members), answer)


def polled(answer: Any, gettokens: int = 1, **settings: Any) -> list[Any]:
    """The answers to the polls of one stream, up to the end or the first error."""

    async def use(ask: Any, _: Answering) -> list[Any]:
        answers: list[Any] = []
        while not answers or (answers[-1]["reply"] and not answers[-1]["errorcode"]):
            answers.append(await ask(key="k", gettokens=gettokens))
        return answers

    pieces: list[Any] = run(use, answer, streaming=True, **settings)
    return pieces


def words(request: Request) -> Iterator[str]:
    yield "You"
    yield " said"
    yield f" {request.message}"


async def words_later(request: Request) -> AsyncIterator[str]:
    for word in words(request):
        await asyncio.sleep(0)
        yield word


async def whole_later(request: Request) -> Reply:
    return Reply("".join(words(request)), {"model": "tiny", "reply": "not this"})


async def iterator_later(request: Request) -> Iterator[str]:
    return words(request)


ANSWERS = {
    "text": lambda request: "".join(words(request)),
    "reply": lambda request: Reply("".join(words(request))),
    "mapping": lambda request: {"reply": "".join(words(request))},
    "iterator": words,
    "iterator of a list": lambda request: iter(list(words(request))),
    "asynchronous iterator": words_later,
    "coroutine": whole_later,
    "coroutine of an iterator": iterator_later,
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_every_kind_of_answer_gives_the_same_whole_reply(answer: Any) -> None:
    assert asked(answer)["reply"] == "You said hi"


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_every_kind_of_answer_gives_the_same_stream(answer: Any) -> None:
    pieces = polled(answer)
    assert [piece["reply"] for piece in pieces] == ["You", " said", " hi", ""]
    assert {piece["errorcode"] for piece in pieces} == {0}


def test_the_members_of_a_reply_go_with_it_and_its_text_is_the_text() -> None:
    assert asked(whole_later) == {"model": "tiny", "reply": "You said hi"}
    assert {piece["model"] for piece in polled(whole_later)[:-1]} == {"tiny"}


def test_a_piece_holds_as_many_tokens_as_were_asked_for() -> None:
    assert [piece["reply"] for piece in polled(lambda _: "a b c d e", 2)] == ["a b", " c d", " e", ""]


def test_without_forwarded_polls_a_key_means_nothing() -> None:
    assert asked(words, key="k", gettokens=1)["reply"] == "You said hi"


@pytest.mark.parametrize("streaming", [False, True])
def test_an_iterator_of_something_else_than_text_costs_one_error_answer(
    streaming: bool, caplog: pytest.LogCaptureFixture
) -> None:
    answer = polled(lambda _: iter([b"x"]))[-1] if streaming else asked(lambda _: iter([b"x"]))
    assert answer == {"reply": FAILED, "errorcode": 13}
    assert "gave bytes and not text" in caplog.text


@pytest.mark.parametrize("streaming", [False, True])
def test_a_callback_may_say_why_it_fails(streaming: bool, caplog: pytest.LogCaptureFixture) -> None:
    def answer(_: Request) -> str:
        raise ProviderFailure("The model is being loaded.", code=100) from OSError("secret path")

    got = polled(answer)[-1] if streaming else asked(answer)
    assert got == {"reply": "The model is being loaded.", "errorcode": 100}
    assert "secret path" in caplog.text


@pytest.mark.parametrize("code", [0, 1, 12, 14, 99])
def test_a_callback_cannot_speak_for_the_hub(code: int) -> None:
    with pytest.raises(ValueError, match=f"it was {code}"):
        ProviderFailure("no", code=code)


def test_an_answer_that_is_an_error_is_one_in_a_stream_too() -> None:
    (answer,) = polled(lambda _: {"reply": "Come back later.", "errorcode": 4711})
    assert answer == {"reply": "Come back later.", "errorcode": 4711}


def test_what_came_before_a_failure_is_delivered_and_never_looks_like_the_end() -> None:
    def breaks(_: Request) -> Iterator[str]:
        yield "one"
        yield " two"
        raise OSError("the model is gone")

    assert polled(breaks) == [
        {"reply": "one", "errorcode": 0},
        {"reply": " two", "errorcode": 0},
        {"reply": FAILED, "errorcode": 13},
    ]


@pytest.mark.parametrize("error", [SystemExit(1), asyncio.CancelledError()], ids=repr)
def test_a_stream_whose_callback_exits_or_was_cancelled_ends_in_an_error(error: BaseException) -> None:
    async def broken(_: Request) -> AsyncIterator[str]:
        yield "one"
        raise error

    pieces = polled(broken)
    assert [piece["reply"] for piece in pieces] == ["one", FAILED]
    assert pieces[-1]["errorcode"] == 13


def test_a_piece_is_there_before_the_reply_is_whole() -> None:
    release = threading.Event()

    def slow(_: Request) -> Iterator[str]:
        yield "first"
        assert release.wait(DEADLINE_S)
        yield " second"

    async def use(ask: Any, _: Answering) -> list[str]:
        first = await ask(key="k", gettokens=5)
        release.set()
        rest = [(await ask(key="k", gettokens=5))["reply"] for _poll in range(2)]
        return [first["reply"], *rest]

    assert run(use, slow, streaming=True) == ["first", " second", ""]


def test_a_poll_that_no_token_is_ready_for_is_not_ready_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering_module, "POLL_HOLD_S", 0.01)
    release = threading.Event()

    def slow(_: Request) -> Iterator[str]:
        assert release.wait(DEADLINE_S)
        yield "late"

    async def use(ask: Any, _: Answering) -> list[Any]:
        early = await ask(key="k")
        release.set()
        while (answer := await ask(key="k"))["errorcode"] == 17:
            pass
        return [early["errorcode"], answer["reply"], (await ask(key="k"))["reply"]]

    assert run(use, slow, streaming=True) == [17, "late", ""]


def test_one_reply_is_made_at_a_time_unless_more_are_wanted() -> None:
    running = threading.Semaphore(0)
    release = threading.Event()

    def slow(request: Request) -> Iterator[str]:
        running.release()
        yield request.message
        assert release.wait(DEADLINE_S)

    async def both(ask: Any, _: Answering) -> int:
        answers = [asyncio.ensure_future(ask(message, key=message)) for message in ("a", "b")]
        await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        begun = 0
        while running.acquire(blocking=False):
            begun += 1
        release.set()
        assert [(await answer)["reply"] for answer in answers] == ["a", "b"]
        return begun

    assert run(both, slow, streaming=True) == 1

    release.clear()

    async def side_by_side(ask: Any, _: Answering) -> None:
        assert [answer["reply"] for answer in await asyncio.gather(ask("a", key="a"), ask("b", key="b"))] == ["a", "b"]
        release.set()

    run(side_by_side, slow, streaming=True, parallel=2)


def test_streams_do_not_mix() -> None:
    async def use(ask: Any, _: Answering) -> dict[str, str]:
        texts = dict.fromkeys("abc", "")
        for _round in range(4):
            for key in texts:
                texts[key] += (await ask(key, key=key, gettokens=1))["reply"]
        return texts

    assert run(use, words, streaming=True) == {key: f"You said {key}" for key in "abc"}


def test_another_message_under_a_key_is_another_stream() -> None:
    async def use(ask: Any, _: Answering) -> list[str]:
        first = await ask("one", key="k", gettokens=1)
        second = [(await ask("two", key="k", gettokens=1))["reply"] for _poll in range(4)]
        return [first["reply"], *second]

    assert run(use, words, streaming=True) == ["You", "You", " said", " two", ""]


@pytest.mark.parametrize("answer", ["plain", "asynchronous"])
def test_a_stream_that_nobody_polls_is_given_up(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering_module, "STREAM_IDLE_S", 0.01)
    ended = threading.Event()

    def endless(_: Request) -> Iterator[str]:
        try:
            while True:
                yield " word"
        finally:
            ended.set()

    async def endless_later(_: Request) -> AsyncIterator[str]:
        try:
            while True:
                yield " word"
                await asyncio.sleep(0.001)
        finally:
            ended.set()

    async def use(ask: Any, answering: Answering) -> bool:
        assert (await ask(key="k", gettokens=1))["reply"] == " word"
        await answering.finish_streams()
        return await asyncio.to_thread(ended.wait, DEADLINE_S)

    assert run(use, {"plain": endless, "asynchronous": endless_later}[answer], streaming=True)


def test_a_whole_reply_without_an_end_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(callback_module, "PROVIDER_PAYLOAD_BYTES", 1000)

    def endless(_: Request) -> Iterator[str]:
        while True:
            yield "x" * 100

    assert asked(endless) == {"reply": FAILED, "errorcode": 13}
    assert "more than 1,000 characters" in caplog.text


def test_a_reply_without_an_end_that_nobody_fetches_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(answering_module, "PROVIDER_PAYLOAD_BYTES", 1000)

    def endless(_: Request) -> Iterator[str]:
        while True:
            yield "x" * 100

    async def use(ask: Any, _: Answering) -> Any:
        pieces = [await ask(key="k", gettokens=1)]
        while not pieces[-1]["errorcode"]:
            pieces.append(await ask(key="k", gettokens=100))
        return pieces[-1]

    assert run(use, endless, streaming=True) == {"reply": FAILED, "errorcode": 13}
    assert "nobody fetches it" in caplog.text


def test_who_leaves_finishes_its_streams_and_begins_none() -> None:
    async def use(ask: Any, answering: Answering) -> list[Any]:
        begun = await ask(key="k", gettokens=1)
        leaving = asyncio.ensure_future(answering.finish_streams())
        await asyncio.sleep(0)
        refused = await ask("other", key="new")
        assert not leaving.done()
        rest = [(await ask(key="k", gettokens=1))["reply"] for _poll in range(3)]
        await leaving
        return [begun["reply"], refused["errorcode"], *rest]

    assert run(use, words, streaming=True) == ["You", 16, " said", " hi", ""]


def test_a_poll_whose_link_is_lost_takes_its_stream_with_it() -> None:
    begun = asyncio.Event()
    cancelled = asyncio.Event()

    async def never(_: Request) -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return ""

    async def use(ask: Any, _: Answering) -> None:
        poll = asyncio.ensure_future(ask(key="k"))
        await begun.wait()
        poll.cancel()
        await cancelled.wait()

    run(use, never, streaming=True)


def test_no_key_of_a_stream_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def breaks(request: Request) -> str:
        raise ValueError(f"cannot answer {request!r}")

    async def use(ask: Any, _: Answering) -> Any:
        return await ask(key="STREAM-SECRET")

    assert run(use, breaks, streaming=True)["errorcode"] == 13
    assert "cannot answer" in caplog.text
    assert "STREAM-SECRET" not in caplog.text
