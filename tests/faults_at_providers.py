"""What a provider, and the client behind the hub, see of each fault on the provider's leg.

A scenario is called with the leg's stage and judges by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patience import DEADLINE_S
from stepped_hub import is_silent

from mockserver.state.framing import PING
from mockserver.state.plan import Leg
from neuroengine._generated.registry import HUB_LIMITS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from record_provider import RecordProvider
    from stepped_hub import Caller, Stage

    from mockserver.state.hub import HubState

TO_PROVIDER, TO_HUB = Leg.HUB_TO_PROVIDER, Leg.PROVIDER_TO_HUB
FRAME = b'{"message": "Hello LLM", "raw": "False"}'
ANSWER = b'0000000F{"reply": "ok"}'
ANSWER_S = HUB_LIMITS["provider_answer_s"]


def befallen(stage: Stage, name: str, **settings: object) -> tuple[RecordProvider, Caller]:
    """A provider, and a client whose request for it is befallen."""
    provider = stage.provider()
    stage.fault(name, **settings)
    return provider, stage.caller().ask()


def has_come(state: HubState, size: int) -> bool:
    """Whether so many bytes of a provider's answer are at the hub, whatever it lets through."""
    return any(link._crossing is not None and len(link._crossing._come) == size for link in state._links)


def saw_nothing(provider: RecordProvider) -> bool:
    return is_silent(provider._socket)


def is_reset(provider: RecordProvider) -> bool:
    try:
        return provider._socket.recv(1) != provider._socket.recv(1)
    except ConnectionResetError:
        return True


def is_lost(caller: Caller) -> bool:
    return bool(caller.answer()["errorcode"] == ErrorCode.PROVIDER_ERROR)


def is_given_up(caller: Caller) -> bool:
    return bool(caller.warm_answer()["errorcode"] == ErrorCode.PROVIDER_TIMEOUT)


def still_serves(provider: RecordProvider, stage: Stage) -> bool:
    """Whether the link goes on."""
    caller = stage.caller().ask("next")
    assert provider.frame()["message"] == "next"
    provider.answer("fine")
    return bool(caller.answer()["reply"] == "fine")


# -- hub->provider


def a_frame_is_lost(stage: Stage) -> None:
    provider, caller = befallen(stage, "frame_lost")
    stage.hub.until_waiting()
    stage.advance(ANSWER_S)
    assert is_given_up(caller)
    assert saw_nothing(provider)


def a_frame_is_late(stage: Stage) -> None:
    provider, caller = befallen(stage, "frame_late", seconds=5)
    stage.hub.until_waiting()
    stage.advance(4.99)
    assert saw_nothing(provider)
    stage.advance(0.01)
    assert provider.record() == FRAME
    provider.answer("ok")
    assert caller.answer()["reply"] == "ok"


def a_frame_is_cut_in_two(stage: Stage) -> None:
    provider, caller = befallen(stage, "frame_cut", after_bytes=3, pause_s=2)
    assert provider.record() == FRAME[:3]
    stage.advance(1.99)
    assert saw_nothing(provider)
    stage.advance(0.01)
    assert provider.record() == FRAME[3:]
    provider.answer("ok")
    assert caller.answer()["reply"] == "ok"


def a_frame_drips(stage: Stage) -> None:
    provider, caller = befallen(stage, "frame_drip", size_bytes=15, every_s=2)
    assert provider.record() == FRAME[:15]
    stage.advance(2)
    assert provider.record() == FRAME[15:30]
    stage.advance(2)
    assert provider.record() == FRAME[30:]
    provider.answer("ok")
    assert caller.answer()["reply"] == "ok"


def a_ping_and_a_frame_come_in_one_write(stage: Stage) -> None:
    provider, caller = befallen(stage, "frame_with_ping")
    assert provider.record() == PING + FRAME
    provider.answer("ok")
    assert caller.answer()["reply"] == "ok"
    stage.fault("frame_with_ping", behind=True)
    stage.ask()
    assert provider.record() == FRAME + PING


def a_frame_comes_twice(stage: Stage) -> None:
    provider, caller = befallen(stage, "frame_twice")
    assert (provider.record(), provider.record()) == (FRAME, FRAME)
    provider.answer("ok")
    assert caller.answer()["reply"] == "ok"
    # The second answer is one that nobody asked for.
    provider.send(ANSWER)
    assert provider.record() == b""


def a_frame_is_garbage(stage: Stage) -> None:
    provider, caller = befallen(stage, "frame_garbage", size_bytes=100)
    garbage = provider.record()
    assert b"message" not in garbage
    assert len(garbage) > 100
    provider.answer("what?")
    assert caller.answer()["reply"] == "what?"


def the_hub_ends_the_link(stage: Stage) -> None:
    provider, caller = befallen(stage, "link_dropped", after_bytes=10)
    assert provider.record() == FRAME[:10]
    assert provider.record() == b""
    assert is_lost(caller)


def the_hub_resets_the_link(stage: Stage) -> None:
    provider, caller = befallen(stage, "link_reset", after_bytes=10)
    assert provider.record() == FRAME[:10]
    assert is_reset(provider)
    assert is_lost(caller)


# -- provider->hub


def the_provider_dies(stage: Stage) -> None:
    provider, caller = befallen(stage, "provider_death")
    assert is_lost(caller)
    assert provider.record() == FRAME
    assert provider.record() == b""
    provider, caller = befallen(stage, "provider_death", after_bytes=10)
    assert provider.record() == FRAME
    provider.send(ANSWER[:9])
    stage.advance(1)
    assert caller.has_nothing()
    provider.send(ANSWER[9:])
    assert is_lost(caller)
    assert provider.record() == b""


def the_providers_connection_is_reset(stage: Stage) -> None:
    provider, caller = befallen(stage, "provider_reset", after_bytes=10)
    assert provider.record() == FRAME
    provider.send(ANSWER)
    assert is_lost(caller)
    assert is_reset(provider)


def the_provider_falls_silent(stage: Stage) -> None:
    provider, caller = befallen(stage, "provider_silence")
    assert provider.record() == FRAME
    provider.send(ANSWER)
    stage.advance(ANSWER_S)
    assert is_given_up(caller)


def the_provider_is_late(stage: Stage) -> None:
    provider, caller = befallen(stage, "provider_late", seconds=5)
    assert provider.record() == FRAME
    provider.send(ANSWER)
    stage.advance(4.99)
    assert caller.has_nothing()
    stage.advance(0.01)
    assert caller.answer()["reply"] == "ok"


def the_providers_answer_drips(stage: Stage) -> None:
    provider, caller = befallen(stage, "provider_drip", size_bytes=10, every_s=2)
    assert provider.record() == FRAME
    provider.send(ANSWER)
    assert stage.hub._keeper.wait_until(lambda state: has_come(state, len(ANSWER)), DEADLINE_S)
    stage.advance(3.99)
    assert caller.has_nothing()
    stage.advance(0.01)
    assert caller.answer()["reply"] == "ok"


def the_provider_answers_garbage(stage: Stage) -> None:
    provider, caller = befallen(stage, "provider_garbage")
    assert provider.record() == FRAME
    provider.send(ANSWER)
    assert is_lost(caller)
    assert provider.record() == b""


def the_provider_answers_nonsense(stage: Stage) -> None:
    provider, caller = befallen(stage, "provider_nonsense")
    assert provider.record() == FRAME
    provider.send(ANSWER[:8], ANSWER[8:])
    assert is_lost(caller)
    assert still_serves(provider, stage)


def the_provider_answers_twice(stage: Stage) -> None:
    provider, caller = befallen(stage, "provider_twice")
    assert provider.record() == FRAME
    provider.send(ANSWER[:8], ANSWER[8:])
    assert caller.answer()["reply"] == "ok"
    assert provider.record() == b""


def more_bytes_follow_the_providers_answer(stage: Stage) -> None:
    provider, caller = befallen(stage, "provider_extra")
    assert provider.record() == FRAME
    provider.send(ANSWER)
    assert caller.answer()["reply"] == "ok"
    assert provider.record() == b""


SCENARIOS: dict[tuple[str, Leg], Callable[[Stage], None]] = {
    ("frame_lost", TO_PROVIDER): a_frame_is_lost,
    ("frame_late", TO_PROVIDER): a_frame_is_late,
    ("frame_cut", TO_PROVIDER): a_frame_is_cut_in_two,
    ("frame_drip", TO_PROVIDER): a_frame_drips,
    ("frame_with_ping", TO_PROVIDER): a_ping_and_a_frame_come_in_one_write,
    ("frame_twice", TO_PROVIDER): a_frame_comes_twice,
    ("frame_garbage", TO_PROVIDER): a_frame_is_garbage,
    ("link_dropped", TO_PROVIDER): the_hub_ends_the_link,
    ("link_reset", TO_PROVIDER): the_hub_resets_the_link,
    ("provider_death", TO_HUB): the_provider_dies,
    ("provider_reset", TO_HUB): the_providers_connection_is_reset,
    ("provider_silence", TO_HUB): the_provider_falls_silent,
    ("provider_late", TO_HUB): the_provider_is_late,
    ("provider_drip", TO_HUB): the_providers_answer_drips,
    ("provider_garbage", TO_HUB): the_provider_answers_garbage,
    ("provider_nonsense", TO_HUB): the_provider_answers_nonsense,
    ("provider_twice", TO_HUB): the_provider_answers_twice,
    ("provider_extra", TO_HUB): more_bytes_follow_the_providers_answer,
}
