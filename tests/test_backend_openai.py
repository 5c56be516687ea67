"""The backend for OpenAI-compatible servers, in front of a small one: what it asks, streams, learns and forgives."""

from __future__ import annotations

import asyncio
import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from openai_server import MODEL, Asked, Cut, OpenAIServer, Plain, chunk, error, event, streamed
from patience import DEADLINE_S

from neuroengine import ConfigurationError, ProviderFailure, Request
from neuroengine._generated.registry import PROVIDER_PAYLOAD_BYTES
from neuroengine.backends import backend
from neuroengine.backends.openai import OpenAI

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

CHAT = "/v1/chat/completions"
KEY = "sk-canary-1234"
DEFAULTS = {"temperature": 1.0, "top_p": 0.9, "top_k": 40, "min_p": 0.0, "max_tokens": 128, "seed": 0}
DEFAULTS |= {"repetition_penalty": 1.2, "repeat_penalty": 1.2}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


def reply(answer: Any, message: str = "Hi", **fields: Any) -> str:
    async def read() -> str:
        return "".join([text async for text in answer(Request({"message": message, **fields}))])

    return asyncio.run(asyncio.wait_for(read(), DEADLINE_S))


def check(answer: Any) -> str:
    return str(asyncio.run(asyncio.wait_for(answer.check(), DEADLINE_S)))


def saying(*parts: bytes) -> Any:
    """An answer that streams these bytes."""
    return lambda _asked: parts


def failure(answer: Any, **fields: Any) -> str:
    with pytest.raises(ProviderFailure) as caught:
        reply(answer, **fields)
    return caught.value.sentence


# -- what is asked


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_the_address_may_end_with_the_version_or_not(server: OpenAIServer, suffix: str) -> None:
    assert reply(OpenAI(server.url + suffix)).startswith("You said: Hi")
    assert server.asked[0].path == CHAT


def test_a_path_that_has_a_version_of_its_own_is_left_alone() -> None:
    assert OpenAI("https://ai.test/v1beta/openai")._server.url == "https://ai.test/v1beta/openai"
    assert OpenAI("https://ai.test/api")._server.url == "https://ai.test/api/v1"


def test_a_prompt_is_one_user_s_message_with_every_field_in_the_server_s_words(server: OpenAIServer) -> None:
    given = {"temperature": 0.5, "top_p": 0.8, "top_k": 7, "min_p": 0.1, "max_new_len": 30, "seed": 77}
    reply(OpenAI(server.url), "Tell me", repetition_penalty=1.5, **given)
    assert server.bodies == [
        {
            "model": MODEL,
            "messages": [{"role": "user", "content": "Tell me"}],
            "stream": True,
            "temperature": 0.5,
            "top_p": 0.8,
            "top_k": 7,
            "min_p": 0.1,
            "repetition_penalty": 1.5,
            "repeat_penalty": 1.5,
            "max_tokens": 30,
            "seed": 77,
        }
    ]


def test_a_raw_prompt_is_completed_as_it_is(server: OpenAIServer) -> None:
    assert reply(OpenAI(server.url), "Tell me", raw="True").startswith("You said: Tell me")
    (asked,) = server.asked
    assert (asked.path, asked.body["prompt"], "messages" in asked.body) == ("/v1/completions", "Tell me", False)
    assert asked.body.items() >= DEFAULTS.items()


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, DEFAULTS),
        ({"temperature": 0}, {"temperature": 0, "top_p": 1}),
        ({"top_p": 0}, {"temperature": 0, "top_p": 1}),
        ({"temperature": 7.5}, {"temperature": 2.0, "top_p": 0.9}),
        ({"top_k": 0}, {"top_k": -1}),
        ({"min_p": 1}, {"min_p": 0.0}),
        ({"seed": -1}, {"seed": 2**31 - 1}),
        ({"seed": 2**32 - 1}, {"seed": 2**31 - 1}),
        ({"seed": 2**63 - 1}, {"seed": 2**31 - 1}),
        ({"seed": 2**31 - 1}, {"seed": 2**31 - 1}),
    ],
)
def test_a_value_that_servers_read_in_another_way_is_sent_as_what_it_means(
    server: OpenAIServer, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    reply(OpenAI(server.url), **given)
    assert server.bodies[0].items() >= sent.items()


def test_a_reply_without_tokens_asks_nobody(server: OpenAIServer) -> None:
    assert reply(OpenAI(server.url), max_new_len=0) == ""
    assert server.asked == []


def test_the_model_is_the_one_named_or_else_the_first_one(server: OpenAIServer) -> None:
    reply(OpenAI(f"{server.url}#meta/llama:8b%20x"))
    reply(OpenAI(server.url))
    assert [body["model"] for body in server.bodies] == ["meta/llama:8b x", MODEL]


def test_the_first_model_is_asked_for_again_when_it_has_gone(server: OpenAIServer) -> None:
    answer = OpenAI(server.url)
    reply(answer)
    server.models = Plain(200, {"data": [{"id": "next-llm"}]})
    server.answer = lambda asked: (
        streamed(CHAT, "x") if asked.body["model"] == "next-llm" else Plain(404, error("The model does not exist"))
    )
    assert "not there" in failure(answer)
    assert reply(answer) == "x"


def test_the_key_travels_in_a_header(monkeypatch: pytest.MonkeyPatch) -> None:
    with OpenAIServer(key=KEY) as server:
        assert reply(OpenAI(server.url, key=f"{KEY}\n")).startswith("You said")
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        assert reply(backend(f"openai:{server.url}")).startswith("You said")
        assert [asked.key for asked in server.asked] == [f"Bearer {KEY}"] * 2
    monkeypatch.delenv("OPENAI_API_KEY")
    with OpenAIServer() as server:
        reply(OpenAI(server.url))
        assert server.asked[0].key is None


def test_a_server_of_an_own_authority_is_trusted_as_hubs_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with OpenAIServer(tls=context) as server:
        assert failure(OpenAI(server.url)) == "The model cannot be reached at the moment."
        assert "CERTIFICATE_VERIFY_FAILED" in caplog.text
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert reply(OpenAI(server.url)).startswith("You said")


# -- streaming


def test_the_first_piece_is_there_before_the_server_has_made_the_rest(server: OpenAIServer) -> None:
    go_on = threading.Event()

    def slowly(asked: Asked) -> Iterator[bytes]:
        yield event(chunk(asked.path, "first"))
        assert go_on.wait(DEADLINE_S)
        yield from streamed(asked.path, " rest")

    server.answer = slowly

    async def read() -> list[str]:
        texts = OpenAI(server.url)(Request({"message": "Hi"}))
        got = [await anext(aiter(texts))]
        go_on.set()
        return got + [text async for text in texts]

    assert asyncio.run(asyncio.wait_for(read(), DEADLINE_S)) == ["first", " rest"]


def test_bytes_of_one_character_may_come_one_by_one(server: OpenAIServer) -> None:
    body = 'data: {"choices": [{"delta": {"content": "é😀"}}]}\r\n\r\n'.encode() + event("[DONE]")
    server.answer = saying(*(body[place : place + 1] for place in range(len(body))))
    assert reply(OpenAI(server.url)) == "é😀"


def test_a_server_that_does_not_stream_answers_whole(server: OpenAIServer) -> None:
    server.answer = lambda _: Plain(200, {"choices": [{"message": {"role": "assistant", "content": "whole"}}]})
    assert reply(OpenAI(server.url)) == "whole"


def test_a_server_may_keep_the_connection_open_behind_the_end(server: OpenAIServer) -> None:
    def lingering(asked: Asked) -> Iterator[bytes]:
        yield event(chunk(asked.path, "a", "stop"))
        assert asked.has_left()

    server.answer = lingering
    assert reply(OpenAI(server.url)) == "a"


def test_the_server_sees_when_an_answer_is_given_up(server: OpenAIServer) -> None:
    left = threading.Event()

    def endless(asked: Asked) -> Iterator[bytes]:
        yield event(chunk(asked.path, "a"))
        if asked.has_left():
            left.set()

    server.answer = endless

    async def give_up() -> None:
        texts: Any = OpenAI(server.url)(Request({"message": "Hi"}))
        assert await anext(texts) == "a"
        await texts.aclose()
        assert await asyncio.to_thread(left.wait, DEADLINE_S)

    asyncio.run(asyncio.wait_for(give_up(), DEADLINE_S))


# -- servers that know fewer fields


def test_a_server_that_refuses_fields_is_asked_again_without_them_and_that_is_remembered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with OpenAIServer(strict=True) as server:
        answer = OpenAI(server.url)
        assert reply(answer).startswith("You said")
        assert server.bodies[-1].keys() == OpenAIServer.FIELDS - {"prompt"}
        tries = len(server.bodies)
        assert tries == 5  # it names one field at a time
        assert reply(answer).startswith("You said")
        assert len(server.bodies) == tries + 1
        assert server.bodies[-1].keys() == OpenAIServer.FIELDS - {"prompt"}
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "min_p, repeat_penalty, repetition_penalty, top_k" in warning.getMessage()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", name]} for name in ("top_k", "min_p")]}),
        (400, error("property 'top_k' is unsupported; property 'min_p' is unsupported")),
        (400, error("json: unknown field top_k, min_p")),
    ],
)
def test_only_the_fields_that_are_named_are_left_out(server: OpenAIServer, status: int, words: Any) -> None:
    def choosy(asked: Asked) -> Plain | Iterable[bytes]:
        return Plain(status, words) if "top_k" in asked.body else streamed(CHAT, "fine")

    server.answer = choosy
    assert reply(OpenAI(server.url)) == "fine"
    assert server.bodies[1].keys() == server.bodies[0].keys() - {"top_k", "min_p"}


def test_a_refusal_that_names_no_field_costs_all_that_openai_does_not_have(server: OpenAIServer) -> None:
    server.answer = lambda asked: (
        Plain(422, error("Extra inputs are not permitted")) if "min_p" in asked.body else streamed(CHAT, "fine")
    )
    assert reply(OpenAI(server.url)) == "fine"
    assert server.bodies[1].keys() == OpenAIServer.FIELDS - {"prompt"}


def test_a_server_may_want_the_other_name_of_the_limit(server: OpenAIServer) -> None:
    said = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    server.answer = lambda asked: (
        Plain(400, error(said, param="max_tokens")) if "max_tokens" in asked.body else streamed(CHAT, "fine")
    )
    answer = OpenAI(server.url)
    assert reply(answer, max_new_len=7) == "fine"
    assert reply(answer, max_new_len=8) == "fine"
    assert [body.get("max_completion_tokens") for body in server.bodies] == [None, 7, 8]


def test_one_client_s_odd_value_costs_no_other_client_the_field(server: OpenAIServer) -> None:
    def narrow(asked: Asked) -> Plain | Iterable[bytes]:
        if asked.body.get("repetition_penalty", 0) > 2:
            return Plain(400, error("repetition_penalty must be in (0, 2], got 5.0."))
        return streamed(CHAT, "fine")

    server.answer = narrow
    answer = OpenAI(server.url)
    assert reply(answer, repetition_penalty=5.0) == "fine"
    assert "repetition_penalty" not in server.bodies[-1]
    assert reply(answer) == "fine"
    assert server.bodies[-1]["repetition_penalty"] == 1.2


def test_a_refusal_that_merely_quotes_the_prompt_teaches_nothing(server: OpenAIServer) -> None:
    server.answer = lambda asked: (
        Plain(400, error(f"no such thing: {asked.prompt}")) if "top_k" in asked.prompt else streamed(CHAT, "fine")
    )
    answer = OpenAI(server.url)
    assert "did not accept" in failure(answer, message="unknown top_k temperature")
    assert reply(answer) == "fine"
    assert server.bodies[-1].keys() == server.bodies[0].keys()


def test_a_limit_that_is_too_high_is_never_left_out(server: OpenAIServer) -> None:
    server.answer = lambda _: Plain(400, error("maximum context length is 10 tokens (parameter=max_tokens, value=99)"))
    assert "too long for the model" in failure(OpenAI(server.url))
    assert len(server.asked) == 1


# -- what goes wrong


@pytest.mark.parametrize(
    ("answered", "told"),
    [
        (Plain(401, error(f"Incorrect API key provided: {KEY}")), "check the key"),
        (Plain(500, b" " * 490 + KEY.encode()), "The model failed."),
        (Plain(500, b"x" * 490 + KEY.encode()), "The model failed."),
        ([event(error(f"Incorrect API key provided: {KEY}"))], "The model failed."),
        (Plain(404, error("model 'tiny-llm' not found")), "check its name"),
        (Plain(429, error("slow down"), {"Retry-After": "7"}), "try again in 7 s"),
        (Plain(429, error("slow down"), {"Retry-After": "9" * 5000}), "try again later"),
        (Plain(429, error("slow down"), {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), "try again later"),
        (Plain(500, b"<html>Traceback http://10.0.0.1"), "The model failed."),
        (Plain(503, error("Loading model")), "not ready"),
        (Plain(307, b"", {"Location": "http://elsewhere.test/"}), "The model failed."),
        (Plain(200, b"<html>"), "broke off"),
        (Plain(200, {"choices": []}), "broke off"),
        (Plain(200, b'{"choices": [{"message": {"content": "x"}}]}', {"Content-Encoding": "gzip"}), "broke off"),
    ],
)
def test_every_wrong_answer_is_one_sentence_for_the_client_and_the_reason_for_the_log(
    server: OpenAIServer, caplog: pytest.LogCaptureFixture, answered: Plain | Iterable[bytes], told: str
) -> None:
    server.answer = lambda _: answered
    sentence = failure(OpenAI(server.url, key=KEY))
    assert told in sentence
    assert not any(word in sentence for word in ("http", KEY, "Traceback", "127.0.0.1", MODEL))
    (record,) = [record for record in caplog.records if record.name == "neuroengine.backends"]
    assert server.url in record.getMessage()
    assert KEY[:5] not in caplog.text


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
@pytest.mark.parametrize("cut", [True, False], ids=["cut", "ended"])
def test_a_server_that_dies_in_the_middle_never_looks_like_a_short_reply(
    server: OpenAIServer, version: str, cut: bool
) -> None:
    def dying(asked: Asked) -> Iterator[bytes]:
        yield event(chunk(asked.path, "half"))
        if cut:
            raise Cut

    server.version = version
    server.answer = dying
    assert failure(OpenAI(server.url)) == "The model broke off its reply."


def test_an_error_inside_the_stream_ends_it(server: OpenAIServer, caplog: pytest.LogCaptureFixture) -> None:
    server.answer = saying(event(chunk(CHAT, "half")), event(error("CUDA out of memory")), event("[DONE]"))
    assert failure(OpenAI(server.url)) == "The model failed."
    assert "CUDA out of memory" in caplog.text


def test_a_server_that_is_not_there_is_said_to_be_unreachable(caplog: pytest.LogCaptureFixture) -> None:
    with OpenAIServer() as server:
        url = server.url
    assert failure(OpenAI(f"{url}#x")) == "The model cannot be reached at the moment."
    assert url in caplog.text


def test_a_server_that_says_nothing_is_given_up_comments_or_not(server: OpenAIServer) -> None:
    def silent(asked: Asked) -> Iterator[bytes]:
        assert asked.has_left()
        return iter(())

    def idling(asked: Asked) -> Iterator[bytes]:
        yield event(chunk(asked.path, "half"))
        while True:
            yield b": still here\n\n"

    for answer in (silent, idling):
        server.answer = answer
        assert failure(OpenAI(server.url, timeout=0.5)) == "The model took too long."


def test_a_server_without_a_model_is_one_error_until_it_has_one(server: OpenAIServer) -> None:
    answer = OpenAI(server.url)
    listed, server.models = server.models, Plain(200, {"data": None})
    assert "not there" in failure(answer)
    server.models = listed
    assert reply(answer).startswith("You said")


def test_an_endless_answer_is_not_read_to_its_end(
    server: OpenAIServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neuroengine.transport.openai.ANSWER_BYTES", 100)
    server.answer = lambda _: Plain(500, b"x" * 10_000_000)
    assert failure(OpenAI(server.url)) == "The model failed."
    assert 100 <= caplog.text.count("x") < 200


@pytest.mark.parametrize("whole", [True, False])
def test_an_endless_reply_is_given_up(server: OpenAIServer, caplog: pytest.LogCaptureFixture, whole: bool) -> None:
    text = "y" * 1_000_000
    message = {"choices": [{"message": {"content": text * 5}}]}
    server.answer = lambda asked: Plain(200, message) if whole else streamed(asked.path, *[text] * 5)
    assert len(text) * 5 > PROVIDER_PAYLOAD_BYTES
    assert failure(OpenAI(server.url)) == "The reply is too long."
    assert "longer than" in caplog.text


# -- the check before a login


def test_a_check_says_which_model_answers_where(server: OpenAIServer) -> None:
    assert check(OpenAI(server.url)) == f"the model {MODEL} at {server.url}/v1"
    assert check(OpenAI(f"{server.url}#{MODEL}")) == f"the model {MODEL} at {server.url}/v1"
    assert check(OpenAI(f"{server.url}#x")) == f"the model x at {server.url}/v1, which lists {MODEL} and not that one"
    server.models = Plain(404, {"detail": "Not Found"})
    assert check(OpenAI(f"{server.url}#x")) == f"the model x at {server.url}/v1"


@pytest.mark.parametrize(
    ("models", "told"),
    [
        (Plain(200, {"data": None}), "has no model"),
        (Plain(200, {"data": []}), "openai:{url}/v1#MODEL"),
        (Plain(404, {"detail": "Not Found"}), "check the address"),
        (Plain(200, b"<html>"), "check the address"),
        (Plain(500, b"broken"), "'broken'"),
        (Plain(401, {}), "asks for an API key; put it into OPENAI_API_KEY"),
    ],
)
def test_a_check_says_what_to_do(server: OpenAIServer, models: Plain, told: str) -> None:
    server.models = models
    with pytest.raises(ConfigurationError) as caught:
        check(OpenAI(server.url))
    assert told.format(url=server.url) in str(caught.value)


def test_a_check_never_shows_the_key() -> None:
    with (
        OpenAIServer(key="another") as server,
        pytest.raises(ConfigurationError, match="refuses the API key") as caught,
    ):
        check(OpenAI(server.url, key=KEY))
    assert KEY not in str(caught.value)


def test_a_check_says_when_the_key_can_be_read_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    async def listed(_: OpenAI) -> list[str]:
        return ["x"]

    monkeypatch.setattr(OpenAI, "_models", listed)
    for url in ("https://ai.test", "http://localhost:1", "http://[::1]:1", "http://127.0.0.1:1"):
        assert "unencrypted" not in check(OpenAI(url, key=KEY))
    assert check(OpenAI("http://ai.test", key=KEY)).endswith("; the API key travels there unencrypted")
    assert "unencrypted" not in check(OpenAI("http://ai.test"))


def test_a_check_of_a_server_that_is_not_there_says_so() -> None:
    with OpenAIServer() as server:
        url = server.url
    with pytest.raises(ConfigurationError, match="no model server answers at") as caught:
        check(OpenAI(url))
    assert "start it, or check the address" in str(caught.value)


@pytest.mark.parametrize(
    "target",
    [
        "localhost:8000",
        "ftp://x",
        "http://",
        "http://x:0",
        "http://x:port",
        "http://x?y",
        "http://x y",
        "http://é",
        "#m",
    ],
)
def test_what_is_no_address_is_refused_with_the_form(target: str) -> None:
    with pytest.raises(ConfigurationError, match="http://host:port"):
        backend(f"openai:{target}")


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        OpenAI("http://me:hunter2@x")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("key", ["two words", "line\nend", "schlüssel"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OpenAI("http://x", key=key)
    assert key not in str(caught.value)
