"""What can be seen of a hub's streams by somebody who holds the provider's end too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub_watch import Json, Observations, Watched, World

if TYPE_CHECKING:
    from concurrent.futures import Future

SEEN = Observations()
TEXT = "one two three four"
EMOJI = "\U0001f600\U0001f9d1\u200d\U0001f680e\u0301\U0001f1e9\U0001f1ea"


def poll(world: World, **fields: object) -> Future[Json]:
    return world.ask("go", **{"key": "key1234", "gettokens": 1, **fields})


def polled(world: World, **fields: object) -> Json:
    return world.result(poll(world, **fields))


def begun(world: World, text: str = TEXT) -> Json:
    """The first answer of a stream whose plain provider replied with a text."""
    provider = world.provider()
    first = poll(world)
    provider.request()
    provider.answer_with({"reply": text})
    return world.result(first)


def rest(world: World, text: str = "") -> str:
    """What has come, and the pieces up to the end; what an error brings is no text."""
    for _ in range(100):
        answer = polled(world)
        if answer["errorcode"] or not answer["reply"]:
            break
        text += answer["reply"]
    return text


def forwarded(world: World, provider: Watched, content: Json, **fields: object) -> tuple[Json, Json]:
    """What a streaming provider was handed for a poll, and what the client got of its answer."""
    asked = poll(world, **fields)
    request = provider.request()
    if request:
        provider.answer_with(content)
    return request, world.result(asked)


@SEEN.of("NE-STREAM-003", long_poll_s=0.1)
def no_early_end(world: World) -> bool:
    world.provider()
    answer = polled(world)
    return bool(answer["errorcode"] or answer["reply"])


@SEEN.of("NE-STREAM-008")
def characters_stay_whole(world: World) -> bool:
    text = begun(world, EMOJI)["reply"]
    for _ in range(20):
        if not text.isprintable() and any("\ud800" <= character <= "\udfff" for character in text):
            return False
        text = polled(world)["reply"]
    return True


@SEEN.of("NE-STREAM-009", long_poll_s=0.2)
def whole_characters_make_progress(world: World) -> bool:
    first = begun(world, EMOJI)
    return not first["errorcode"] and rest(world, first["reply"]) == EMOJI


@SEEN.of("NE-STREAM-012")
def poll_held_for_tokens(world: World) -> bool:
    provider = world.provider()
    held = poll(world)
    provider.request()
    world.settle()
    if held.done():
        return False
    provider.answer(TEXT)
    return bool(world.result(held)["reply"] == "one")


@SEEN.of("NE-STREAM-013", long_poll_s=0.1)
def not_ready_loses_nothing(world: World) -> bool:
    provider = world.provider()
    if polled(world)["errorcode"] == 0:
        return False
    provider.request()
    provider.answer(TEXT)
    world.settle()
    return rest(world) == TEXT


@SEEN.of("NE-STREAM-015")
def failure_before_first_piece(world: World) -> bool:
    provider = world.provider()
    lost = poll(world)
    provider.request()
    provider.close()
    return bool(world.result(lost)["errorcode"]) and begun(world)["reply"] == "one"


@SEEN.of("NE-STREAM-016")
def failure_after_a_piece(world: World) -> bool:
    provider = world.provider(streaming=True)
    forwarded(world, provider, {"reply": "a"})
    forwarded(world, provider, {"reply": "no", "errorcode": 4711})
    return all(polled(world)["errorcode"] for _ in range(2))


def asked_once(world: World, polls_after_end: int) -> bool:
    """Whether a plain provider was asked once for a stream, whatever the polls."""
    provider = world.provider()
    first = poll(world)
    provider.request()
    provider.answer(TEXT)
    world.result(first)
    rest(world)
    for _ in range(polls_after_end):
        polled(world)
    world.ask("something else")
    return bool(provider.request()["message"] == "something else")


@SEEN.of("NE-STREAM-018")
def repeated_end_generates_nothing(world: World) -> bool:
    return asked_once(world, 3)


@SEEN.of("NE-STREAM-024")
def closed_poll_keeps_piece(world: World) -> bool:
    provider = world.provider()
    world.left(provider, message="go", key="key1234", gettokens=1)
    provider.answer(TEXT)
    return rest(world) == TEXT


@SEEN.of("NE-RESUME-011", long_poll_s=0.1)
def not_ready_keeps_index(world: World) -> bool:
    provider = world.provider()
    if polled(world, seq=0)["errorcode"] != 17:
        return False
    provider.request()
    provider.answer(TEXT)
    world.settle()
    answer = polled(world, seq=0)
    return (answer["errorcode"], answer["reply"]) == (0, "one")


@SEEN.of("NE-CODE-015", open_streams=1)
def stream_limit(world: World) -> bool:
    begun(world)
    return bool(polled(world, key="another")["errorcode"] == 15)


@SEEN.of("NE-CODE-017", long_poll_s=0.1)
def not_ready(world: World) -> bool:
    world.provider()
    return bool(polled(world)["errorcode"] == 17)
