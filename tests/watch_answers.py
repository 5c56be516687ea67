"""What can be seen of what a hub makes of its provider's answers."""

from __future__ import annotations

import json
from typing import Any

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


def answered_by_bytes(world: World, *chunks: bytes) -> Json:
    """What a client gets for bytes that its provider sends."""
    provider = world.provider()
    asked = world.ask()
    provider.request()
    provider.send(*chunks)
    return world.result(asked)


def framed(content: object) -> bytes:
    payload = json.dumps(content, ensure_ascii=False).encode()
    return b"%08X" % len(payload) + payload


# -- answers


@SEEN.of("NE-PANS-001")
def reply_passed_on(world: World) -> bool:
    return bool(answered(world, world.provider(), {"reply": ODD_REPLY})["reply"] == ODD_REPLY)


@SEEN.of("NE-PANS-002")
def length_in_bytes(world: World) -> bool:
    return bool(answered_by_bytes(world, framed({"reply": "é世"})).get("reply") == "é世")


@SEEN.of("NE-PANS-003")
def answer_in_any_cut(world: World) -> bool:
    data = framed({"reply": "yes"})
    return bool(answered_by_bytes(world, *(data[at : at + 1] for at in range(len(data))))["reply"] == "yes")


@SEEN.of("NE-PANS-004")
def digits_in_any_case(world: World) -> bool:
    data = framed({"reply": "x" * 160})
    replies = [answered_by_bytes(world, digits + data[8:])["reply"] for digits in (data[:8].upper(), data[:8].lower())]
    return replies == ["x" * 160] * 2


@SEEN.of("NE-PANS-005")
def large_answers(world: World) -> bool:
    text = "x" * (1 << 20)
    return bool(answered(world, world.provider(), {"reply": text})["reply"] == text)


@SEEN.of("NE-PANS-006")
def errorcode_passed_on(world: World) -> bool:
    provider = world.provider()
    codes = [1, 13, 99, 4711, -1]
    return [answered(world, provider, {"reply": "no", "errorcode": code})["errorcode"] for code in codes] == codes


@SEEN.of("NE-PANS-007")
def extra_members_passed_on(world: World) -> bool:
    more: dict[str, Any] = {"model": "tiny", "n": [1, None, {"x": 0.5}]}
    return answered(world, world.provider(), {"reply": "yes", **more}) == {"reply": "yes", "errorcode": 0, **more}


@SEEN.of("NE-PANS-008")
def own_members_kept(world: World) -> bool:
    own = {"error": "x", "field": "y", "retry_after": 1, "seq": 2, "done": True}
    return not own.keys() & answered(world, world.provider(), {"reply": "yes", **own}).keys()


@SEEN.of("NE-PANS-009")
def malformed_payload(world: World) -> bool:
    provider = world.provider()
    return all(answered(world, provider, garbage)["errorcode"] for garbage in GARBAGE)


@SEEN.of("NE-PANS-010")
def link_outlives_malformed_payload(world: World) -> bool:
    provider = world.provider()
    for garbage in GARBAGE:
        answered(world, provider, garbage)
        asked = world.ask("and now?")
        if provider.request().get("message") != "and now?":
            return False
        provider.answer("yes")
        world.result(asked)
    return True


@SEEN.of("NE-PANS-011")
def malformed_length(world: World) -> bool:
    return all(answered_by_bytes(world, data)["errorcode"] for data in (b"not hex!", b"FFFFFFFF{"))


@SEEN.of("NE-PANS-012")
def malformed_length_ends_link(world: World) -> bool:
    for data in (b"not hex!", b"FFFFFFFF"):
        provider = world.provider()
        asked = world.ask()
        provider.request()
        provider.send(data)
        world.result(asked)
        if provider.record():
            return False
    return True


@SEEN.of("NE-PANS-013", provider_answer_s=0.3)
def short_payload(world: World) -> bool:
    return bool(answered_by_bytes(world, b"00000064", b"x" * 50)["errorcode"])


@SEEN.of("NE-PANS-014")
def lone_surrogates_replaced(world: World) -> bool:
    return bool(answered(world, world.provider(), rb'{"reply": "a\ud800b"}')["reply"] == "a\ufffdb")


@SEEN.of("NE-PANS-015", provider_answer_s=0.3, queue_s=0.3)
def late_answer_after_timeout(world: World) -> bool:
    provider = world.provider()
    one = world.ask("one")
    provider.request()
    two = world.ask("two")
    world.result(one)
    return own_text_alone(world, provider, two)


@SEEN.of("NE-PANS-016")
def late_answer_after_hang_up(world: World) -> bool:
    provider = world.provider()
    world.left(provider, message="one")
    two = world.ask("two")
    world.until_accepted(2)
    return own_text_alone(world, provider, two)


def own_text_alone(world: World, provider: Watched, asked: Any) -> bool:
    """Whether a client gets no text that was meant for the one before."""
    provider.answer("late")
    if provider.request():
        provider.answer("own")
    return bool(world.result(asked)["reply"] != "late")


@SEEN.of("NE-PANS-017")
def unasked_bytes(world: World) -> bool:
    provider = world.provider()
    provider.answer("nobody asked")
    return provider.record() == b""


# -- codes
