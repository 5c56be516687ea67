"""What can be seen of a hub whose provider stays away or has too much to do; access keys and counts."""

from __future__ import annotations

from hub_watch import ACCESS_KEY, CLOSED, KEY, LIMITED, Observations, World

SEEN = Observations()

# -- codes


@SEEN.of("NE-CODE-007", queue_s=0.2)
def provider_offline(world: World) -> bool:
    world.provider().close()
    world.until_gone()
    return bool(world.asked()["errorcode"] == 7)


@SEEN.of("NE-CODE-008", queue_requests=1)
def queue_full(world: World) -> bool:
    provider = world.provider()
    world.ask("one")
    provider.request()
    world.ask("two")
    world.until_accepted(2)
    return bool(world.asked("three")["errorcode"] == 8)


@SEEN.of("NE-CODE-009")
def quota_exceeded(world: World) -> bool:
    first, second = (world.post({"message": "hi"}, LIMITED) for _ in range(2))
    return (first["errorcode"], second["errorcode"]) == (0, 9) and second.get("retry_after", -1) >= 0


@SEEN.of("NE-CODE-010")
def access_key_refused(world: World) -> bool:
    wrong: list[dict[str, str]] = [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {ACCESS_KEY}"}]
    return {world.post({"message": "hi"}, CLOSED, **headers)["errorcode"] for headers in wrong} == {10}


@SEEN.of("NE-ACCESS-001")
def bearer_key_accepted(world: World) -> bool:
    answer = world.post({"message": "hi"}, CLOSED, Authorization=f"Bearer {ACCESS_KEY}")
    return bool(answer["errorcode"] == 0)


@SEEN.of("NE-ACCESS-002")
def stream_key_is_none(world: World) -> bool:
    return bool(world.post({"message": "hi", "key": ACCESS_KEY}, CLOSED)["errorcode"])


# -- the model list


@SEEN.of("NE-MODELS-011")
def no_secrets_listed(world: World) -> bool:
    listed = world.post_raw({"command": "getmodels"}).decode()
    return KEY not in listed and ACCESS_KEY not in listed


@SEEN.of("NE-MODELS-014")
def requests_counted(world: World) -> bool:
    for _ in range(3):
        world.asked()
    return bool(world.entry()["numreq"] == 3)


@SEEN.of("NE-MODELS-015")
def failed_generations_counted(world: World) -> bool:
    provider = world.provider()
    asked = world.ask()
    provider.request()
    provider.answer_with(b"no json")
    world.result(asked)
    return bool(world.entry()["numreq"] == 1)


@SEEN.of("NE-MODELS-016")
def streams_counted_once(world: World) -> bool:
    while world.asked(key="k", gettokens=10)["reply"]:
        pass
    return bool(world.entry()["numreq"] == 1)


@SEEN.of("NE-MODELS-017")
def refused_requests_not_counted(world: World) -> bool:
    for fields in ({"temperature": -1}, {"top_k": "x"}, {"key": "k", "gettokens": 0}):
        world.asked(**fields)
    world.post({})
    return bool(world.entry()["numreq"] == 0)


@SEEN.of("NE-MODELS-018")
def queue_without_the_current(world: World) -> bool:
    provider = world.provider()
    for number in range(3):
        world.ask(str(number))
    provider.request()
    world.until_accepted(3)
    return bool(world.entry()["queuelen"] == 2)


@SEEN.of("NE-MODELS-020")
def connected_follows_a_drop(world: World) -> bool:
    world.provider().close()
    world.until_gone()
    return True
