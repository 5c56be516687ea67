"""What every answer looks like. These checks run last and look back at the whole run as well."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from conformance.evidence import not_judged
from conformance.exchange import NO_JSON, Exchange, is_integer
from conformance.judge import GETMODELS, SHORT
from conformance.requirement import case, judges
from conformance.strategies import unicode_texts, valid_requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.judge import Judge


def is_json(exchange: Exchange) -> bool:
    return exchange.content is not NO_JSON


def has_reply(exchange: Exchange) -> bool:
    return isinstance(exchange.reply, str)


def has_code(exchange: Exchange) -> bool:
    return is_integer(exchange.code)


def forms(*, smoke: bool) -> pytest.MarkDecorator:
    """The three things that every answer to a valid request has, a row each."""
    return pytest.mark.parametrize(
        ("holds", "expected"),
        [
            case("NE-ANS-001", is_json, "one JSON text in UTF-8", smoke=smoke),
            case("NE-ANS-002", has_reply, "an object with a string reply", smoke=smoke),
            case("NE-ANS-003", has_code, "an object with an integer errorcode", smoke=smoke),
        ],
    )


@forms(smoke=True)
def test_the_answer_to_a_valid_request_has_its_form(
    judge: Judge, holds: Callable[[Exchange], bool], expected: str
) -> None:
    judge_form(judge, SHORT, holds, expected)
    key = judge.new_key()
    judge_form(judge, SHORT | {"key": key, "gettokens": 4}, holds, expected, keys=(key,))


@forms(smoke=False)
def test_the_answer_to_any_request_of_the_schema_has_its_form(
    judge: Judge, holds: Callable[[Exchange], bool], expected: str
) -> None:
    judge.has_twin(SHORT)
    judge.explore(valid_requests(), lambda request: judge_form(judge, request, holds, expected), examples=40)


@judges("NE-ANS-001")
def test_the_answer_to_text_outside_ascii_is_json(judge: Judge) -> None:
    judge.has_twin(SHORT)

    def check(text: str) -> None:
        for request in (
            SHORT | {"message": text},
            {"message": text, "raw": "True", "max_new_len": 24, "temperature": 0},
        ):
            judge_form(judge, request, is_json, "one JSON text in UTF-8")

    judge.explore(unicode_texts, check, examples=25)


def judge_form(
    judge: Judge, request: dict[str, Any], holds: Callable[[Exchange], bool], expected: str, **sending: Any
) -> None:
    """Requires the form, unless no answer came at all."""
    exchange = judge.post(request, **sending)
    if exchange.trouble:
        exchange = judge.post(request, **sending)
    is_foreign = exchange.status != 200 and not exchange.is_answer and not judge.subject.answers_plainly
    if is_foreign:
        not_judged(f"whether the hub knows the service cannot be seen ({exchange.describe()})")
    judge.require(holds(exchange), expected, exchange.describe(), exchange)


@judges("NE-ANS-008")
def test_every_post_is_answered_alike(judge: Judge) -> None:
    judge.has_twin(SHORT)
    prefix, service = judge.settings.prefix, judge.settings.service
    for path in ("/", "/no-such-service-7f3a", f"/{service}/{service}"):
        judge.answers(SHORT, path=prefix + path)
    for content in ({}, b"", b"[]", b"{", SHORT | {"temperature": -1}, SHORT | {"top_k": None}, {"command": "none"}):
        judge.answers(content)


@judges("NE-ANS-009")
def test_every_success_has_status_200(judge: Judge) -> None:
    judge.post(SHORT)
    judge.stream(SHORT).read([4]) if judge.subject.answers_plainly else None
    judge.post(GETMODELS)
    for exchange in judge.subject.journal:
        if (exchange.is_answer and exchange.code == 0) or is_model_list(exchange):
            judge.require(exchange.status == 200, "status 200", f"status {exchange.status}", exchange)


def is_model_list(exchange: Exchange) -> bool:
    """Whether it is an array of objects with names, in answer to the command."""
    entries = exchange.content
    asked = exchange.request.body == json.dumps(GETMODELS).encode()
    return asked and isinstance(entries, list) and all(isinstance(entry, dict) and "name" in entry for entry in entries)


@judges("NE-ANS-013")
def test_an_answer_that_comes_at_once_has_its_length(judge: Judge) -> None:
    judge.has_twin(SHORT)
    exchanges = [judge.post(SHORT), judge.post(GETMODELS), judge.post({})]
    bare = [exchange for exchange in exchanges if exchange.body and not exchange.body[:1].isspace()]
    if not bare:
        not_judged("every answer starts with white space")
    for exchange in bare:
        length = exchange.header("content-length")
        expected = f"Content-Length: {len(exchange.body)}"
        is_chunked = exchange.header("transfer-encoding") is not None
        without = "it comes in chunks" if is_chunked else "the answer ends with the connection"
        actual = f"Content-Length: {length}" if length else f"no Content-Length; {without}"
        judge.require(length == str(len(exchange.body)), expected, actual, exchange)
