"""What a client sees of each fault on its leg. A scenario is called with the leg's stage, and judges by itself."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from foreign_programs import head, whole
from patience import DEADLINE_S
from stepped_hub import LONG_S

from mockserver.state.plan import Leg
from neuroengine._generated.registry import ERRORS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stepped_hub import Stage

TO_CLIENT, TO_HUB = Leg.HUB_TO_CLIENT, Leg.CLIENT_TO_HUB
BODY = json.dumps({"message": "Hello LLM"}).encode()


# -- hub->client


def a_late_answer_comes_when_its_time_has_come(stage: Stage) -> None:
    stage.fault("latency", seconds=5)
    caller = stage.ask()
    stage.advance(4.99)
    assert caller.has_nothing()
    stage.advance(0.01)
    assert caller.answer()["reply"] == stage.reply()


def an_answer_drips(stage: Stage) -> None:
    stage.fault("slow_drip", size_bytes=10, every_s=2)
    caller = stage.ask()
    size = caller.announced()
    assert len(caller.body(10)) == 10
    stage.advance(1.99)
    assert caller.has_nothing()
    stage.advance(0.01)
    assert len(caller.there()) == 10
    stage.advance(4)
    assert len(caller.there()) == 20
    stage.advance(size)
    assert len(caller.there()) == size - 40
    assert caller.ask().answer()["errorcode"] == 0


def the_connection_ends_before_the_answer(stage: Stage) -> None:
    stage.fault("drop")
    assert stage.caller().ask().rest() == b""
    assert stage.numreq == 1


def the_connection_ends_in_the_answer(stage: Stage) -> None:
    stage.fault("drop_midway", after_bytes=10)
    caller = stage.caller().ask()
    assert caller.announced() > 10
    assert caller.rest() == b'{"reply": '
    stage.fault("drop_midway", fraction=0.25)
    caller = stage.caller().ask()
    assert caller.announced() // 4 == len(caller.rest())


def the_connection_is_reset(stage: Stage) -> None:
    stage.fault("reset")
    with pytest.raises(ConnectionResetError):
        stage.caller().ask().body(1)
    stage.fault("reset", after_bytes=10)
    caller = stage.caller().ask()
    assert caller.announced() > 10
    assert caller.body(10) == b'{"reply": '
    with pytest.raises(ConnectionResetError):
        caller.body(1)
    assert stage.numreq == 2


def the_request_is_never_answered(stage: Stage) -> None:
    stage.fault("half_open")
    caller = stage.ask()
    stage.advance(LONG_S)
    assert caller.has_nothing()
    assert stage.numreq == 1
    caller.close()
    assert stage.is_left_alone()


def the_answer_stops_midway(stage: Stage) -> None:
    stage.fault("stall", after_bytes=10)
    caller = stage.ask()
    assert caller.announced() > 10
    assert caller.body(10) == b'{"reply": '
    stage.advance(LONG_S)
    assert caller.has_nothing()


def the_body_is_cut_off_behind_a_right_head(stage: Stage) -> None:
    caller = stage.caller().ask()
    whole_answer = caller.body(caller.announced())
    stage.fault("truncated_body", fraction=0.5)
    caller = stage.caller().ask()
    assert caller.body(caller.announced()) == whole_answer[: len(whole_answer) // 2]
    assert caller.ask().answer()["errorcode"] == 0


def the_body_is_garbage_behind_a_right_head(stage: Stage) -> None:
    stage.fault("garbage_body", size_bytes=100)
    caller = stage.caller().ask()
    size = caller.announced()
    assert size == 100
    assert not caller.body(size).isascii()
    assert caller.ask().answer()["errorcode"] == 0


def no_http_comes(stage: Stage) -> None:
    stage.fault("garbage", size_bytes=100)
    came = stage.caller().ask().rest()
    assert len(came) == 100
    assert b"HTTP" not in came


def more_is_announced_than_comes(stage: Stage) -> None:
    stage.fault("content_length_too_long", by_bytes=7)
    caller = stage.caller().ask()
    size = caller.announced()
    came = caller.rest()
    assert json.loads(came)["errorcode"] == 0
    assert len(came) == size - 7
    stage.fault("content_length_too_long", by_bytes=7, stays=True)
    caller = stage.ask()
    assert json.loads(caller.body(caller.announced() - 7))["errorcode"] == 0
    stage.advance(LONG_S)
    assert caller.has_nothing()


def less_is_announced_than_comes(stage: Stage) -> None:
    stage.fault("content_length_too_short", by_bytes=7)
    caller = stage.caller().ask()
    size = caller.announced()
    assert json.loads(caller.body(size + 7))["errorcode"] == 0
    # The connection goes on.
    assert caller.ask().answer()["errorcode"] == 0


def more_bytes_follow_the_answer(stage: Stage) -> None:
    stage.fault("extra_bytes", size_bytes=100)
    caller = stage.caller().ask()
    assert caller.answer()["errorcode"] == 0
    assert len(caller.body(100)) == 100
    assert caller.ask().answer()["errorcode"] == 0


def blanks_follow_the_answer_without_end(stage: Stage) -> None:
    stage.fault("flood")
    caller = stage.ask()
    head_ = caller.head()
    assert (head_.get("content-length"), head_["transfer-encoding"]) == (None, "chunked")
    came = caller.body(5_000_000)
    assert came.count(b" ") > 4_900_000
    assert stage.reply()
    caller.close()
    assert stage.is_left_alone()


def the_first_token_is_late(stage: Stage) -> None:
    stage.fault("first_token", seconds=5, times=2)
    caller, poll = stage.ask(), stage.ask(key="first", gettokens=2)
    stage.advance(4.99)
    assert caller.has_nothing()
    assert poll.has_nothing()
    stage.advance(0.01)
    reply = caller.answer()["reply"]
    assert reply == stage.reply()
    assert reply.startswith(poll.answer()["reply"])


def tokens_come_one_by_one(stage: Stage) -> None:
    stage.fault("tokens_per_second", tokens_per_s=0.5)
    caller = stage.caller().ask(key="slow", gettokens=100)
    pieces = [caller.answer()["reply"]]
    caller.ask(key="slow", gettokens=100)
    stage.hub.until_waiting()
    stage.advance(1.99)
    assert caller.has_nothing()
    stage.advance(0.01)
    pieces.append(caller.answer()["reply"])
    stage.advance(8)
    pieces.append(caller.ask(key="slow", gettokens=100).answer()["reply"])
    assert stage.reply(max_new_len=6) == "".join(pieces)


def the_queue_is_full(stage: Stage) -> None:
    refused(stage, "queue_full", ErrorCode.QUEUE_FULL)


def the_quota_is_used_up(stage: Stage) -> None:
    assert refused(stage, "quota_exceeded", ErrorCode.QUOTA_EXCEEDED, {"retry_after": 12.5})["retry_after"] == 12.5


def the_hub_says_that_it_stops(stage: Stage) -> None:
    refused(stage, "shutting_down", ErrorCode.SHUTTING_DOWN)


def any_error_comes_by_its_name(stage: Stage) -> None:
    for code in ErrorCode:
        if code:
            refused(stage, "error", code, {"code": ERRORS[code].name})
            refused(stage, "error", code, {"code": int(code)})


def refused(
    stage: Stage, name: str, code: ErrorCode, settings: Mapping[str, object] = MappingProxyType({})
) -> dict[str, object]:
    """One answer with that code, and nothing generated; then everything as ever."""
    before = stage.numreq
    stage.fault(name, **settings)
    key = f"{name} {settings}"
    caller = stage.caller().ask(key=key, gettokens=1)
    answer = caller.answer()
    assert (answer["errorcode"], answer["error"]) == (code, ERRORS[code].name)
    assert stage.numreq == before
    piece = caller.ask(key=key, gettokens=1).answer()["reply"]
    assert piece
    assert stage.reply().startswith(piece)
    return answer


# -- client->hub


def a_late_request_is_handled_when_its_time_has_come(stage: Stage) -> None:
    stage.fault("latency", leg=TO_HUB, seconds=5)
    caller = stage.ask()
    stage.advance(4.99)
    assert caller.has_nothing()
    assert stage.numreq == 0
    stage.advance(0.01)
    assert caller.answer()["errorcode"] == 0
    assert stage.numreq == 1


def a_request_is_read_in_drops(stage: Stage) -> None:
    stage.fault("slow_drip", leg=TO_HUB, size_bytes=5, every_s=2)
    caller = stage.ask()
    assert stage.hub._keeper.wait_until(lambda state: all(lane._is_whole for lane in state._arriving), DEADLINE_S)
    drops = -(-len(BODY) // 5)
    stage.advance(2 * (drops - 1) - 0.01)
    assert caller.has_nothing()
    stage.advance(0.01)
    assert caller.answer()["errorcode"] == 0


def the_connection_ends_while_the_request_is_sent(stage: Stage) -> None:
    stage.fault("drop", leg=TO_HUB, after_bytes=10)
    caller = cut_at_ten_bytes(stage)
    assert caller() == b""
    assert stage.numreq == 0
    stage.fault("drop", leg=TO_HUB)
    assert stage.caller().send(head("Content-Length: 1000")).rest() == b""


def the_connection_is_reset_while_the_request_is_sent(stage: Stage) -> None:
    stage.fault("reset", leg=TO_HUB, after_bytes=10)
    caller = cut_at_ten_bytes(stage)
    with pytest.raises(ConnectionResetError):
        caller()
    assert stage.numreq == 0
    stage.fault("reset", leg=TO_HUB)
    with pytest.raises(ConnectionResetError):
        stage.caller().send(head("Content-Length: 1000")).rest()


def cut_at_ten_bytes(stage: Stage) -> Callable[[], bytes]:
    """A request of which nine bytes harm nobody; the call sends the tenth, and reads what there is."""
    caller = stage.caller().send(head("Content-Length: 1000") + BODY[:9])
    stage.hub.until_waiting()
    stage.advance(1)
    assert caller.has_nothing()
    return lambda: caller.send(BODY[9:10]).rest()


def the_request_is_never_read(stage: Stage) -> None:
    stage.fault("half_open", leg=TO_HUB)
    caller = stage.ask()
    stage.advance(LONG_S)
    assert caller.has_nothing()
    assert stage.numreq == 0
    caller.close()
    assert stage.is_left_alone()


def the_hub_gets_a_part_of_the_request(stage: Stage) -> None:
    stage.fault("truncated_body", leg=TO_HUB, after_bytes=10)
    caller = stage.caller()
    assert caller.send(whole({"message": "Hello LLM"})).answer()["errorcode"] == ErrorCode.INVALID_JSON
    assert caller.ask().answer()["errorcode"] == 0


def the_hub_gets_garbage_for_the_request(stage: Stage) -> None:
    stage.fault("garbage_body", leg=TO_HUB)
    caller = stage.caller().ask()
    assert caller.answer()["errorcode"] == ErrorCode.INVALID_JSON
    assert caller.ask().answer()["errorcode"] == 0


SCENARIOS: dict[tuple[str, Leg], Callable[[Stage], None]] = {
    ("latency", TO_CLIENT): a_late_answer_comes_when_its_time_has_come,
    ("slow_drip", TO_CLIENT): an_answer_drips,
    ("drop", TO_CLIENT): the_connection_ends_before_the_answer,
    ("drop_midway", TO_CLIENT): the_connection_ends_in_the_answer,
    ("reset", TO_CLIENT): the_connection_is_reset,
    ("half_open", TO_CLIENT): the_request_is_never_answered,
    ("stall", TO_CLIENT): the_answer_stops_midway,
    ("truncated_body", TO_CLIENT): the_body_is_cut_off_behind_a_right_head,
    ("garbage_body", TO_CLIENT): the_body_is_garbage_behind_a_right_head,
    ("garbage", TO_CLIENT): no_http_comes,
    ("content_length_too_long", TO_CLIENT): more_is_announced_than_comes,
    ("content_length_too_short", TO_CLIENT): less_is_announced_than_comes,
    ("extra_bytes", TO_CLIENT): more_bytes_follow_the_answer,
    ("flood", TO_CLIENT): blanks_follow_the_answer_without_end,
    ("first_token", Leg.GENERATION): the_first_token_is_late,
    ("tokens_per_second", Leg.GENERATION): tokens_come_one_by_one,
    ("queue_full", TO_CLIENT): the_queue_is_full,
    ("quota_exceeded", TO_CLIENT): the_quota_is_used_up,
    ("shutting_down", TO_CLIENT): the_hub_says_that_it_stops,
    ("error", TO_CLIENT): any_error_comes_by_its_name,
    ("latency", TO_HUB): a_late_request_is_handled_when_its_time_has_come,
    ("slow_drip", TO_HUB): a_request_is_read_in_drops,
    ("drop", TO_HUB): the_connection_ends_while_the_request_is_sent,
    ("reset", TO_HUB): the_connection_is_reset_while_the_request_is_sent,
    ("half_open", TO_HUB): the_request_is_never_read,
    ("truncated_body", TO_HUB): the_hub_gets_a_part_of_the_request,
    ("garbage_body", TO_HUB): the_hub_gets_garbage_for_the_request,
}
