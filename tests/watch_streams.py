"""What can be seen of a hub's streams by somebody who holds the provider's end too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub_watch import Json, Observations, Watched, World

if TYPE_CHECKING:
    from concurrent.futures import Future

SEEN = Observations()
TEXT = "one two three four"


def poll(world: World, **fields: object) -> Future[Json]:
    return world.ask("go", **{"key": "key1234", "gettokens": 1, **fields})


def polled(world: World, **fields: object) -> Json:
    return world.result(poll(world, **fields))


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


@SEEN.of("NE-FWD-009")
def whole_reply_asked_once(world: World) -> bool:
    return asked_once(world, 0)


# -- streaming providers


@SEEN.of("NE-SPROV-001")
def polls_forwarded(world: World) -> bool:
    provider = world.provider(streaming=True)
    handed = [forwarded(world, provider, {"reply": "a b c"}, gettokens=count)[0] for count in (3, 5)]
    return [(one.get("key") is not None, one.get("gettokens")) for one in handed] == [(True, 3), (True, 5)]


@SEEN.of("NE-SPROV-002")
def pieces_passed_on(world: World) -> bool:
    provider = world.provider(streaming=True)
    pieces = ["one two three", " four", ""]
    return [forwarded(world, provider, {"reply": piece})[1]["reply"] for piece in pieces] == pieces


@SEEN.of("NE-SPROV-003")
def provider_not_ready(world: World) -> bool:
    provider = world.provider(streaming=True)
    answers: list[Json] = [{"reply": "a"}, {"reply": "wait", "errorcode": 17}, {"reply": "b"}, {"reply": ""}]
    got = [polled_until_end[1] for polled_until_end in (forwarded(world, provider, one) for one in answers)]
    return [answer["reply"] for answer in got if not answer["errorcode"]] == ["a", "b", ""]
