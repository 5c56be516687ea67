"""A conversation as a generator: what it asks its driver for, step by step, and what it makes of what came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from neuroengine.errors import ConnectionFailed, ProtocolError, UnauthorizedError
from neuroengine.protocol.answers import Received, Reply
from neuroengine.protocol.flow import Flow, Send, Wait, model_list, whole_reply
from neuroengine.protocol.retry import Budget, Retry


def budget(tries: int = 3) -> Budget:
    return Budget(Retry(tries=tries), 60.0, clock=lambda: 0.0, chance=lambda: 0.0)


def asking(tries: int = 3) -> Flow[Reply]:
    return whole_reply("/S", b"{}", budget(tries))


def received(content: Any) -> Received:
    return Received(200, json.dumps(content).encode())


def test_a_whole_reply_is_one_exchange() -> None:
    flow = asking()
    assert next(flow) == Send("/S", b"{}", 60.0)
    with pytest.raises(StopIteration) as end:
        flow.send(received({"reply": "Hello!", "errorcode": 0}))
    assert end.value.value.text == "Hello!"


def test_a_failure_is_followed_by_a_wait_that_names_it_and_by_the_same_request() -> None:
    lost = ConnectionFailed("lost", request_sent=True)
    flow = asking()
    first = next(flow)
    assert flow.send(lost) == Wait(0.5, lost)
    assert next(flow) == first
    pause = flow.send(Received(200, b"nonsense"))
    assert isinstance(pause, Wait)
    assert (pause.seconds, type(pause.reason)) == (1.0, ProtocolError)


def test_the_last_failure_is_the_one_that_is_raised() -> None:
    first, last = (ConnectionFailed(word, request_sent=True) for word in ("first", "last"))
    flow = asking(tries=2)
    next(flow)
    flow.send(first)
    next(flow)
    with pytest.raises(ConnectionFailed) as caught:
        flow.send(last)
    assert caught.value is last


def test_an_error_that_nothing_mends_is_raised_at_once() -> None:
    flow = asking()
    next(flow)
    with pytest.raises(UnauthorizedError):
        flow.send(received({"reply": "No.", "errorcode": 10}))


def test_a_model_list_is_asked_for_in_the_same_way() -> None:
    flow = model_list("/", b"{}", budget())
    assert next(flow) == Send("/", b"{}", 60.0)
    assert isinstance(flow.send(received({"reply": "no list", "errorcode": 0})), Wait)
    next(flow)
    with pytest.raises(StopIteration) as end:
        flow.send(received([{"name": "S"}]))
    assert end.value.value == [{"name": "S"}]


def test_a_driver_that_answers_a_request_with_nothing_is_told_so() -> None:
    flow = asking()
    next(flow)
    with pytest.raises(RuntimeError, match="what came of it"):
        flow.send(None)
