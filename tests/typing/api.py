"""Uses the public names as programs do. It is never run: a type checker reads it, and every line must be clean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, assert_type

import httpx

from neuroengine import (
    AsyncClient,
    AsyncProvider,
    AsyncStream,
    Client,
    Conversation,
    Frame,
    HubError,
    InvalidField,
    Model,
    Neuroengine,
    NeuroengineError,
    Provider,
    ProviderFailure,
    ProviderState,
    Reply,
    Request,
    RequestEvent,
    ResponseEvent,
    Retry,
    RetryEvent,
    Sampling,
    StateChange,
    Stream,
    StreamGap,
    Timeouts,
)
from neuroengine.errors import QuotaExceededError


def asks_and_waits() -> None:
    settings: Sampling = {"temperature": 0.2, "raw": True, "seed": 3}
    with Client("S", url="https://localhost:8443", timeouts=Timeouts(answer_s=5), retry=Retry(tries=2)) as client:
        reply = client.generate("Hello", **settings)
        assert_type(reply, Reply)
        assert_type(reply.text, str)
        assert_type(reply.members, Mapping[str, Any])
        with client.stream("Hello", gettokens=5, max_new_len=100) as pieces:
            assert_type(pieces, Stream)
            for piece in pieces:
                assert_type(piece, str)
            assert_type(pieces.text, str)
        models = client.models()
        assert_type(models, list[Model])
        assert_type(models[0].queuelen, int)
    Client(http_client=httpx.Client(), transport=httpx.MockTransport(lambda _: httpx.Response(200)))


def talks(client: Client) -> None:
    talk = Conversation(system="Be brief.", budget_bytes=4000)
    for model in client.models():
        talk.frame = Frame.of_service(model.preprompt, model.endprompt)
    reply = client.generate(talk.prompt("Hello"), raw=talk.frame.raw)
    assert_type(talk.add("Hello", reply.text).reply, str)
    reader = talk.reader("More?")
    for piece in client.stream(talk.prompt("More?"), raw=talk.frame.raw):
        assert_type(reader.feed(piece), str)
    assert_type(reader.finish(), str)
    assert_type([turn.question for turn in talk.turns], list[str])


async def asks_from_a_task() -> None:
    async with AsyncClient("S", http_client=httpx.AsyncClient()) as client:
        assert_type(await client.generate("Hello", top_k=5), Reply)
        async with client.stream("Hello") as pieces:
            assert_type(pieces, AsyncStream)
            async for piece in pieces:
                assert_type(piece, str)
        assert_type(await client.models(), list[Model])


def handles_errors(client: Client) -> None:
    try:
        client.generate("Hello")
    except InvalidField as error:
        assert_type(error.field, str)
    except QuotaExceededError as error:
        assert_type(error.retry_after, float | None)
    except HubError as error:
        assert_type(error.code, int)
    except StreamGap as error:
        assert_type(error.text, str)
    except NeuroengineError as error:
        assert_type(error.retryable, bool)


def watches(event: RequestEvent | ResponseEvent | RetryEvent) -> None:
    if isinstance(event, ResponseEvent):
        assert_type(event.status, int | None)
    elif isinstance(event, RetryEvent):
        assert_type(event.error, NeuroengineError)
    Client("S", on_request=print, on_response=watches, on_retry=watches)
    AsyncClient("S", on_request=watches, on_response=print, on_retry=print)


def shares_an_llm() -> None:
    def changed(change: StateChange) -> None:
        assert_type(change.state, ProviderState)
        assert_type(change.wait_s, float | None)

    provider = Provider(address="localhost:4444", ca_file="ca.pem", on_state=changed)

    @provider.service("ONE", "KEY")
    def text(request: Request) -> str:
        assert_type(request.message, str)
        assert_type(request.sampling, Sampling)
        assert_type(request["anything"], Any)
        if request.gettokens < 1:
            raise ProviderFailure("no", code=100)
        return request.message

    @provider.service("TWO", "KEY", streaming=True, parallel=2)
    async def pieces(request: Request) -> AsyncIterator[str]:
        yield request.message

    def words(request: Request) -> Iterator[str]:
        yield from request.message.split()

    provider.add("THREE", "KEY", words)
    provider.add("FOUR", "KEY", lambda request: Reply(request.message, {"model": "tiny"}))
    unchanged: Callable[[Request], str] = text
    unchanged_pieces: Callable[[Request], AsyncIterator[str]] = pieces
    provider.add("FIVE", "KEY", unchanged if provider.services else unchanged_pieces)
    assert_type(provider.services, tuple[str, ...])
    provider.serve_forever()
    provider.stop(within_s=5)


async def shares_an_llm_from_a_task() -> None:
    async def answer(request: Request) -> Mapping[str, Any]:
        return {"reply": request.message}

    async with AsyncProvider("ONE", "KEY", answer) as provider:
        await provider.serve_forever()
        await provider.stop()


def uses_the_published_surface() -> None:
    api = Neuroengine("S", "localhost", 8443, key="", verify_ssl=False)
    assert_type(api.request("Hello", 1.0, 0.9, 0.0, 40, 1.2, 128, 0, False, 5, 20, "key1234"), str)  # noqa: FBT003 - the published order
    assert_type(api.request(None), str)
    assert_type(api.getModels(), list[dict[str, Any]])


def is_told_of_mistakes(client: Client) -> None:
    client.generate("Hello", warmth=1.0)  # type: ignore[call-arg]  # no field of the protocol
    client.generate("Hello", top_k="40")  # type: ignore[arg-type]  # a wrong type
    client.generate(None)  # type: ignore[arg-type]  # no prompt
