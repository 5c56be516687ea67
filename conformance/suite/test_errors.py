"""Errors: that zero alone is success, that errors can be read, and (extended) their codes and names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.evidence import not_judged
from conformance.exchange import is_integer
from conformance.judge import PASSING_CODES, SHORT
from conformance.requirement import judges
from neuroengine import spec

if TYPE_CHECKING:
    from conformance.exchange import Exchange
    from conformance.judge import Judge

UNKNOWN: Final = "no-such-service-7f3a"
UNKNOWN_TOO: Final = "another-one-that-is-not-there-c09e"
ANOTHER: Final = SHORT | {"message": "Which birds live in a harbour?"}
NAMES: Final = {row["code"]: row["name"] for row in spec.errors() if row["code"] != 0}


@judges("NE-ERR-001", smoke=True)
def test_an_unknown_service_is_no_success(judge: Judge) -> None:
    judge.has_twin(SHORT)
    exchange = judge.post(SHORT, path=judge.subject.path_of(UNKNOWN))
    if exchange.trouble:
        not_judged(f"the hub gave no answer to a request for an unknown service ({exchange.detail})")
    if exchange.is_success and exchange.reply.strip():
        _tells_it_apart_from_a_model(judge, exchange)
    judge.require(exchange.code != 0 or exchange.status != 200, "no errorcode 0", exchange.describe(), exchange)


def _tells_it_apart_from_a_model(judge: Judge, exchange: Exchange) -> None:
    """Ends the check unless the text is one sentence for every unknown name and prompt, as no model's would be.

    The known service's text follows the prompt, so that a hub whose models all say one thing is not blamed.
    """
    other = judge.post(ANOTHER, path=judge.subject.path_of(UNKNOWN_TOO))
    known = {str(judge.succeeds(request).reply) for request in (SHORT, ANOTHER)}
    is_one_sentence = other.is_success and other.reply.replace(UNKNOWN_TOO, UNKNOWN) == exchange.reply
    if not is_one_sentence or len(known) == 1:
        not_judged("the hub answers any name with a reply, so no request for a service was seen to get none")


@judges("NE-CODE-006")
@pytest.mark.parametrize("name", [UNKNOWN, "", "a/b", "a" * 65, ".hidden"])
def test_an_unknown_service_is_refused_with_6(judge: Judge, name: str) -> None:
    judge.refuses(SHORT, SHORT, codes={6}, path=judge.subject.path_of(name).replace("//", "/"))


@judges("NE-CODE-003")
def test_a_request_without_message_is_refused_with_3(judge: Judge) -> None:
    judge.refuses({}, SHORT, codes={3})
    judge.refuses({"temperature": 1}, SHORT | {"temperature": 1}, codes={3})
    stream = judge.stream(SHORT | {"max_new_len": 24})
    first = stream.poll(gettokens=1)
    if not first.is_success or stream.has_ended:
        not_judged("the stream has no second piece")
    exchange = stream.poll_once(message=None)
    judge.require(exchange.code == 3, "errorcode 3", exchange.describe(), *stream.polls)


def provoked(judge: Judge) -> list[Exchange]:
    """Answers to requests that the hub itself has to refuse, beside a success; well-formed errors alone."""
    judge.has_twin(SHORT)
    requests: list[tuple[Any, str]] = [
        (SHORT, judge.subject.path_of(UNKNOWN)),
        ({}, judge.subject.path),
        (b"{", judge.subject.path),
        (b"[]", judge.subject.path),
        ({"command": "no-such-command"}, judge.subject.path),
        (SHORT | {"temperature": -1}, judge.subject.path),
        (SHORT | {"top_k": "many"}, judge.subject.path),
    ]
    exchanges = [judge.post(content, path=path) for content, path in requests]
    errors = [exchange for exchange in exchanges if exchange.is_error]
    if not errors:
        not_judged("the hub refused nothing with a well-formed error")
    return errors


@judges("NE-ERR-002")
def test_an_error_says_something(judge: Judge) -> None:
    for exchange in provoked(judge):
        judge.require(bool(exchange.reply.strip()), "a sentence in reply", exchange.describe(), exchange)


@judges("NE-ERR-003")
def test_every_error_is_in_the_registry(judge: Judge) -> None:
    for exchange in provoked(judge):
        judge.require(exchange.code in NAMES, f"a code from 1 to {max(NAMES)}", exchange.describe(), exchange)


@judges("NE-ANS-016")
def test_an_error_carries_its_name(judge: Judge) -> None:
    for exchange in provoked(judge):
        name = exchange.content.get("error")
        expected = f'"error": "{NAMES.get(exchange.code, "the name of its code")}"'
        judge.require(
            name == NAMES.get(exchange.code), expected, f'"error": {name!r} with {exchange.describe()}', exchange
        )


@judges("NE-ANS-018")
def test_a_success_carries_no_error_name(judge: Judge) -> None:
    judge.has_twin(SHORT)
    stream = judge.stream(SHORT)
    stream.read([4])
    for exchange in [found for found in judge.subject.journal if found.is_success]:
        judge.require("error" not in exchange.content, "no member error", exchange.describe(), exchange)


@judges("NE-CODE-014")
def test_another_message_on_a_live_stream_is_a_conflict(judge: Judge) -> None:
    stream = judge.stream(SHORT | {"max_new_len": 48})
    if not stream.poll(gettokens=1).is_success or stream.has_ended:
        not_judged("the stream has no second piece")
    for _ in range(3):
        exchange = stream.poll_once(message="Something else altogether", gettokens=1)
        if exchange.code == 14 or exchange.code not in PASSING_CODES:
            break
    seen = [*stream.polls]
    if not stream.poll(gettokens=1).is_success or stream.has_ended:
        not_judged("the stream had no text left")
    judge.require(is_integer(exchange.code) and exchange.code == 14, "errorcode 14", exchange.describe(), *seen)
