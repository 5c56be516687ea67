"""What a provider answers and what of it reaches the client."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hub_bench import Bench, Provider, code, content, payload, reply, waits
from hypothesis import example, given
from hypothesis import strategies as st

from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from mockserver.state.hub import Exchange

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
RESERVED = ("error", "field", "retry_after", "seq", "done")


def asked() -> tuple[Bench, Provider, Exchange]:
    bench = Bench()
    provider = bench.provider()
    return bench, provider, bench.ask()


def answered(answer: object) -> dict[str, Any]:
    """What the client reads of a provider's answer; the link stays and serves the next client."""
    bench, provider, exchange = asked()
    provider.answer(answer)
    shown = content(exchange)
    assert not provider.is_closed
    following = bench.ask()
    provider.answer({"reply": "next"})
    assert reply(following) == "next"
    return shown


def exact(value: object) -> str:
    """JSON text that tells 1 from 1.0 from True and 0.0 from -0.0."""
    return json.dumps(value, sort_keys=True)


# -- what passes through


@given(st.text(), st.integers(-(2**80), 2**80), st.dictionaries(st.text(max_size=6), JSON, max_size=4))
@example("", 0, {"error": "x", "field": "y", "retry_after": 1, "seq": 2, "done": True, "errors": 1, "Done": 2})
def test_reply_code_and_extra_members_pass_through_all_but_the_hubs_own(
    text: str, number: int, extra: dict[str, Any]
) -> None:
    shown = answered(extra | {"reply": text, "errorcode": number})
    kept = {name: value for name, value in extra.items() if name not in RESERVED}
    assert exact(shown) == exact(kept | {"reply": text, "errorcode": number})


def test_a_missing_errorcode_is_0() -> None:
    assert answered({"reply": "This is the LLM"}) == {"reply": "This is the LLM", "errorcode": 0}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("40.0", 40),
        ("-0.0", 0),
        ("1e2", 100),
        ("1E300", int(1e300)),
        ("-1", -1),
        ("9" * 300, int("9" * 300)),
        ("18", 18),
    ],
)
def test_any_integer_code_passes_through_as_an_integer_and_without_the_registrys_name(written: str, read: int) -> None:
    shown = answered(b'{"reply": "x", "errorcode": %s}' % written.encode())
    assert shown == {"reply": "x", "errorcode": read}
    assert type(shown["errorcode"]) is int


@given(st.text(st.characters(categories=("Cs", "L", "So")), max_size=12))
@example("\ud83d\ude00")
@example("\ude00\ud83d\ud83d\ude00\ud83d")
@example("\ufeff\ud800\ufeff")
def test_lone_surrogates_become_replacement_characters_and_pairs_stay(text: str) -> None:
    pair = re.compile("([\ud800-\udbff][\udc00-\udfff])|[\ud800-\udfff]")
    wanted = pair.sub(
        lambda found: found[0].encode("utf-16", "surrogatepass").decode("utf-16") if found[1] else "\ufffd", text
    )
    shown = answered({"reply": text, "extra": {text: [text]}})
    assert shown == {"reply": wanted, "extra": {wanted: [wanted]}, "errorcode": 0}


@pytest.mark.parametrize("member", RESERVED)
def test_a_members_escape_does_not_smuggle_a_reserved_one_through(member: str) -> None:
    shown = answered(b'{"reply": "x", "\\u%04x%s": 1}' % (ord(member[0]), member[1:].encode()))
    assert shown == {"reply": "x", "errorcode": 0}


def test_nesting_up_to_the_limit_passes_through() -> None:
    nested: Any = 1
    for _ in range(62):
        nested = [nested]
    assert answered({"reply": "x", "extra": nested})["extra"] == nested


# -- what is no answer


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b'"text"',
        b"0",
        b"{",
        b"{}{}",
        b"{'reply': 'x'}",
        b'{"reply": "x"',
        b'{"reply": "x",}',
        b'{"reply": "x"}\0',
        b'\xef\xbb\xbf{"reply": "x"}',
        b'{"reply": "\xff"}',
        b'{"reply": "\xed\xa0\x80"}',
        b'{"reply": "x\ny"}',
        b'{"errorcode": 0}',
        b'{"Reply": "x"}',
        b'{"reply": null}',
        b'{"reply": 1}',
        b'{"reply": ["x"]}',
        b'{"reply": "x", "errorcode": null}',
        b'{"reply": "x", "errorcode": true}',
        b'{"reply": "x", "errorcode": false}',
        b'{"reply": "x", "errorcode": "0"}',
        b'{"reply": "x", "errorcode": 0.5}',
        b'{"reply": "x", "errorcode": [0]}',
        b'{"reply": "x", "errorcode": NaN}',
        b'{"reply": "x", "errorcode": Infinity}',
        b'{"reply": "x", "errorcode": 1e400}',
        b'{"reply": "x", "extra": NaN}',
        b'{"reply": "x", "extra": -Infinity}',
        b'{"reply": "x", "errorcode": ' + b"9" * 5000 + b"}",
        b'{"reply": "x", "extra": ' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"reply": "x", "extra": ' + b"[" * 200_000,
    ],
    ids=lambda answer: repr(answer[:40]),
)
def test_a_payload_that_is_no_answer_is_one_error_of_the_hub_and_the_link_stays(answer: bytes) -> None:
    shown = answered(answer)
    assert shown.keys() == {"reply", "errorcode", "error"}
    assert (shown["errorcode"], shown["error"]) == (13, "provider_error")


def test_a_duplicate_member_in_an_answer_is_let_pass_and_the_last_one_counts() -> None:
    assert answered(b'{"reply": "x", "reply": "y"}')["reply"] == "y"


@given(st.binary(max_size=40))
def test_no_bytes_of_a_provider_leave_its_client_without_one_well_formed_answer(data: bytes) -> None:
    bench, provider, exchange = asked()
    provider.send(data)
    provider.drop()
    shown = content(exchange)
    assert shown["errorcode"] == ErrorCode.PROVIDER_ERROR
    following = bench.provider()
    after = bench.ask()
    following.answer({"reply": "served"})
    assert reply(after) == "served"


# -- lengths


@pytest.mark.parametrize("limit", [20, 1000])
def test_a_payload_over_the_limit_costs_the_link_before_a_byte_of_it_came(limit: int) -> None:
    for size, fits in ((limit, True), (limit + 1, False)):
        bench = Bench(provider_payload_bytes=limit)
        provider = bench.provider()
        exchange = bench.ask()
        answer = payload({"reply": "x" * (size - len('{"reply": ""}'))})
        assert len(answer) == size + 8
        provider.send(answer[:8])
        assert provider.is_closed is not fits
        provider.send(answer[8:])
        assert code(exchange) == (0 if fits else 13)


def test_the_length_counts_bytes_and_not_characters() -> None:
    text = "é漢👋" * 10
    shown = answered(json.dumps({"reply": text}, ensure_ascii=False).encode())
    assert shown["reply"] == text


def test_a_second_answer_in_the_same_write_reaches_nobody() -> None:
    bench, provider, exchange = asked()
    queued = bench.ask("queued")
    provider.send(payload({"reply": "one"}) + payload({"reply": "two"}))
    assert reply(exchange) == "one"
    assert waits(queued)
    assert provider.is_closed


# -- clients that are answered while others wait


def test_each_client_gets_its_own_answer() -> None:
    bench = Bench()
    provider = bench.provider()
    exchanges = {str(number): bench.ask(str(number)) for number in range(20)}
    while len(provider.requests) > sum(not waits(exchange) for exchange in exchanges.values()):
        provider.answer({"reply": f"to {provider.messages[-1]}"})
    assert {message: reply(exchange) for message, exchange in exchanges.items()} == {
        message: f"to {message}" for message in exchanges
    }
