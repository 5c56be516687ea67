"""What the hub sends is cut into frames; what the provider sends is well formed."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
from framing_script import SCRIPTS, SPACES, Script, single_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroengine._generated.registry import PROVIDER_PAYLOAD_BYTES
from neuroengine.protocol import frames
from neuroengine.protocol.frames import (
    FRAME_BYTES,
    FrameReader,
    NotAnAnswer,
    UnreadableFrame,
    error_payload,
    payload_of,
    payload_of_text,
    read_object,
    write_answer,
    write_login,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

CASES = int(os.environ.get("NE_EXAMPLES", "2000"))
"""How many cases of the framing hypothesis tries; the variable asks for more."""

TRICKY_TEXT = st.text(alphabet='{}[]"\\,: \n\x00\u2028é中😀a', max_size=20)
JSON_VALUES: st.SearchStrategy[Any] = (
    st.sampled_from([None, True, 40, -0.5, [], {}, [{"}": ["{", {}]}], {"a": {"b": [[]]}}])
    | TRICKY_TEXT
    | st.integers()
)


ANYTHING = (b"{", b"}", b'"', b"\\", b"a", b" ", b"\n", b"[", b"\x00", b"\xff", b'{"a":1}', b'{"}":"{"} ', b"\\u00e9")


def fed(chunks: Iterable[bytes]) -> tuple[list[bytes], str | None]:
    reader = FrameReader()
    found = [frame for chunk in chunks for frame in reader.feed(chunk)]
    return found, reader.fault


@settings(max_examples=CASES)
@given(SCRIPTS)
def test_any_run_of_frames_is_found_in_any_cut(script: bytes) -> None:
    reading = Script(script)
    objects = [reading.object() for _ in range(reading.number(5))]
    whole = reading.one_of(SPACES)
    for value in objects:
        text = json.dumps(value, ensure_ascii=reading.number(2) == 1, indent=reading.one_of((None, 1)))
        whole += text.encode() + reading.one_of(SPACES)
    chunks = reading.cut(whole)
    found, fault = fed(chunks)
    assert fault is None
    assert [json.loads(frame) for frame in found] == objects
    assert fed([whole]) == fed(single_bytes(whole)) == (found, None)


@settings(max_examples=CASES)
@given(SCRIPTS)
def test_any_bytes_mean_the_same_in_any_cut(script: bytes) -> None:
    reading = Script(script)
    whole = b"".join(reading.one_of(ANYTHING) for _ in range(reading.number(24)))
    assert fed([whole]) == fed(reading.cut(whole)) == fed(single_bytes(whole))


@pytest.mark.parametrize("chunk_bytes", [1, 1000, 4095, 4096, 16384, 1 << 20])
@pytest.mark.parametrize("padding", [b"", b" "])
def test_frames_of_every_size_that_ends_a_buffer_are_read(chunk_bytes: int, padding: bytes) -> None:
    """Deployed providers lose frames of a multiple of 4,096 bytes, and all that come with another one."""
    sizes = [multiple * 4096 + off for multiple in (1, 2, 3, 4, 8, 12) for off in (-1, 0, 1)]
    frames_sent = [b'{"message":"' + b"a" * (size - 14 - len(padding)) + b'"}' for size in sizes]
    whole = b"".join(frame + padding for frame in frames_sent)
    assert fed(whole[start : start + chunk_bytes] for start in range(0, len(whole), chunk_bytes)) == (frames_sent, None)


def test_a_character_may_be_cut_at_any_of_its_bytes() -> None:
    text = 'é}中{😀\u2028"\\'
    frame = json.dumps({"message": text}, ensure_ascii=False).encode()
    for first in range(len(frame) + 1):
        for second in range(first, len(frame) + 1):
            (found,), fault = fed([frame[:first], frame[first:second], frame[second:]])
            assert read_object(found) == {"message": text}
            assert fault is None


def test_a_frame_is_open_from_its_first_brace_to_its_last() -> None:
    reader = FrameReader()
    assert reader.feed(b' \n{"a"') == []
    assert reader.inside_frame
    assert reader.feed(b":{}} ") == [b'{"a":{}}']
    assert not reader.inside_frame


@pytest.mark.parametrize("garbage", [b"x", b"[1]", b'"a"', b"1", b"}", b"\x00", b"\xef\xbb\xbf{}", b"OK"])
def test_what_is_no_object_is_a_fault_and_ends_the_reading(garbage: bytes) -> None:
    reader = FrameReader()
    assert reader.feed(b'{"ping":1} ' + garbage) == [b'{"ping":1}']
    assert reader.fault is not None
    assert f"0x{garbage[0]:02X}" in reader.fault
    assert reader.feed(b'{"ping":1}') == []


@pytest.mark.parametrize("chunk_bytes", [FRAME_BYTES + 100, 65536])
def test_the_longest_frame_is_read_and_one_byte_more_is_a_fault(chunk_bytes: int) -> None:
    def chunks(length: int) -> list[bytes]:
        whole = b'{"message":"' + b"a" * (length - 14) + b'"}'
        return [whole[start : start + chunk_bytes] for start in range(0, length, chunk_bytes)]

    found, fault = fed(chunks(FRAME_BYTES))
    assert [len(frame) for frame in found] == [FRAME_BYTES]
    assert fault is None
    found, fault = fed(chunks(FRAME_BYTES + 1))
    assert found == []
    assert fault is not None
    assert f"{FRAME_BYTES:,}" in fault


def test_an_object_that_never_ends_is_given_up_at_the_bound() -> None:
    reader = FrameReader()
    sent = 0
    while reader.fault is None:
        reader.feed(b'{"a":"' if not sent else b"a" * 65536)
        sent += 6 if not sent else 65536
    assert sent <= FRAME_BYTES + 65536


@pytest.mark.parametrize(
    "content",
    [b"a" * 100_000, rb"\u4e2d" * 16_000, rb"\"" * 50_000, rb"\\" * 50_000, "中".encode() * 33_000, b"{}" * 50_000],
    ids=["plain", "escapes", "quotes", "backslashes", "utf-8", "braces"],
)
@pytest.mark.parametrize("chunk_bytes", [1, 7, 4096, 1 << 20])
def test_no_byte_is_scanned_twice(monkeypatch: pytest.MonkeyPatch, content: bytes, chunk_bytes: int) -> None:
    scanned = 0

    def counted(pattern: re.Pattern[bytes], data: bytes, position: int) -> int:
        nonlocal scanned
        end = match_end(pattern, data, position)
        scanned += end - position
        return end

    match_end = frames._match_end
    monkeypatch.setattr(frames, "_match_end", counted)
    whole = b'{"message":"' + content + b'"}'
    found, fault = fed(whole[start : start + chunk_bytes] for start in range(0, len(whole), chunk_bytes))
    assert (found, fault) == ([whole], None)
    assert scanned <= len(whole)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "UTF-8"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "twice"),
        (b"{oops}", "Expecting property name"),
        (b'{"a": 1,}', "Expecting property name"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deep"),
        (b'{"a": ' + b"1" * 5000 + b"}", "digits"),
        (b"[]", "no JSON object"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_frame_that_is_no_strict_json_object_is_unreadable(frame: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFrame, match=re.escape(reason)):
        read_object(frame)


def test_an_object_keeps_every_value() -> None:
    assert read_object(b'{"top_k": 40.00, "raw": "True", "\\u0000": "\\ud83d\\ude00", "x": [null, 1e2]}') == {
        "top_k": 40.0,
        "raw": "True",
        "\0": "😀",
        "x": [None, 100.0],
    }


def test_a_login_is_one_object_in_ascii_without_a_delimiter() -> None:
    assert json.loads(write_login("MYGPT", "DEMOKEY")) == {"user": "MYGPT", "key": "DEMOKEY"}
    assert json.loads(write_login("M", "é😀", streaming=True)) == {"user": "M", "key": "é😀", "streaming": True}
    assert write_login("M", "é").isascii()
    assert write_login("M", "K")[-1:] == b"}"


@settings(max_examples=CASES // 10)
@given(st.text(st.characters(codec=None)), st.dictionaries(st.text(), JSON_VALUES, max_size=3))
def test_every_reply_makes_an_answer_that_a_strict_hub_reads(reply: str, extra: dict[str, Any]) -> None:
    extra.pop("errorcode", None)
    sent = write_answer(payload_of({**extra, "reply": reply}))
    assert re.fullmatch(rb"[0-9A-F]{8}", sent[:8])
    assert int(sent[:8], 16) == len(sent) - 8
    read = json.loads(sent[8:].decode("ascii"))
    assert read["reply"] == reply.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    read["reply"].encode()  # holds no lone surrogate


def test_lone_surrogates_become_the_replacement_character_and_pairs_become_characters() -> None:
    assert json.loads(payload_of({"reply": "a\ud800b \ud83d\ude00 \udfff"}))["reply"] == "a\ufffdb 😀 \ufffd"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({}, "`reply` is no string"),
        ({"reply": None}, "`reply` is no string"),
        ({"reply": 42}, "`reply` is no string"),
        ({"reply": "a", "errorcode": "0"}, "`errorcode` is no integer"),
        ({"reply": "a", "errorcode": True}, "`errorcode` is no integer"),
        ({"reply": "a", "errorcode": None}, "`errorcode` is no integer"),
        ({"reply": "a", "errorcode": 1.5}, "`errorcode` is no integer"),
        ({"reply": "a", "x": {1, 2}}, "cannot be written as JSON"),
        ({"reply": "a", "x": float("nan")}, "cannot be written as JSON"),
        ({"reply": "a" * PROVIDER_PAYLOAD_BYTES}, f"{PROVIDER_PAYLOAD_BYTES:,} at most"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_a_hub_would_not_hand_on_is_no_answer(answer: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotAnAnswer, match=re.escape(reason)):
        payload_of(answer)


def test_the_largest_payload_is_sent() -> None:
    assert len(payload_of({"reply": "a" * (PROVIDER_PAYLOAD_BYTES - 13)})) == PROVIDER_PAYLOAD_BYTES


def test_json_text_is_sent_with_its_values_spelt_as_they_are() -> None:
    text = '{"reply": "é\\u00e9 😀", "errorcode": 40.0, "n": 1.0000000000000000001e0}'
    payload = payload_of_text(text)
    assert json.loads(payload) == json.loads(text)
    assert b"1.0000000000000000001e0" in payload
    assert payload.isascii()


@pytest.mark.parametrize(
    "text",
    [None, 42, b'{"reply": "a"}', {"reply": "a"}, "", "hello", "[]", '"a"', "{}", '{"reply": null}', '{"reply": "a"',
     '{"reply": "a", "errorcode": "no"}', '{"reply": "a", "reply": "b"}', '{"reply": "a", "x": NaN}', "[" * 100_000],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_text_that_is_no_answer_is_refused(text: object) -> None:
    with pytest.raises(NotAnAnswer):
        payload_of_text(text)


def test_the_error_answer_is_well_formed_and_no_success() -> None:
    answer = json.loads(error_payload("Sorry."))
    assert answer == {"reply": "Sorry.", "errorcode": 13}
