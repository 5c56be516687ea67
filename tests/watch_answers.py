"""What can be seen of what a hub makes of its provider's answers."""

from __future__ import annotations

from hub_watch import Json, Observations, Watched, World

SEEN = Observations()
ODD_REPLY = '  Grüße, 世界 \U0001f600\n\t"\\\u0000\u2028 '
GARBAGE = (b"", b"no json", b"[]", b'{"reply": 1}', b'{"reply": "x", "errorcode": "0"}', b'{"reply": "\xff"}')


def answered(world: World, provider: Watched, content: object) -> Json:
    """What a client gets for a provider's answer."""
    asked = world.ask()
    provider.request()
    provider.answer_with(content)
    return world.result(asked)


# -- answers


@SEEN.of("NE-ANS-004")
def success_is_zero(world: World) -> bool:
    return bool(answered(world, world.provider(), {"reply": "yes", "errorcode": 0})["errorcode"] == 0)


@SEEN.of("NE-ANS-005")
def whole_reply(world: World) -> bool:
    text = " ".join(map(str, range(200)))
    return bool(answered(world, world.provider(), {"reply": text})["reply"] == text)


@SEEN.of("NE-ANS-007")
def missing_errorcode_added(world: World) -> bool:
    return answered(world, world.provider(), {"reply": "This is the LLM"}) == {
        "reply": "This is the LLM",
        "errorcode": 0,
    }


@SEEN.of("NE-ANS-012")
def ascii_output(world: World) -> bool:
    provider = world.provider()
    body = world.submit(world.post_raw, {"message": "hi"})
    provider.request()
    provider.answer_with({"reply": ODD_REPLY})
    return body.result().isascii()


@SEEN.of("NE-ANS-014", keep_warm_s=0.1)
def first_byte_in_time(world: World) -> bool:
    world.provider()
    return world.first_byte({"message": "hi"}).isspace()


@SEEN.of("NE-ANS-017")
def no_foreign_error_names(world: World) -> bool:
    provider = world.provider()
    return not any("error" in answered(world, provider, {"reply": "no", "errorcode": code}) for code in (5, 4711))


# -- codes


@SEEN.of("NE-CODE-012", provider_answer_s=0.2)
def provider_timeout(world: World) -> bool:
    world.provider()
    return bool(world.asked()["errorcode"] == 12)


@SEEN.of("NE-CODE-013")
def provider_error(world: World) -> bool:
    provider = world.provider()
    codes = {answered(world, provider, garbage)["errorcode"] for garbage in GARBAGE}
    asked = world.ask()
    provider.request()
    provider.close()
    return codes | {world.result(asked)["errorcode"]} == {13}
