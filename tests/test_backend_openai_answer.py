"""The answers of OpenAI-compatible servers, read without a socket: any cut, any dialect, and never a guess."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_server import chunk, error, event, streamed

from neuroengine.backends.openai_answer import (
    BrokenOff,
    Refusal,
    ReplyReader,
    model_names,
    whole_reply,
)

CHAT = "/v1/chat/completions"
RAW = "/v1/completions"


def read(*parts: bytes) -> str:
    """The text of a whole body that came in these parts."""
    reader = ReplyReader()
    return "".join(text for part in (*parts, b"") for text in reader.feed(part))


@pytest.mark.parametrize("path", [CHAT, RAW])
@given(texts=st.lists(st.text()), cuts=st.lists(st.integers(0, 2000)), end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_the_text_comes_out_whole_however_the_body_is_cut(
    path: str, texts: list[str], cuts: list[int], end: bytes
) -> None:
    body = b"".join(streamed(path, *texts)).replace(b"\n", end)
    places = sorted({cut % (len(body) + 1) for cut in cuts})
    parts = [body[start:stop] for start, stop in zip([0, *places], [*places, len(body)], strict=True) if start < stop]
    assert read(*parts) == "".join(texts)


def test_raw_utf8_is_never_cut_inside_a_character() -> None:
    body = event(json.dumps(chunk(CHAT, "é😀\u2028x\x85"), ensure_ascii=False)) + event("[DONE]")
    assert read(*(body[place : place + 1] for place in range(len(body)))) == "é😀\u2028x\x85"


@pytest.mark.parametrize(
    "noise",
    [
        b": OPENROUTER PROCESSING\n\n",
        b"\n\n\r\n",
        b"event: message\nid: 7\nretry: 10\n",
        b"data\n",
        b"data:\n",
        b"nonsense\n",
        b'data: {"choices": []}\n\n',
        b'data: {"choices": [{"index": 0, "delta": {"reasoning_content": "Hm."}}]}\n\n',
        b'data: {"choices": [{"index": 0, "delta": {"content": null}}]}\n\n',
        b'data: {"choices": [{"index": 0, "delta": null, "finish_reason": ""}]}\n\n',
    ],
)
def test_what_is_no_text_is_skipped(noise: bytes) -> None:
    body = noise + event(chunk(CHAT, "a")) + noise + event(chunk(CHAT, "b")) + noise + event("[DONE]") + noise
    assert read(body) == "ab"
    assert read(b"\xef\xbb\xbf" + body) == "ab"


def test_an_event_needs_no_blank_and_no_line_end_at_the_end() -> None:
    compact = b"data:" + json.dumps(chunk(CHAT, "a")).encode()
    assert read(compact + b"\n" + compact + b"\ndata:[DONE]") == "aa"


@pytest.mark.parametrize(
    "ending", [event("[DONE]"), event(chunk(CHAT, None, "length")), event(chunk(CHAT, "", "stop"))]
)
def test_either_sign_of_the_end_is_enough_and_nothing_behind_it_counts(ending: bytes) -> None:
    reader = ReplyReader()
    assert reader.feed(event(chunk(CHAT, "a")))[0] == "a"
    assert not reader.is_whole
    reader.feed(ending)
    assert reader.is_whole
    assert "".join(reader.feed(event(chunk(CHAT, "late")))) == ""


def test_the_text_of_the_last_event_counts() -> None:
    assert read(event(chunk(CHAT, "a", "stop"))) == "a"


def test_parts_of_a_content_that_are_text_count() -> None:
    parts = [{"type": "thinking", "thinking": "x"}, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    delta = {"choices": [{"delta": {"content": parts}, "finish_reason": "stop"}]}
    assert read(event(delta)) == "ab"


@pytest.mark.parametrize("begun", [b"", event(chunk(CHAT, "a")), event(chunk(CHAT, "a")) + b'data: {"choi'])
def test_a_stream_that_ends_before_the_reply_broke_off(begun: bytes) -> None:
    with pytest.raises(BrokenOff):
        read(begun)


@pytest.mark.parametrize("nonsense", [b"data: [1]\n", b"data: {\n", b"data: NEXT\n", b'data: {"choices": [7]}\n'])
def test_an_event_that_is_none_of_a_reply_broke_off(nonsense: bytes) -> None:
    with pytest.raises(BrokenOff):
        ReplyReader().feed(nonsense)


def test_a_line_without_an_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuroengine.backends.openai_answer.EVENT_BYTES", 100)
    reader = ReplyReader()
    reader.feed(b"data: " + b"x" * 90)
    with pytest.raises(BrokenOff, match="longer than 100"):
        reader.feed(b"x" * 10)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (event(error("CUDA out of memory")), 500),
        (event(error("too much", code=429)), 429),
        (event(error("too much", code="context_length_exceeded")), 500),
        (event({"error": "it broke"}), 500),
        (event({"object": "error", "message": "it broke", "code": 400}), 400),
        (b'error: {"code": 503, "message": "Loading model"}\n\n', 503),
        (json.dumps(error("it broke", code=500)).encode() + b"\n", 500),
        (event({"choices": [{"delta": {"content": ""}, "finish_reason": "error"}]}), 500),
    ],
)
def test_an_error_inside_a_stream_is_a_refusal(line: bytes, status: int) -> None:
    reader = ReplyReader()
    assert reader.feed(event(chunk(CHAT, "a"))) == ["a"]
    with pytest.raises(Refusal) as caught:
        reader.feed(line)
    assert caught.value.status == status


def test_a_reply_may_come_whole() -> None:
    assert whole_reply(b'{"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}') == "a"
    assert whole_reply(b'{"choices": [{"text": "a", "finish_reason": "stop"}]}') == "a"
    with pytest.raises(Refusal):
        whole_reply(json.dumps(error("no")).encode())
    for nonsense in (b"", b"<html>", b"[]", b"{}", b'{"choices": []}', b"[" * 100_000):
        with pytest.raises(BrokenOff):
            whole_reply(nonsense)


def test_a_list_of_models_is_read() -> None:
    assert model_names(b'{"data": [{"id": "a"}, {"id": "b", "owned_by": "x"}]}') == ["a", "b"]
    assert model_names(b'{"object": "list", "data": null}') == []
    for nonsense in (b"<html>", b"[]", b'{"data": {}}', b'{"data": [{}]}', b'{"data": [{"id": 7}]}'):
        with pytest.raises(BrokenOff):
            model_names(nonsense)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (400, error("This model's maximum context length is 4096 tokens"), "too long"),
        (400, error("the request exceeds the available context size"), "too long"),
        (413, {}, "too long"),
        (400, error("messages: field required"), "did not accept"),
        (422, {"detail": "x"}, "did not accept"),
        (401, error("Incorrect API key provided: sk-1234"), "check the key"),
        (403, {}, "check the key"),
        (404, error("The model `x` does not exist."), "check its name"),
        (408, {}, "too long"),
        (429, error("Rate limit reached"), "busy; try again later"),
        (500, error("Traceback: http://10.0.0.1/secret"), "The model failed."),
        (503, error("Loading model"), "not ready"),
        (504, {}, "took too long"),
        (302, {}, "The model failed."),
    ],
)
def test_a_client_is_told_what_helps_and_none_of_the_server_s_words(status: int, body: object, told: str) -> None:
    sentence = Refusal(status, json.dumps(body)).sentence(raw=False)
    assert told in sentence
    assert sentence.endswith(".")
    for word in ("sk-1234", "http", "Traceback", "4096", "`x`"):
        assert word not in sentence


def test_a_busy_server_s_pause_is_passed_on() -> None:
    assert Refusal(429, "", retry_after=7).sentence(raw=False) == "The model is busy; try again in 7 s."


def test_a_server_without_raw_prompts_is_known_by_what_is_missing() -> None:
    missing = Refusal(404, '{"detail": "Not Found"}')
    assert "raw" in missing.sentence(raw=True)
    assert "raw" not in missing.sentence(raw=False)
    assert "raw" not in Refusal(404, "model 'x' not found").sentence(raw=True)
