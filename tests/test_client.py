"""The client over a hand-made transport: what leaves, what comes back, and what is tried again."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import respx
from fake_hub import URL, FakeHub, answered

from neuroengine import Client, Retry, Sampling, Timeouts, spec
from neuroengine.client import random_key
from neuroengine.errors import (
    HUB_ERRORS,
    ConfigurationError,
    ConnectionFailed,
    InvalidField,
    NeuroengineError,
    ProtocolError,
    StreamGap,
    TimedOut,
)
from neuroengine.transport import http

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "acc3ss-k3y"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NEUROENGINE_URL", "NEUROENGINE_SERVICE", "NEUROENGINE_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_a_request_is_complete_and_in_the_canonical_form() -> None:
    hub = FakeHub()
    with hub.client() as running:
        assert running.generate("Grüße 🙂").text == "Hello!"
    (request,) = hub.requests
    assert (request.method, str(request.url)) == ("POST", f"{URL}/S")
    assert request.headers["content-type"] == "application/json"
    assert "authorization" not in request.headers
    assert request.content.isascii()
    properties = spec.schema("client")["$defs"]["GenerateRequest"]["properties"]
    wanted = {name: row["default"] for name, row in properties.items() if "default" in row and name != "gettokens"}
    assert hub.bodies == [{"message": "Grüße 🙂", **wanted}]


def test_every_sampling_field_travels_under_its_own_name() -> None:
    given: Sampling = {
        "temperature": 0.5,
        "top_p": 0.25,
        "top_k": 7,
        "min_p": 0.125,
        "repetition_penalty": 1.5,
        "max_new_len": 9,
        "seed": -3,
        "raw": True,
    }
    hub = FakeHub()
    hub.client().generate("x", **given)
    assert hub.bodies == [{"message": "x", **given, "raw": "True"}]
    assert set(given) == set(Sampling.__annotations__)


def test_a_whole_float_is_an_integer_on_the_wire() -> None:
    hub = FakeHub()
    hub.client().generate("x", top_k=40.0)  # type: ignore[arg-type]  # what untyped programs do
    assert b'"top_k":40,' in hub.requests[0].content


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("temperature", True),
        ("temperature", "hot"),
        ("temperature", None),
        ("top_p", 1.1),
        ("min_p", -1),
        ("top_k", 1.5),
        ("top_k", -1),
        ("repetition_penalty", 0),
        ("max_new_len", -1),
        ("seed", 2**63),
        ("raw", "maybe"),
        ("raw", 1),
        ("colour", "red"),
    ],
)
def test_a_value_that_is_not_allowed_never_leaves(field: str, value: Any) -> None:
    hub = FakeHub()
    for call in (hub.client().generate, hub.client().stream):
        with pytest.raises(InvalidField, match=field) as caught:
            call("x", **{field: value})
        assert caught.value.field == field
    assert not hub.requests


@pytest.mark.parametrize("prompt", [None, 5, b"x", "\ud800", "a\udfff"], ids=repr)
def test_a_prompt_that_is_no_text_never_leaves(prompt: Any) -> None:
    hub = FakeHub()
    with pytest.raises(InvalidField, match="message"):
        hub.client().generate(prompt)
    assert not hub.requests


@pytest.mark.parametrize("name", ["", "a/b", "../a", "ä", "x" * 65, "-a", "a b", "a\n"], ids=repr)
def test_a_service_that_has_no_possible_name_is_refused(name: str) -> None:
    hub = FakeHub()
    with pytest.raises(InvalidField, match="service"):
        hub.client(name)
    with pytest.raises(InvalidField, match="service"):
        hub.client().generate("x", service=name)
    assert not hub.requests


def test_another_service_can_be_asked_by_the_same_client() -> None:
    hub = FakeHub()
    hub.client().generate("x", service="Other")
    assert hub.requests[0].url.path == "/Other"


def test_members_that_nobody_knows_stay_readable() -> None:
    reply = FakeHub({"reply": "x", "errorcode": 0, "model": {"name": "A"}}).client().generate("x")
    assert reply.members["model"] == {"name": "A"}


def test_the_model_list_comes_as_models() -> None:
    entry = {"name": "A", "connected": True, "numreq": 5.0, "queuelen": 0, "comment": "<b>", "operator": "@o", "new": 1}
    hub = FakeHub([entry])
    (model,) = hub.client().models()
    assert (model.name, model.connected, model.numreq, model.model_extra) == ("A", True, 5, {"new": 1})
    assert hub.bodies == [{"command": "getmodels"}]


def test_a_model_list_with_a_wrong_entry_says_which() -> None:
    with pytest.raises(ProtocolError, match=r"0\.name"):
        FakeHub([{"name": 5}]).client().models()


def test_a_stream_gives_the_pieces_and_knows_the_text_so_far() -> None:
    hub = FakeHub(*(answered(piece) for piece in ("Once", " upon", "")))
    with hub.client().stream("x", gettokens=3, key="mine") as pieces:
        assert next(pieces) == "Once"
        assert pieces.text == "Once"
        assert list(pieces) == [" upon"]
        assert pieces.text == "Once upon"
    assert [(body["key"], body["gettokens"]) for body in hub.bodies] == [("mine", 3)] * 3


def test_a_key_of_the_callers_own_is_never_replaced() -> None:
    hub = FakeHub(httpx.ReadError("reset"), answered("x"))
    with pytest.raises(StreamGap):
        next(hub.client().stream("x", key="mine"))
    assert {body["key"] for body in hub.bodies} == {"mine"}
    again = FakeHub(httpx.ReadError("reset"), answered("x"))
    assert next(again.client().stream("x")) == "x"
    assert len({body["key"] for body in again.bodies}) == 2


def test_leaving_a_stream_stops_polling() -> None:
    hub = FakeHub(answered("x"))
    with hub.client().stream("x") as pieces:
        next(pieces)
    assert list(pieces) == []
    assert len(hub.requests) == 1


def test_each_stream_draws_a_long_random_key() -> None:
    hub = FakeHub(answered(""))
    for _ in range(50):
        list(hub.client().stream("x"))
    keys = {body["key"] for body in hub.bodies}
    assert len(keys) == 50
    assert all(43 <= len(key) <= 256 for key in keys)
    assert random_key() not in keys


def test_a_lost_answer_is_asked_for_again() -> None:
    hub = FakeHub(httpx.ReadError("reset"), httpx.ConnectError("refused"), answered("x"))
    assert hub.client().generate("x").text == "x"
    assert hub.waits == [0.5, 1.0]


@pytest.mark.parametrize("code", sorted(HUB_ERRORS))
def test_a_code_is_retried_where_the_registry_says_so(code: int) -> None:
    hub = FakeHub(answered("An error.", code), answered("x"))
    if HUB_ERRORS[code].retryable:
        assert hub.client().generate("x").text == "x"
    else:
        with pytest.raises(HUB_ERRORS[code]):
            hub.client().generate("x")
    assert len(hub.requests) == 1 + HUB_ERRORS[code].retryable


def test_the_wait_that_the_hub_asks_for_is_kept() -> None:
    hub = FakeHub(answered("An error.", 9, retry_after=33.5), answered("x"))
    hub.client().generate("x")
    assert hub.waits == [33.5]


def test_a_wait_beyond_all_measure_is_the_callers_to_decide() -> None:
    hub = FakeHub(answered("An error.", 9, retry_after=4000))
    with pytest.raises(HUB_ERRORS[9]) as caught:
        hub.client().generate("x")
    assert caught.value.retry_after == 4000
    assert len(hub.requests) == 1


def test_the_tries_are_as_many_as_was_said() -> None:
    hub = FakeHub(httpx.ReadError("reset"))
    with pytest.raises(ConnectionFailed):
        hub.client(retry=Retry(tries=4)).generate("x")
    assert len(hub.requests) == 4
    assert hub.waits == [0.5, 1.0, 2.0]


def test_an_answer_that_trickles_for_ever_ends_with_the_calls_time() -> None:
    now = [0.0]

    def blanks() -> Iterator[bytes]:
        while True:
            now[0] += 10
            yield b" "

    hub = FakeHub(httpx.Response(200, content=blanks()))
    with pytest.raises(TimedOut, match="600 s"):
        hub.client(clock=lambda: now[0]).generate("x")
    assert now[0] <= 620


def test_white_space_before_an_answer_keeps_it_waiting_as_long_as_it_comes() -> None:
    now = [0.0]

    def warm() -> Iterator[bytes]:
        for _ in range(30):
            now[0] += 10
            yield b" "
        yield b'{"reply": "slow", "errorcode": 0}'

    hub = FakeHub(httpx.Response(200, content=warm()))
    assert hub.client(clock=lambda: now[0]).generate("x").text == "slow"


def test_an_answer_without_measure_is_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_ANSWER_BYTES", 1000)
    hub = FakeHub(httpx.Response(200, content=iter([b" " * 600, b" " * 600])))
    with pytest.raises(ConnectionFailed, match="more than 1000 bytes"):
        hub.client().generate("x")
    assert len(hub.requests) == 1


def test_no_time_limit_of_one_exchange_is_longer_than_the_rest_of_the_call() -> None:
    hub = FakeHub()
    hub.client(timeouts=Timeouts(connect_s=7, answer_s=9, total_s=8)).generate("x")
    assert hub.requests[0].extensions["timeout"] == {"connect": 7, "read": 8, "write": 8, "pool": 8}


def test_the_access_key_travels_in_its_header_and_nowhere_else() -> None:
    hub = FakeHub()
    hub.client(access_key=KEY).generate("x")
    (request,) = hub.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in str(request.url)
    assert KEY.encode() not in request.content


@pytest.mark.parametrize("key", ["a\nb", "a\r\nX: y", "a b", "schlüssel", "\x00"], ids=repr)
def test_an_access_key_that_no_header_can_carry_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Client("S", access_key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("status", [200, 500])
def test_a_hub_that_echoes_the_access_key_does_not_bring_it_into_an_error(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        header = request.headers["authorization"]
        if status == 200:
            return httpx.Response(200, json=answered("An error.", 1, field=header, headers=[header]))
        return httpx.Response(500, text=f"<p>{header}")

    hub = FakeHub()
    with caplog.at_level(logging.DEBUG, "neuroengine"), pytest.raises(NeuroengineError) as caught:
        Client("S", url=URL, access_key=KEY, transport=httpx.MockTransport(echo), sleep=lambda _: None).generate("x")
    assert KEY not in f"{caught.value} {caught.value!r} {vars(caught.value)} {caplog.text}"
    assert "next try" in caplog.text
    assert not hub.requests


def test_the_environment_says_where_and_whom_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROENGINE_URL", "http://elsewhere.test:8080/base/")
    monkeypatch.setenv("NEUROENGINE_SERVICE", "Mine")
    monkeypatch.setenv("NEUROENGINE_KEY", KEY)
    hub = FakeHub()
    hub.client(None, url=None).generate("x")
    assert str(hub.requests[0].url) == "http://elsewhere.test:8080/base/Mine"
    assert hub.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_without_any_word_the_published_hub_is_asked_over_https() -> None:
    hub = FakeHub()
    hub.client(None, url=None).generate("x")
    assert str(hub.requests[0].url) == "https://api.neuroengine.ai/Neuroengine-Large"


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8443", "ftp://x", "https://", "https://x:99999", "https://x:0", "https://[x", "http://a b", "http://ä",
     "https://x?y", "https://x#y", "//x", "https://x\n"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ConfigurationError, match="URL"):
        Client("S", url=url)


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Client("S", url=f"https://me:{KEY}@hub.test:99999")
    assert KEY not in str(caught.value)


def test_the_callers_own_httpx_client_is_used_and_left_open() -> None:
    hub = FakeHub()
    with httpx.Client(transport=httpx.MockTransport(hub)) as own:
        with Client("S", url=URL, http_client=own) as running:
            running.generate("x")
        assert not own.is_closed
    assert len(hub.requests) == 1


def test_a_closed_client_says_so() -> None:
    client = FakeHub().client()
    client.close()
    for call in (lambda: client.generate("x"), client.models, lambda: next(client.stream("x"))):
        with pytest.raises(ConfigurationError, match="this client is closed"):
            call()


@respx.mock
def test_an_application_can_be_tested_with_respx() -> None:
    route = respx.post("https://api.neuroengine.ai/S").respond(json=answered("mocked"))
    with Client("S") as running:
        assert running.generate("x").text == "mocked"
    assert route.called


def test_every_argument_of_a_client_is_explained() -> None:
    documented = set(inspect.signature(Client).parameters)
    text = str(Client.__doc__)
    assert all(name in text for name in documented)
