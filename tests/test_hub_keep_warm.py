"""What a client sees of a hub while it waits: blanks, and what becomes of the request when it leaves."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING, Any

import pytest
from patience import DEADLINE_S
from record_provider import RecordProvider

from mockserver import MockHub

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE, KEY = "MYGPT", "DEMOKEY"


class Stage:
    """A hub that keeps clients warm every 50 ms, its provider, and clients that are closed in the end."""

    def __init__(self, stack: ExitStack, *, matching_statuses: bool = False, **limits: float) -> None:
        self._stack = stack
        limits = {"keep_warm_s": 0.05, "ping_s": 1000, **limits}
        self.hub = stack.enter_context(
            MockHub({SERVICE: KEY}, tls=False, limits=limits, matching_statuses=matching_statuses)
        )
        self.provider = stack.enter_context(RecordProvider(self.hub.provider, self.hub.ca_file).login(SERVICE, KEY))

    def send(self, **fields: object) -> HTTPConnection:
        connection = HTTPConnection(self.hub.url.removeprefix("http://"), timeout=DEADLINE_S)
        self._stack.enter_context(closing(connection))
        connection.request("POST", f"/{SERVICE}", json.dumps({"message": "hi", **fields}))
        return connection

    def queued(self) -> int:
        rows = json.loads(self.send(command="getmodels").getresponse().read())
        return int(rows[0]["queuelen"])


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def ending(response: HTTPResponse) -> dict[str, Any]:
    """The answer behind the blanks, of which a response is not short."""
    assert response.status == 200
    assert response.getheader("content-length") is None
    assert response.getheader("content-type") == "application/json"
    assert response.read(3) == b"   "
    return ahead(response)


def ahead(response: HTTPResponse) -> dict[str, Any]:
    rest = response.read()
    answer: dict[str, Any] = json.loads(rest)
    assert rest.lstrip(b" ") == json.dumps(answer).encode()
    return answer


def test_a_client_that_waits_for_long_is_kept_warm_with_blanks_before_its_answer(stack: ExitStack) -> None:
    stage = Stage(stack)
    waiting = stage.send()
    stage.provider.frame()
    response = waiting.getresponse()
    assert response.read(3) == b"   "
    stage.provider.answer("at last")
    assert ahead(response) == {"reply": "at last", "errorcode": 0}
    assert (response.status, response.getheader("content-length")) == (200, None)


def test_an_error_behind_blanks_has_status_200_whatever_the_operator_wants(stack: ExitStack) -> None:
    stage = Stage(stack, matching_statuses=True)
    waiting = stage.send()
    stage.provider.frame()
    response = waiting.getresponse()
    assert response.read(1) == b" "
    stage.provider.close()
    assert (ahead(response)["errorcode"], response.status) == (13, 200)


def test_a_request_that_times_out_was_kept_warm_until_then(stack: ExitStack) -> None:
    stage = Stage(stack, provider_answer_s=0.4)
    assert ending(stage.send().getresponse())["errorcode"] == 12


def test_a_held_poll_is_kept_warm_too_and_ends_with_17(stack: ExitStack) -> None:
    stage = Stage(stack, long_poll_s=0.4)
    assert ending(stage.send(key="k").getresponse())["errorcode"] == 17
    again = stage.send(key="k")
    stage.provider.frame()
    stage.provider.answer("whole")
    assert ahead(again.getresponse())["reply"] == "whole"


def test_an_answer_in_time_has_a_length_and_no_blank(stack: ExitStack) -> None:
    stage = Stage(stack, keep_warm_s=1000)
    waiting = stage.send()
    stage.provider.frame()
    stage.provider.answer("soon")
    response = waiting.getresponse()
    body = response.read()
    assert body == b'{"reply": "soon", "errorcode": 0}'
    assert response.getheader("content-length") == str(len(body))


def test_a_connection_goes_on_behind_blanks(stack: ExitStack) -> None:
    stage = Stage(stack)
    waiting = stage.send()
    for number in range(3):
        stage.provider.frame()
        response = waiting.getresponse()
        assert response.read(1) == b" "
        stage.provider.answer(str(number))
        assert ahead(response)["reply"] == str(number)
        waiting.request("POST", f"/{SERVICE}/", b'{"message": "again"}')


@pytest.mark.parametrize("warm", [False, True])
def test_a_client_that_leaves_the_queue_is_never_asked_for(stack: ExitStack, *, warm: bool) -> None:
    stage = Stage(stack, keep_warm_s=0.05 if warm else 1000)
    first = stage.send(message="first")
    assert stage.provider.frame()["message"] == "first"
    gone = stage.send(message="gone")
    while stage.queued() < 1:
        pass
    if warm:
        assert gone.getresponse().read(1) == b" "
    gone.close()
    while stage.queued() > 0:
        pass
    last = stage.send(message="last")
    stage.provider.answer("to the first")
    assert stage.provider.frame()["message"] == "last"
    stage.provider.answer("to the last")
    assert ahead(first.getresponse())["reply"] == "to the first"
    assert ahead(last.getresponse())["reply"] == "to the last"


def test_the_answer_to_a_client_that_left_in_the_middle_reaches_nobody(stack: ExitStack) -> None:
    stage = Stage(stack)
    gone = stage.send(message="gone")
    stage.provider.frame()
    assert gone.getresponse().read(1) == b" "
    gone.close()
    last = stage.send(message="last")
    while stage.queued() < 1:
        pass
    stage.provider.answer("to nobody")
    assert stage.provider.frame()["message"] == "last"
    stage.provider.answer("to the last")
    assert ahead(last.getresponse())["reply"] == "to the last"
