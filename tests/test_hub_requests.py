"""What of a client's request reaches the provider, and in which form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hub_bench import SERVICE, Bench, code, content, waits
from hypothesis import example, given
from hypothesis import strategies as st

VALID = st.characters(codec="utf-8")
DROPPED = {"ping", "seq", "key", "gettokens"}
KNOWN = {
    "message",
    "raw",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repetition_penalty",
    "max_new_len",
    "seed",
    "command",
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**100), 2**100)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
SAMPLING = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.floats(0, 1e300) | st.integers(0, 5),
        "top_p": st.floats(0, 1),
        "top_k": st.integers(0, 2**63 - 1) | st.just(40.0),
        "min_p": st.sampled_from([0, 1, 0.05, 1e-7, -0.0]),
        "repetition_penalty": st.floats(1e-7, 1e300),
        "max_new_len": st.integers(1, 4096),
        "seed": st.integers(-(2**63), 2**63 - 1),
    },
)


def forwarded(request: dict[str, Any] | bytes, **limits: float) -> dict[str, Any]:
    """The request as a plain provider gets it."""
    bench = Bench(**limits)
    provider = bench.provider()
    exchange = bench.post(request)
    assert waits(exchange), exchange.answer
    (frame,) = provider.frames
    assert frame.isascii()
    members: dict[str, Any] = json.loads(frame)
    return members


def exact(value: object) -> str:
    """JSON text that tells 1 from 1.0 from True and 0.0 from -0.0."""
    return json.dumps(value, sort_keys=True)


@given(
    st.text(VALID, max_size=30),
    SAMPLING,
    st.dictionaries(st.text(VALID, max_size=6), JSON, max_size=4),
)
@example(
    "é\u2028\0👋",
    {"temperature": 1e-7},
    {"x": {"ping": [1e-7, -0.0, 2**90, "é"], "key": 1}, "ping": 1, "gettokens": {}},
)
def test_a_request_arrives_with_equal_values_and_unknown_members_untouched(
    message: str, sampling: dict[str, Any], extra: dict[str, Any]
) -> None:
    unknown = {name: value for name, value in extra.items() if name not in KNOWN | {"key"}}
    kept = {name: value for name, value in unknown.items() if name not in DROPPED}
    sent = unknown | sampling | {"message": message}
    assert exact(forwarded(sent)) == exact(kept | sampling | {"message": message, "raw": "False"})


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [(True, "True"), (False, "False"), ("true", "True"), ("TRUE", "True"), ("fAlSe", "False"), ("False", "False")],
)
def test_raw_arrives_in_its_canonical_form(raw: object, canonical: str) -> None:
    assert forwarded({"message": "x", "raw": raw}) == {"message": "x", "raw": canonical}


@pytest.mark.parametrize("key", ["k", "", None])
def test_a_plain_provider_sees_neither_stream_key_nor_gettokens_nor_seq_nor_ping(key: str | None) -> None:
    sent = {"message": "x", "key": key, "gettokens": 3, "seq": 0, "ping": {"a": 1}}
    assert forwarded(sent) == {"message": "x", "raw": "False"}


def test_only_a_top_level_ping_is_dropped() -> None:
    sent = {"message": '{"ping": 1}', "ping": None, "Ping": 1, "options": {"ping": 1, "seq": 2}, "pings": [{"ping": 1}]}
    wanted = {name: value for name, value in sent.items() if name != "ping"} | {"raw": "False"}
    assert forwarded(sent) == wanted


def test_an_escaped_ping_is_dropped_too() -> None:
    assert forwarded(b'{"message": "x", "\\u0070ing": 1}') == {"message": "x", "raw": "False"}


@pytest.mark.parametrize(
    "written", ["1e-7", "-0.0", "0.1", "1E+2", "1.7976931348623157e308", "5e-324", "9007199254740993"]
)
def test_a_number_arrives_with_its_value(written: str) -> None:
    members = forwarded(b'{"message": "x", "number": %s}' % written.encode())
    assert exact(members["number"]) == exact(json.loads(written))


@pytest.mark.parametrize(
    ("asked", "given_to"),
    [({}, 100), ({"max_new_len": 101}, 100), ({"max_new_len": 99}, 99), ({"max_new_len": 500.0}, 100)],
)
def test_a_length_over_the_limit_is_lowered_silently(asked: dict[str, Any], given_to: int) -> None:
    assert forwarded({"message": "x"} | asked, max_new_len_tokens=100)["max_new_len"] == given_to


def test_a_length_that_was_left_out_and_is_within_the_limit_stays_out() -> None:
    assert forwarded({"message": "x"}) == {"message": "x", "raw": "False"}


@pytest.mark.parametrize("character", ["x", "é", "👋", '"', "\n"])
def test_a_request_that_is_too_large_for_a_frame_is_refused_and_not_counted(character: str) -> None:
    size = len(json.dumps(character)) - 2
    bare = len('{"message": "", "raw": "False"}')
    limit = bare + 10 * size
    bench = Bench(provider_frame_bytes=limit)
    provider = bench.provider()
    for fields in ({}, {"key": "k"}):
        shown = content(bench.ask(character * 11, **fields))
        assert (shown["errorcode"], shown["error"]) == (11, "request_too_large")
    assert bench.entry()["numreq"] == 0
    assert waits(bench.ask(character * 10))
    assert len(provider.frames[0]) == limit


@pytest.mark.parametrize("blocks", [1, 2, 11])
def test_no_request_goes_out_as_a_multiple_of_4096_bytes(blocks: int) -> None:
    bare = len('{"message": "", "raw": "False"}')
    bench = Bench()
    provider = bench.provider()
    for size in (4096 * blocks - 1, 4096 * blocks, 4096 * blocks + 1):
        bench.ask("x" * (size - bare))
        provider.answer({"reply": ""})
    assert [len(frame) - 4096 * blocks for frame in provider.frames] == [-1, 1, 1]
    assert all(json.loads(frame)["raw"] == "False" for frame in provider.frames)


@pytest.mark.parametrize("field", ["top_k", "max_new_len", "gettokens", "seq"])
@pytest.mark.parametrize("value", [2**63, 10**30, 1e300])
def test_an_integer_over_64_bits_is_an_invalid_field_and_never_reaches_the_provider(field: str, value: float) -> None:
    bench = Bench()
    provider = bench.provider()
    fields: dict[str, Any] = {field: value}
    shown = content(bench.ask(key="k", **fields))
    assert (shown["errorcode"], shown["field"]) == (4, field)
    assert code(bench.ask(key="k", seq=1)) == 18
    assert not provider.requests
    assert bench.entry()["numreq"] == 0


def test_a_stream_with_the_largest_gettokens_gets_everything_in_one_piece() -> None:
    bench = Bench()
    provider = bench.provider()
    exchange = bench.ask(key="k", gettokens=2**63 - 1)
    provider.answer({"reply": "a b c"})
    assert content(exchange)["reply"] == "a b c"


def test_a_service_is_asked_by_its_path_and_the_rest_of_the_request_is_not_read_for_it() -> None:
    bench = Bench()
    provider = bench.provider()
    bench.post({"message": "x", "service": "nobody", "user": "me"}, f"/{SERVICE}/")
    assert provider.requests == [{"message": "x", "service": "nobody", "user": "me", "raw": "False"}]
