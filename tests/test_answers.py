"""Reading a hub's answers: every form that the protocol allows, and an error for everything else."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroengine import spec
from neuroengine.errors import HUB_ERRORS, HubError, NeuroengineError, ProtocolError
from neuroengine.protocol.answers import Received, echoed_seq, read_model_list, read_reply

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
UNICODE = st.text(st.characters(exclude_categories=["Cs"]))


def answer(body: str | bytes, status: int = 200) -> Received:
    return Received(status, body if isinstance(body, bytes) else body.encode())


def dumped(value: Any, *, ascii_only: bool = True) -> bytes:
    return json.dumps(value, ensure_ascii=ascii_only).encode()


@given(text=UNICODE, ascii_only=st.booleans(), extra=st.dictionaries(st.text(), JSON), blanks=st.text(" \t\r\n"))
def test_a_success_is_read_whatever_else_it_holds(
    text: str, ascii_only: bool, extra: dict[str, Any], blanks: str
) -> None:
    members = {**json.loads(dumped(extra)), "reply": text, "errorcode": 0}
    try:
        body = blanks.encode() + dumped(members, ascii_only=ascii_only)
    except UnicodeEncodeError:  # a lone surrogate in an unknown member travels escaped only
        body = blanks.encode() + dumped(members)
    reply = read_reply(answer(body))
    assert reply.text == str(reply) == text
    assert dict(reply.members) == members


@given(value=JSON, status=st.sampled_from([200, 404, 500]))
def test_any_json_is_a_reply_or_a_typed_error(value: Any, status: int) -> None:
    try:
        reply = read_reply(answer(dumped(value), status))
    except NeuroengineError:
        assert not (isinstance(value, dict) and value.get("errorcode") == 0 and isinstance(value.get("reply"), str))
    else:
        assert reply.text == value["reply"]


@given(body=st.binary(max_size=200), status=st.integers(100, 599))
def test_any_bytes_are_a_reply_or_a_typed_error(body: bytes, status: int) -> None:
    for read in (read_reply, read_model_list):
        with suppress(NeuroengineError):
            read(answer(body, status))


@pytest.mark.parametrize("status", [200, 500, 503, 404])
@pytest.mark.parametrize("row", [row for row in spec.errors() if row["code"]], ids=lambda row: row["name"])
def test_the_code_decides_and_not_the_status(row: dict[str, Any], status: int) -> None:
    with pytest.raises(HUB_ERRORS[row["code"]]) as caught:
        read_reply(answer(dumped({"reply": "A sentence.", "errorcode": row["code"]}), status))
    assert caught.value.sentence == "A sentence."


def test_an_error_keeps_all_that_the_hub_said() -> None:
    members = {
        "reply": "Wait.",
        "errorcode": 9,
        "error": "quota_exceeded",
        "field": "seed",
        "retry_after": 2.5,
        "x": [1],
    }
    with pytest.raises(HubError) as caught:
        read_reply(answer(dumped(members)))
    assert (caught.value.field, caught.value.retry_after, caught.value.members) == ("seed", 2.5, members)


@pytest.mark.parametrize("wait", ["5", True, -1, None, [], 1e999, 10**400])
def test_a_wait_that_is_no_number_of_seconds_is_no_wait(wait: Any) -> None:
    body = dumped({"reply": "Wait.", "errorcode": 9, "retry_after": wait}).replace(b"Infinity", b"1e999")
    with pytest.raises(HubError) as caught:
        read_reply(answer(body))
    assert caught.value.retry_after is None


@pytest.mark.parametrize("code", [100, 4711, -1, 99, 10**400])
def test_a_code_outside_the_registry_is_a_plain_hub_error(code: int) -> None:
    with pytest.raises(HubError) as caught:
        read_reply(answer(dumped({"reply": "", "errorcode": code})))
    assert type(caught.value) is HubError
    assert caught.value.code == code
    assert not caught.value.retryable


@pytest.mark.parametrize("code", ["0", "0.0", "-0", "0e5"])
def test_every_spelling_of_the_integer_zero_is_success(code: str) -> None:
    assert read_reply(answer(f'{{"reply": "x", "errorcode": {code}}}')).text == "x"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "   ",
        "<html>Bad gateway</html>",
        "null",
        "[]",
        '"text"',
        "{}",
        '{"reply": "x"}',
        '{"errorcode": 0}',
        '{"reply": null, "errorcode": 0}',
        '{"reply": ["x"], "errorcode": 0}',
        '{"reply": 5, "errorcode": 0}',
        '{"reply": "x", "errorcode": null}',
        '{"reply": "x", "errorcode": "0"}',
        '{"reply": "x", "errorcode": false}',
        '{"reply": "x", "errorcode": 0.5}',
        '{"reply": "x", "errorcode": 1e999}',
        '{"reply": "x", "errorcode": NaN}',
        '{"reply": "x", "errorcode": 0, "more": Infinity}',
        '{"reply": "\\ud800", "errorcode": 0}',
        '{"reply": "x", "errorcode": 0} and more',
        '{"reply": "x", "errorcode": 0',
        '{"reply": "x", "errorcode": ' + "9" * 5_000 + "}",
        "[" * 100_000,
        '\ufeff{"reply": "x", "errorcode": 0}',
        b'{"reply": "\xff", "errorcode": 0}',
        b"\xff\xfe{}",
    ],
    ids=lambda body: repr(body[:30]),
)
def test_an_answer_that_is_none_says_what_came(body: str | bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        read_reply(answer(body, 200))
    assert "status 200" in str(caught.value)
    assert len(str(caught.value)) < 1_200
    assert caught.value.status == 200


def test_the_message_shows_how_a_long_answer_begins_and_no_more() -> None:
    with pytest.raises(ProtocolError, match="beginning with '<h1>") as caught:
        read_reply(answer("<h1>" + "x" * 100_000, 502))
    assert "100004 bytes" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_redirection_is_named() -> None:
    with pytest.raises(ProtocolError, match="redirection"):
        read_reply(answer("", 301))


@pytest.mark.parametrize(("seq", "read"), [(3, 3), (3.0, 3), (True, None), ("3", None), (None, None), (1.5, None)])
def test_an_echo_is_an_integer_or_none(seq: Any, read: int | None) -> None:
    assert echoed_seq(read_reply(answer(dumped({"reply": "x", "errorcode": 0, "seq": seq})))) == read


def test_a_model_list_is_handed_on_as_it_came() -> None:
    entries = [{"name": "A", "anything": [1]}, {}]
    assert read_model_list(answer(dumped(entries))) == entries
    assert read_model_list(answer(" \n[]")) == []


def test_a_model_list_may_be_refused() -> None:
    with pytest.raises(HUB_ERRORS[16]):
        read_model_list(answer('{"reply": "Stopping.", "errorcode": 16}', 503))


@pytest.mark.parametrize(
    "body", ["{}", "[1]", "[[]]", "null", "nothing", '{"reply": "x", "errorcode": 0}', '{"errorcode": 5}']
)
def test_anything_else_is_no_model_list(body: str) -> None:
    with pytest.raises(ProtocolError):
        read_model_list(answer(body))
