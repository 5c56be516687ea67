"""How a hub cuts its provider's answers out of the bytes that come: lengths, cuts, sizes, and lengths that are none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from conformance.evidence import not_judged
from conformance.provider import payloads
from conformance.provider.payloads import encoded
from conformance.requirement import judges
from conformance.suite.answering import (
    AFTER,
    ASK,
    ASK_MUCH,
    PLAIN_ANSWER,
    SLACK_S,
    answered,
    is_heard,
    must_bring,
)
from conformance.wire import ANSWER_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.exchange import Exchange
    from conformance.judge import Judge
    from conformance.provider.link import Link


MEBIBYTE: Final = 1 << 20
LARGEST: Final = ANSWER_BYTES // 2
"""The largest payload that is sent: the suite reads an answer of twice that size."""
APART_S: Final = 0.001
"""How far writes are apart, so that a hub that reads at once reads them one by one."""


# -- what is read


@judges("NE-PANS-002")
def test_a_length_counts_bytes(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)

    def check(answers: list[tuple[str, str]]) -> None:
        with judge.provider() as link:
            for reply, blanks in answers:
                answer = encoded({"reply": reply, "errorcode": 0}, is_ascii=False) + blanks.encode()
                must_bring(judge, judge.through(link, ASK, answer).exchange, reply)

    one = st.tuples(payloads.replies, st.sampled_from(["", " ", "\r\n"]))
    judge.explore(st.lists(one, min_size=2, max_size=3), check, examples=20)


@judges("NE-PANS-003")
def test_an_answer_is_read_at_every_single_cut(judge: Judge) -> None:
    answer = encoded({"reply": "é世", "errorcode": 0}, is_ascii=False)
    size = payloads.SIZE_DIGITS + len(answer)
    with judge.provider() as link:
        must_be_read_somehow(judge, link)
    for cuts in judge.each([[], list(range(1, size)), *([place] for place in range(1, size))]):
        with judge.provider() as link:
            must_bring(judge, cut(judge, link, answer, cuts), "é世")


@judges("NE-PANS-003")
def test_an_answer_is_read_in_any_cut(judge: Judge) -> None:
    with judge.provider() as link:
        must_be_read_somehow(judge, link)

    def check(example: tuple[str, list[float]]) -> None:
        reply, shares = example
        answer = encoded({"reply": reply, "errorcode": 0}, is_ascii=False)
        size = payloads.SIZE_DIGITS + len(answer)
        with judge.provider() as link:
            exchange = cut(judge, link, answer, sorted({1 + int(share * (size - 2)) for share in shares}))
            must_bring(judge, exchange, reply)

    shares = st.lists(st.floats(0, 1), max_size=6)
    judge.explore(st.tuples(payloads.replies, shares), check, examples=20)


def cut(judge: Judge, link: Link, answer: bytes, cuts: Iterable[int]) -> Exchange:
    """What a client gets for an answer that is cut at these places."""
    call = judge.begin(ASK)
    link.request()
    link.answer(answer, cuts=cuts, apart_s=APART_S)
    return call.answer()


def must_be_read_somehow(judge: Judge, link: Link) -> None:
    """Ends the check where the hub reads a plain answer neither whole nor as deployed providers cut it."""
    answer = encoded(PLAIN_ANSWER)
    if not cut(judge, link, answer, []).is_success:
        link.close()
        with judge.provider() as other:
            if not cut(judge, other, answer, [payloads.SIZE_DIGITS]).is_success:
                not_judged("a provider's plain answer did not reach the client")


@judges("NE-PANS-004")
def test_hex_digits_are_read_in_both_cases(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link, ASK_MUCH)

    def check(example: tuple[int, bool]) -> None:
        size, is_upper = example
        reply = "x" * (size - len(encoded({"reply": ""})))
        digits = b"%08X" % size if is_upper else b"%08x" % size
        with judge.provider() as link:
            call = judge.begin(ASK_MUCH)
            link.request()
            link.answer(encoded({"reply": reply}), digits)
            must_bring(judge, call.answer(), reply)

    lettered = st.sampled_from([0xABC, 0xDEF]) | st.integers(0x1A, 0xFFF).filter(lambda size: not f"{size:x}".isdigit())
    judge.explore(st.tuples(lettered, st.booleans()), check, examples=16)


@judges("NE-PANS-005")
def test_a_payload_up_to_the_limit_is_accepted(judge: Judge) -> None:
    limit = int(judge.limit("provider_payload_bytes", waits=0))
    with judge.provider() as link:
        is_heard(judge, link, ASK_MUCH)
    for size in judge.each(sorted({min(MEBIBYTE, limit), min(limit, LARGEST)})):
        reply = "sea " * (size // 4)
        reply = reply[: size - len(encoded({"reply": ""}))]
        with judge.provider() as link:
            must_bring(judge, judge.through(link, ASK_MUCH, encoded({"reply": reply})).exchange, reply)


# -- what cannot be read


@judges("NE-PANS-011")
def test_a_malformed_length_costs_its_client_an_error(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)
    payload = encoded(PLAIN_ANSWER)
    for kind, digits in judge.each(payloads.malformed_sizes(len(payload), payload_limit(judge))):
        exchange = answered(judge, payload, digits)
        expected = f"an error, any errorcode but 0, for {kind}: {digits!r}"
        judge.require(exchange.is_error, expected, exchange.describe(), exchange)


@judges("NE-PANS-012")
def test_a_malformed_length_ends_the_link(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)
    payload = encoded(PLAIN_ANSWER)
    for kind, digits in judge.each(payloads.malformed_sizes(len(payload), payload_limit(judge))):
        with judge.provider() as link:
            judge.begin(ASK)
            link.request()
            link.answer(payload, digits)
            judge.require(link.closes_within(), f"the hub closes the link after {kind}: {digits!r}", "it stays open")


def payload_limit(judge: Judge) -> int | None:
    """The most bytes that the hub says it takes of a payload."""
    told = judge.settings.limits.get("provider_payload_bytes")
    return None if told is None else int(told)


@judges("NE-PANS-013")
def test_a_payload_that_stays_short_costs_its_client_an_error(judge: Judge) -> None:
    waits = judge.limit("provider_answer_s", waits=AFTER) + SLACK_S
    with judge.provider() as link:
        is_heard(judge, link)
        call = judge.begin(ASK, seconds=waits + 1)
        link.request()
        until = time.monotonic() + waits
        link.answer(b"x" * 50, b"00010000")
        while time.monotonic() < until and not call.is_over_within(0.1):
            link.send(b"x")  # a byte now and then is no answer either
        exchange = call.answer() if call.is_answered else None
        link.close()
    actual = f"nothing within {waits:g} s" if exchange is None else exchange.describe()
    shown = () if exchange is None else (exchange,)
    judge.require(exchange is not None and exchange.is_error, "an error, any errorcode but 0", actual, *shown)
