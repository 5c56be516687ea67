"""Floors that a client may rely on, and bounds that a hub says it has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from conformance.evidence import not_judged
from conformance.judge import SHORT
from conformance.requirement import case, judges

if TYPE_CHECKING:
    from conformance.judge import Judge

BODY_FLOOR: Final = 16 * 1024
MESSAGE_FLOOR: Final = 8 * 1024
TOO_LARGE: Final = 11


def padded(size: int) -> bytes:
    """The short request as a body of exactly so many bytes."""
    bare = len(json.dumps(SHORT | {"x": ""}))
    return json.dumps(SHORT | {"x": "x" * (size - bare)}).encode()


@judges("NE-LIM-001")
def test_a_body_up_to_the_floor_is_accepted(judge: Judge) -> None:
    judge.has_twin(SHORT)
    judge.accepts(padded(BODY_FLOOR))


@judges("NE-LIM-002")
def test_a_message_up_to_the_floor_is_accepted(judge: Judge) -> None:
    judge.has_twin(SHORT)
    judge.accepts(SHORT | {"message": ("sea " * MESSAGE_FLOOR)[:MESSAGE_FLOOR]})


@pytest.mark.parametrize("codes", [case("NE-LIM-003", ()), case("NE-CODE-011", {TOO_LARGE})])
def test_a_body_over_the_limit_is_refused(judge: Judge, codes: set[int]) -> None:
    limit = int(judge.limit("http_body_bytes", waits=0))
    judge.has_twin(padded(BODY_FLOOR))
    for size in (limit + 1, 2 * limit):
        exchange = judge.post(padded(size))
        if exchange.trouble:
            not_judged(f"the hub ended the connection while the body was being sent ({exchange.detail})")
        expected = f"errorcode {TOO_LARGE}" if codes else "an error, any errorcode but 0"
        refused = exchange.is_error and (not codes or exchange.code in codes)
        judge.require(refused, expected, exchange.describe(), exchange)
