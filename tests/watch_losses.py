"""What can be seen of a hub whose provider is replaced, drops, stays away or stays silent; queues and counts."""

from __future__ import annotations

from hub_watch import Observations, World

SEEN = Observations()

# -- replacement


@SEEN.of("NE-LOSS-001")
def second_login_replaces_first(world: World) -> bool:
    world.provider()
    second = world.provider()
    asked = world.ask("who?")
    if second.said.strip() != b"OK" or second.request().get("message") != "who?":
        return False
    second.answer("the second")
    return bool(world.result(asked)["reply"] == "the second")


@SEEN.of("NE-LOSS-002")
def request_during_replacement(world: World) -> bool:
    first = world.provider()
    asked = world.ask("one")
    first.request()
    second = world.provider()
    world.ask("two")
    seen = []
    while "two" not in seen:
        seen.append(second.request().get("message", "two"))
        second.answer("yes")
    return seen.count("one") <= 1 and "reply" in world.result(asked)


@SEEN.of("NE-LOSS-003")
def wrong_login_changes_nothing(world: World) -> bool:
    provider = world.provider()
    asked = world.ask()
    provider.request()
    world.provider(key="wrong")
    world.settle()
    if not provider.is_quiet():
        return False
    provider.answer("mine")
    return bool(world.result(asked)["reply"] == "mine")


# -- loss


@SEEN.of("NE-LOSS-004")
def drop_answered_at_once(world: World) -> bool:
    provider = world.provider()
    asked = world.ask()
    provider.request()
    provider.close()
    return bool(world.result(asked)["errorcode"])


@SEEN.of("NE-LOSS-005")
def hub_survives_providers(world: World) -> bool:
    for last in (b"", b"no length", b"0000FFFF{", b"FFFFFFFF"):
        provider = world.provider()
        asked = world.ask()
        if not provider.request():
            return False
        provider.send(last) if last else None
        provider.close()
        world.result(asked)
        again = world.provider()
        asked = world.ask("again")
        if again.said.strip() != b"OK" or not again.request():
            return False
        again.answer("yes")
        if world.result(asked)["reply"] != "yes":
            return False
    return True


@SEEN.of("NE-LOSS-006")
def queued_requests_wait(world: World) -> bool:
    provider = world.provider()
    world.ask("one")
    provider.request()
    waiting = world.ask("two")
    world.until_accepted(2)
    provider.close()
    world.until_gone()
    again = world.provider()
    if again.request().get("message") != "two":
        return False
    again.answer("2")
    return bool(world.result(waiting)["reply"] == "2")


@SEEN.of("NE-LOSS-007", queue_s=0.2)
def waiting_bounded(world: World) -> bool:
    provider = world.provider()
    world.ask("one")
    provider.request()
    waiting = world.ask("two")
    world.until_accepted(2)
    provider.close()
    return bool(world.result(waiting)["errorcode"])


@SEEN.of("NE-LOSS-008", queue_s=0.5, login_s=0.7)
def long_absence(world: World) -> bool:
    world.provider().close()
    world.until_gone()
    world.until_login_is_over(world.stranger())
    asked = world.ask()
    while not asked.done():
        if world.entry()["queuelen"]:
            return False
    return bool(world.result(asked)["errorcode"])


@SEEN.of("NE-LOSS-009", queue_s=0.2, login_s=0.5)
def busy_provider(world: World) -> bool:
    provider = world.provider()
    world.ask("one")
    provider.request()
    waiting = world.ask("two")
    world.until_accepted(2)
    world.until_login_is_over(world.stranger())
    if waiting.done():
        return False
    provider.answer("1")
    provider.request()
    provider.answer("2")
    return bool(world.result(waiting)["reply"] == "2")


@SEEN.of("NE-LOSS-010", provider_answer_s=0.2)
def silent_provider(world: World) -> bool:
    world.provider()
    return bool(world.asked()["errorcode"])


# -- codes


# -- the model list
