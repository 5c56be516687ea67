"""The fields of a generate request: what a hub accepts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.evidence import not_judged
from conformance.judge import SHORT
from conformance.requirement import case, judges
from conformance.strategies import (
    CHEAP_TOKENS,
    generate_request,
    invalid_requests,
    json_values,
    selections,
    unknown_members,
    values,
)
from conformance.subject import PLAIN_MESSAGE, PLAIN_REQUEST

if TYPE_CHECKING:
    from conformance.judge import Judge
    from conformance.stream import Stream

PUBLISHED: Final = {name: value for name, value in generate_request()["examples"][-1].items() if name != "key"}
"""The published example, without its key."""
LONG_KEY: Final = 256


@judges("NE-REQ-001", smoke=True)
def test_message_alone_is_enough(judge: Judge) -> None:
    judge.accepts(PLAIN_REQUEST)


@judges("NE-REQ-002", smoke=True)
def test_the_published_example_succeeds(judge: Judge) -> None:
    key = judge.new_key()
    judge.accepts(PUBLISHED | {"key": key}, keys=(key,))


@judges("NE-REQ-003")
def test_any_documented_field_may_be_left_out(judge: Judge) -> None:
    def check(fields: dict[str, Any]) -> None:
        judge.accepts({"message": PLAIN_MESSAGE} | fields)

    judge.explore(selections(), check, examples=40)


@judges("NE-REQ-004")
@pytest.mark.parametrize("fields", [{}, {"temperature": 1.0, "top_k": 40}], ids=["nothing", "sampling-alone"])
def test_a_request_without_message_is_refused(judge: Judge, fields: dict[str, Any]) -> None:
    judge.refuses(fields, SHORT | fields)


@judges("NE-REQ-005")
@pytest.mark.parametrize("raw", ["False", "True"])
def test_the_empty_message_is_accepted(judge: Judge, raw: str) -> None:
    judge.has_twin(SHORT | {"raw": raw})
    judge.accepts(SHORT | {"message": "", "raw": raw})


@judges("NE-REQ-005")
def test_the_empty_message_is_streamed(judge: Judge) -> None:
    """The first poll has it, and so has each that goes on."""
    if not judge.stream(SHORT).read([1]).is_success:
        not_judged("a stream of another message did not come to its end")
    stream = judge.stream(SHORT | {"message": ""})
    last = stream.read([1])
    judge.require(last.is_success, "pieces and the end, as for any message", last.describe(), *stream.polls)


@judges("NE-REQ-006")
def test_unknown_members_are_ignored(judge: Judge) -> None:
    def check(members: dict[str, Any]) -> None:
        judge.accepts(members | SHORT)

    judge.explore(unknown_members(), check, examples=40)


@judges("NE-REQ-007")
def test_a_value_of_any_type_in_a_field_is_answered(judge: Judge) -> None:
    judge.has_twin(SHORT)
    for field in (*PUBLISHED, "min_p", "key"):
        fields = json_values.map(partial(with_value, field))
        judge.explore(fields, lambda request: one_answer(judge, request), examples=8)


def with_value(field: str, value: Any) -> dict[str, Any]:
    """The short request with another value in one field."""
    return SHORT | {field: value}


@judges("NE-REQ-008")
def test_a_request_outside_the_schema_is_answered(judge: Judge) -> None:
    judge.has_twin(SHORT)
    judge.explore(invalid_requests(), lambda request: one_answer(judge, request), examples=40)


def one_answer(judge: Judge, request: dict[str, Any]) -> None:
    """Requires a well-formed answer to an object that asks for little."""
    tokens = request.get("max_new_len", 0)
    is_dear = isinstance(tokens, int | float) and tokens > CHEAP_TOKENS
    judge.answers(request | {"max_new_len": CHEAP_TOKENS} if is_dear else request)


@pytest.mark.parametrize(
    ("field", "corners"),
    [
        case("NE-REQ-009", "temperature", [0, 0.01, 1, 2.5, 100]),
        case("NE-REQ-010", "top_p", [0, 0.5, 1]),
        case("NE-REQ-011", "top_k", [0, 1, 40, 1_000_000]),
        case("NE-REQ-012", "min_p", [0, 0.05, 1]),
        case("NE-REQ-013", "repetition_penalty", [0.01, 0.8, 1, 1.2, 10]),
        case("NE-REQ-014", "max_new_len", [0, 1, 128, 1_000_000]),
        case("NE-REQ-015", "seed", [0, -1, 2**63 - 1, -(2**63)]),
        case("NE-REQ-016", "raw", ["True", "False"]),
        case("NE-REQ-017", "raw", ["true", "FALSE", "tRuE"]),
        case("NE-REQ-018", "raw", [True, False]),
    ],
)
def test_each_corner_of_a_field_is_accepted(judge: Judge, field: str, corners: list[Any]) -> None:
    judge.has_twin(SHORT)
    for value in corners:
        judge.accepts(SHORT | {field: value})


@pytest.mark.parametrize(
    "field",
    [
        case("NE-REQ-009", "temperature"),
        case("NE-REQ-010", "top_p"),
        case("NE-REQ-011", "top_k"),
        case("NE-REQ-012", "min_p"),
        case("NE-REQ-013", "repetition_penalty"),
        case("NE-REQ-015", "seed"),
    ],
)
def test_every_value_of_a_field_is_accepted(judge: Judge, field: str) -> None:
    judge.has_twin(SHORT)
    judge.explore(values(field), lambda value: accept_one(judge, {field: value}), examples=25)


def accept_one(judge: Judge, fields: dict[str, Any]) -> None:
    """Requires that the short request with these fields succeeds."""
    judge.accepts(SHORT | fields)


@pytest.mark.parametrize("length", [case("NE-REQ-019", 7), case("NE-REQ-020", LONG_KEY)])
def test_a_key_of_any_length_makes_a_stream(judge: Judge, length: int) -> None:
    judge.has_twin(SHORT)
    reaches_its_end(judge, judge.stream(SHORT, key=judge.new_key(length)), 20)


@pytest.mark.parametrize("key", [case("NE-REQ-021", None), case("NE-REQ-022", "")])
def test_an_empty_key_asks_for_the_whole_reply(judge: Judge, key: str | None) -> None:
    whole_reply(judge, {"key": key, "gettokens": 1})


@judges("NE-REQ-025")
def test_gettokens_without_a_key_is_ignored(judge: Judge) -> None:
    whole_reply(judge, {"gettokens": 1})


def whole_reply(judge: Judge, fields: dict[str, Any]) -> None:
    """Requires more than one word in one answer, where the request without these fields gets many."""
    request = {"message": PLAIN_MESSAGE, "max_new_len": 48}
    many = len(judge.succeeds(request).reply.split())
    if many < 8:
        not_judged(f"the model's reply has only {many} words, so a whole one cannot be told from a piece")
    for _ in range(3):
        exchange = judge.accepts(request | fields)
        if len(exchange.reply.split()) > 1:
            break
    judge.require(
        len(exchange.reply.split()) > 1, f"a whole reply, like one of {many} words", exchange.describe(), exchange
    )


@judges("NE-REQ-023")
@pytest.mark.parametrize("size", [1, 20, 1_000_000])
def test_a_piece_may_have_any_size(judge: Judge, size: int) -> None:
    judge.has_twin(SHORT)
    reaches_its_end(judge, judge.stream(SHORT), size)


def reaches_its_end(judge: Judge, stream: Stream, size: int) -> None:
    """Requires that every poll succeeds and the stream ends."""
    last = stream.read([size])
    judge.require(stream.has_ended, "a stream that is polled to its end", last.describe(), *stream.polls)


@judges("NE-REQ-024")
def test_gettokens_may_be_a_string_of_digits(judge: Judge) -> None:
    twin = judge.stream(SHORT | {"max_new_len": 24})
    twin.read([1])
    if not twin.has_ended:
        not_judged("the stream with gettokens 1 does not end")
    stream = judge.stream(SHORT | {"max_new_len": 24})
    last = stream.read(["1"])
    judge.require(stream.has_ended, "a stream that is polled to its end", last.describe(), *stream.polls)
    if max((len(piece.split()) for piece in twin.pieces), default=0) > 1:
        return  # this hub's own pieces of 1 have more than one word: how it cuts cannot be compared
    longest = max((len(piece.split()) for piece in stream.pieces), default=0)
    judge.require(
        longest <= 1, "pieces of one word, as with the number 1", f"a piece of {longest} words", *stream.polls
    )
