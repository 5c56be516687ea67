"""The published client surface: its signatures, and that it never raises, never shortens and never hammers."""

from __future__ import annotations

import inspect
import socket
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fake_hub import FakeHub, answered
from patience import DEADLINE_S

from mockserver import MockHub
from neuroengine import Neuroengine, spec
from neuroengine.errors import HUB_ERRORS, ConnectionFailed
from neuroengine.transport import http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECES = ("Once", " upon", " a", " time", "")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NEUROENGINE_URL", "NEUROENGINE_SERVICE", "NEUROENGINE_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    hub = FakeHub()
    made = http.Hub

    def open_fake(url: str, **settings: Any) -> http.Hub:
        return made(url, transport=hub.transport, sleep=hub.waits.append, **settings)

    monkeypatch.setattr(http, "Hub", open_fake)
    return hub


@pytest.fixture(scope="module")
def hub() -> Iterator[MockHub]:
    with MockHub(services={"Neuroengine-Large": "KEY"}) as running:
        yield running


def refused(code: int) -> dict[str, Any]:
    return answered("A sentence of the hub.", code)


def test_the_signatures_are_the_published_ones() -> None:
    assert str(inspect.signature(Neuroengine)) == (
        "(service_name: 'str', server_address: 'str' = 'api.neuroengine.ai', server_port: 'int' = 443, "
        "key: 'str' = '', verify_ssl: 'bool' = True) -> 'None'"
    )
    parameters = inspect.signature(Neuroengine.request).parameters
    assert {name: found.default for name, found in parameters.items() if name not in {"self", "prompt"}} == {
        "temperature": 1.0,
        "top_p": 0.9,
        "min_p": 0.0,
        "top_k": 40,
        "repetition_penalty": 1.2,
        "max_new_len": 128,
        "seed": 0,
        "raw": False,
        "tries": 5,
        "gettokens": 20,
        "streamkey": "",
    }
    assert list(parameters)[1:] == [
        "prompt", "temperature", "top_p", "min_p", "top_k", "repetition_penalty", "max_new_len", "seed", "raw", "tries",
        "gettokens", "streamkey",
    ]  # fmt: skip
    assert list(inspect.signature(Neuroengine.getModels).parameters) == ["self"]


def test_a_call_by_position_puts_each_value_under_its_own_name(fake: FakeHub) -> None:
    values = ("p", 0.5, 0.25, 0.125, 7, 1.5, 9, 11, True, 2, 3, "key1234")
    assert Neuroengine("S").request(*values) == "Hello!"
    assert fake.bodies == [
        {
            "message": "p",
            "temperature": 0.5,
            "top_p": 0.25,
            "min_p": 0.125,
            "top_k": 7,
            "repetition_penalty": 1.5,
            "max_new_len": 9,
            "seed": 11,
            "raw": "True",
            "gettokens": 3,
            "key": "key1234",
        }
    ]


def test_no_prompt_gives_no_text_and_asks_nobody(fake: FakeHub) -> None:
    assert Neuroengine("S").request(None) == ""
    assert not fake.bodies


def test_a_whole_request_holds_no_stream_key(fake: FakeHub) -> None:
    Neuroengine("S").request("p")
    assert not {"key", "gettokens", "seq"} & fake.bodies[0].keys()


def test_the_key_is_the_access_key_and_no_key_is_no_header(fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROENGINE_KEY", "not-this-one")
    Neuroengine("S", key="acc3ss").request("p")
    Neuroengine("S").request("p")
    assert [request.headers.get("authorization") for request in fake.requests] == ["Bearer acc3ss", None]


def test_the_environment_names_another_hub_only_where_the_address_is_the_default(
    fake: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEUROENGINE_URL", "http://127.0.0.1:8000")
    Neuroengine("S").request("p")
    Neuroengine("S", "hub.test").request("p")
    Neuroengine("S", server_port=8443).request("p")
    assert [str(request.url) for request in fake.requests] == [
        "http://127.0.0.1:8000/S",
        "https://hub.test/S",
        "https://api.neuroengine.ai:8443/S",
    ]


@pytest.mark.parametrize("tries", [1, 2, 5, 7])
@pytest.mark.parametrize("streamkey", ["", "key1234"])
@pytest.mark.parametrize("code", [1, 7, 17])
def test_a_retryable_error_is_tried_as_often_as_was_said(fake: FakeHub, code: int, streamkey: str, tries: int) -> None:
    fake.answers[0] = refused(code)
    reply = Neuroengine("S").request("p", tries=tries, streamkey=streamkey)
    assert reply.startswith("Error: ")
    assert "A sentence of the hub." in reply
    assert len(fake.bodies) == tries


def test_the_tries_are_spread_over_seconds(fake: FakeHub) -> None:
    fake.answers[0] = httpx.ConnectError("refused")
    assert Neuroengine("S").request("p").startswith("Error: ")
    assert len(fake.waits) == 4
    assert 5 <= sum(fake.waits) <= 8


@pytest.mark.parametrize(
    "arguments",
    [
        {"prompt": 5},
        {"prompt": "\ud800"},
        {"prompt": "p", "temperature": "hot"},
        {"prompt": "p", "top_k": None},
        {"prompt": "p", "tries": 0},
        {"prompt": "p", "tries": "5"},
        {"prompt": "p", "gettokens": 0, "streamkey": "k"},
        {"prompt": "p", "streamkey": "x" * 300},
        {"prompt": "p", "streamkey": 5},
        {"prompt": "p", "raw": "perhaps"},
    ],
    ids=repr,
)
def test_wrong_arguments_give_a_sentence_and_ask_nobody(fake: FakeHub, arguments: dict[str, Any]) -> None:
    assert Neuroengine("S").request(**arguments).startswith("Error: ")
    assert not fake.bodies


@pytest.mark.parametrize(
    "made",
    [
        ("", {}),
        ("a/b", {}),
        (None, {}),
        ("S", {"server_address": "no host"}),
        ("S", {"server_port": 99999}),
        ("S", {"key": "a\nb"}),
    ],
    ids=repr,
)
def test_a_wrong_construction_gives_a_sentence_at_the_request(made: tuple[Any, dict[str, Any]]) -> None:
    assert Neuroengine(made[0], **made[1]).request("p").startswith("Error: ")


@pytest.mark.parametrize(
    "answer",
    [{}, [], {"reply": None, "errorcode": 0}, httpx.ReadTimeout("x"), httpx.ReadError("x"), refused(4711)],
    ids=repr,
)
def test_whatever_the_hub_does_a_request_never_raises(fake: FakeHub, answer: Any) -> None:
    fake.answers[0] = answer
    for streamkey in ("", "k"):
        assert Neuroengine("S").request("p", streamkey=streamkey).startswith("Error: ")


def serve(
    pieces: tuple[str, ...] = PIECES, *, knows_seq: bool, lost: frozenset[int] = frozenset()
) -> Callable[..., Any]:
    """A hub's stream, whose answers to the polls of these numbers are lost."""
    served = [0]
    polls = [0]

    def answer(body: dict[str, Any]) -> Any:
        polls[0] += 1
        index = body["seq"] if knows_seq and "seq" in body else served[0]
        served[0] = max(served[0], index + 1)
        if polls[0] in lost:
            return httpx.ReadError("reset")
        echo = {"seq": index, "done": not pieces[index]} if knows_seq and "seq" in body else {}
        return answered(pieces[min(index, len(pieces) - 1)], **echo)

    return answer


def pieces_of(api: Neuroengine, prompt: str = "p", key: str = "key1234") -> list[str]:
    got = []
    while piece := api.request(prompt, streamkey=key):
        got.append(piece)
        assert len(got) < 50
    return got


@pytest.mark.parametrize("knows_seq", [True, False])
def test_a_program_that_calls_until_nothing_comes_gets_the_whole_text(fake: FakeHub, knows_seq: bool) -> None:
    fake.answers[0] = serve(knows_seq=knows_seq)
    assert pieces_of(Neuroengine("S")) == list(PIECES[:-1])
    assert [body.get("seq") for body in fake.bodies] == [None, 1, 2, 3, 4]


@pytest.mark.parametrize("poll", range(1, 6))
def test_a_lost_piece_is_asked_for_again_where_the_hub_repeats_it(fake: FakeHub, poll: int) -> None:
    fake.answers[0] = serve(knows_seq=True, lost=frozenset({poll}))
    assert pieces_of(Neuroengine("S")) == list(PIECES[:-1])


@pytest.mark.parametrize("poll", range(1, 6))
def test_a_lost_piece_is_said_and_ends_the_loop_where_the_hub_cannot_repeat_it(fake: FakeHub, poll: int) -> None:
    fake.answers[0] = serve(knows_seq=False, lost=frozenset({poll}))
    got = pieces_of(Neuroengine("S"))
    *text, sentence = got[: max(poll, 1)]
    assert text == list(PIECES[: poll - 1])
    assert sentence.startswith("Error: an answer of the stream was lost")


def test_after_a_final_failure_the_next_call_ends_the_loop_without_asking(fake: FakeHub) -> None:
    fake.answers[0] = lambda _: refused(13) if len(fake.bodies) == 2 else answered("Once")
    api = Neuroengine("S")
    got = [api.request("p", streamkey="k") for _ in range(3)]
    assert got[0] == "Once"
    assert got[1].startswith("Error: the hub answered error 13")
    assert got[2] == ""
    assert len(fake.bodies) == 2


def test_a_stream_that_could_not_begin_can_be_tried_again(fake: FakeHub) -> None:
    fake.answers[0] = refused(7)
    api = Neuroengine("S")
    assert api.request("p", tries=1, streamkey="k").startswith("Error: ")
    fake.answers[0] = serve(knows_seq=True)
    assert pieces_of(api, key="k") == list(PIECES[:-1])


def test_patience_that_ran_out_over_not_ready_loses_nothing(fake: FakeHub) -> None:
    hub = serve(knows_seq=True)
    fake.answers[0] = lambda body: refused(17) if len(fake.bodies) in {2, 3} else hub(body)
    api = Neuroengine("S")
    assert api.request("p", tries=2, streamkey="k") == "Once"
    assert api.request("p", tries=2, streamkey="k").startswith("Error: ")
    assert pieces_of(api, key="k") == list(PIECES[1:-1])


def test_a_call_that_was_broken_off_loses_nothing(fake: FakeHub) -> None:
    hub = serve(knows_seq=True)
    api = Neuroengine("S")
    fake.answers[0] = hub
    assert api.request("p", streamkey="k") == "Once"
    fake.answers[0] = lambda body: (hub(body), KeyboardInterrupt())[1]  # the hub served it, and Ctrl-C came
    with pytest.raises(KeyboardInterrupt):
        api.request("p", streamkey="k")
    fake.answers[0] = hub
    assert pieces_of(api, key="k") == list(PIECES[1:-1])


def test_one_key_for_another_prompt_is_another_stream(fake: FakeHub) -> None:
    fake.answers[0] = answered("x")
    api = Neuroengine("S")
    for prompt in ("p", "p", "q", "q"):
        api.request(prompt, streamkey="k")
    assert [body.get("seq") for body in fake.bodies] == [None, 1, None, 1]


def test_a_program_that_abandons_its_streams_does_not_fill_the_memory(fake: FakeHub) -> None:
    fake.answers[0] = answered("x")
    api = Neuroengine("S")
    for number in range(300):
        api.request("p", streamkey=f"key{number}")
    assert len(api._streams) == 256
    api.request("p", streamkey="key299")
    assert fake.bodies[-1]["seq"] == 1


def test_a_finished_stream_is_forgotten(fake: FakeHub) -> None:
    fake.answers[0] = serve(knows_seq=True)
    api = Neuroengine("S")
    pieces_of(api)
    assert not api._streams


def test_the_model_list_comes_as_the_hub_sent_it(fake: FakeHub) -> None:
    entries = [{"name": "A", "anything": None}]
    fake.answers[0] = entries
    assert Neuroengine("S").getModels() == entries
    assert fake.bodies == [{"command": "getmodels"}]


def test_a_model_list_that_cannot_be_had_is_an_error_and_not_an_empty_list(fake: FakeHub) -> None:
    for answer, kind in ((refused(2), HUB_ERRORS[2]), (httpx.ConnectError("refused"), ConnectionFailed)):
        fake.answers[0] = answer
        with pytest.raises(kind):
            Neuroengine("S").getModels()


def test_the_surface_works_with_a_real_hub_over_tls(hub: MockHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROENGINE_URL", hub.url)
    monkeypatch.setenv("SSL_CERT_FILE", hub.ca_file)
    api = Neuroengine("Neuroengine-Large")
    whole = api.request("Tell me", max_new_len=40)
    assert "".join(pieces_of(api, "Tell me")).startswith(whole)
    assert [model["name"] for model in api.getModels()] == ["Neuroengine-Large"]


def test_a_used_key_gets_the_end_again_and_no_error(hub: MockHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The published example uses one fixed key: a second run with the same prompt finds the stream ended."""
    monkeypatch.setenv("NEUROENGINE_URL", hub.url)
    monkeypatch.setenv("SSL_CERT_FILE", hub.ca_file)
    assert pieces_of(Neuroengine("Neuroengine-Large"), "Again", "fixed")
    assert pieces_of(Neuroengine("Neuroengine-Large"), "Again", "fixed") == []
    assert pieces_of(Neuroengine("Neuroengine-Large"), "Something else", "fixed")


def test_verification_off_is_still_https_and_on_needs_trust(hub: MockHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    port = int(hub.url.rpartition(":")[2])
    trusting = Neuroengine("Neuroengine-Large", "localhost", port, verify_ssl=False)
    assert not trusting.request("p", max_new_len=3).startswith("Error")
    careful = Neuroengine("Neuroengine-Large", "localhost", port)
    assert careful.request("p").startswith("Error: no trusted TLS connection")


def test_a_closed_port_is_a_sentence_with_the_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    api = Neuroengine("S", "127.0.0.1", port)
    assert "Connection refused" in api.request("p", tries=1)


def test_threads_may_share_one_object(fake: FakeHub) -> None:
    fake.answers[0] = answered("x")
    api = Neuroengine("S")
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(api.request("p", streamkey="k"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert got == ["x"] * 8
    assert sorted(body.get("seq", 0) for body in fake.bodies) == list(range(8))


def test_the_polls_of_one_stream_take_turns(fake: FakeHub) -> None:
    api = Neuroengine("S")
    taken: list[bool] = []

    def answer(_: dict[str, Any]) -> dict[str, Any]:
        taken.append(api._streams["k"].turn.locked())
        return answered("x")

    fake.answers[0] = answer
    api.request("p", streamkey="k")
    assert taken == [True]
    assert not api._streams["k"].turn.locked()


def test_every_published_default_is_the_specs() -> None:
    parameters = inspect.signature(Neuroengine.request).parameters
    for name, row in spec.schema("client")["$defs"]["GenerateRequest"]["properties"].items():
        if "default" in row and name != "raw":
            assert parameters[name].default == row["default"]
