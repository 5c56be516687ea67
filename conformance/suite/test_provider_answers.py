"""What a hub makes of its provider's answers, right ones and others: the suite answers, and sees what the client gets.

Every text here is the suite's own, so it is known exactly whose it is. A provider that broke a rule hangs up behind
the check: nothing of it can reach the next one.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from conformance.evidence import not_judged
from conformance.exchange import are_equal, excerpt
from conformance.provider import payloads
from conformance.provider.payloads import encoded
from conformance.requirement import judges
from conformance.subject import PLAIN_MESSAGE
from conformance.wire import ANSWER_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.call import Call
    from conformance.exchange import Exchange
    from conformance.judge import Judge
    from conformance.provider.frames import Frame
    from conformance.provider.link import Link

ASK: Final = {"message": PLAIN_MESSAGE}
ASK_MUCH: Final = ASK | {"max_new_len": 1_000_000}
"""A hub may take a reply that is longer than was asked for as no answer."""
PLAIN_ANSWER: Final = {"reply": "The tide is out.", "errorcode": 0}
MEBIBYTE: Final = 1 << 20
LARGEST: Final = ANSWER_BYTES // 2
"""The largest payload that is sent: the suite reads an answer of twice that size."""
APART_S: Final = 0.001
"""How far writes are apart, so that a hub that reads at once reads them one by one."""
NOTICE_S: Final = 0.1
"""How long a hub is given to notice that a client has gone. A slow one notices later, and is not found out."""
GLANCE_S: Final = 0.02
"""How often a check that waits for a request looks whether there is still one to come."""
RETURNS_S: Final = (0.0, 0.05, 0.5, 1.0, 5.0)
"""The pauses before a provider logs in again; deployed ones wait 5 s at the most."""
AFTER: Final = 1.3
"""The share of a limit after which it must have struck."""
SLACK_S: Final = 3.0
"""What a slow machine may add to a limit."""
LATE: Final = "The late text, which was meant for the one before."
OWN: Final = "The text that was meant for this one."


def is_heard(judge: Judge, link: Link, fields: dict[str, Any] = ASK) -> None:
    """Ends the check unless a plain answer reaches the client: nothing else that fails can be told apart then."""
    exchange = judge.through(link, fields, PLAIN_ANSWER).exchange
    if not (exchange.is_success and exchange.reply == PLAIN_ANSWER["reply"]):
        not_judged(f"a provider's plain answer did not reach the client ({exchange.describe()})")


def must_bring(judge: Judge, exchange: Exchange, reply: str) -> None:
    """Requires that a reply came to the client as it is."""
    holds = exchange.is_success and exchange.reply == reply
    judge.require(holds, f"errorcode 0, reply {excerpt(repr(reply))}", exchange.describe(), exchange)


def answered(judge: Judge, payload: bytes, digits: bytes | None = None) -> Exchange:
    """What a client gets for a provider's answer that breaks a rule; the provider hangs up afterwards."""
    with judge.provider() as link:
        call = judge.begin(ASK)
        link.request()
        link.answer(payload, digits)
        exchange = call.answer()
        link.close()
        return exchange


def turn(link: Link, call: Call, seconds: float = math.inf) -> Frame | None:
    """The next request; none where the call is over before, the hub closes the link, or the seconds pass."""
    until = time.monotonic() + seconds
    while not (call.is_answered or link.is_closed) and time.monotonic() < until:
        if frame := link.next_request(GLANCE_S):
            return frame
    return link.next_request(0)


def returned(judge: Judge, **more: bool) -> Link | None:
    """The provider's new link, once it is let in again; none where it is not, for as long as deployed ones wait.

    `more` are further members of its login.
    """
    for pause in RETURNS_S:
        judge.subject.pause(pause)
        try:
            link = judge.desk.connect()
        except OSError:
            continue
        link.log_in(judge.desk.login | more)
        if link.is_in:
            return link
        link.close()
    return None


# -- what is passed on


@judges("NE-PANS-001")
def test_a_reply_arrives_character_for_character(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)

    def check(example: tuple[str, bool]) -> None:
        reply, is_ascii = example
        with judge.provider() as link:
            answer = encoded({"reply": reply, "errorcode": 0}, is_ascii=is_ascii)
            must_bring(judge, judge.through(link, ASK, answer).exchange, reply)

    judge.explore(st.tuples(payloads.replies, st.booleans()), check, examples=60)


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
    for cuts in ([], range(1, size), *([place] for place in range(1, size))):
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
    for size in sorted({min(MEBIBYTE, limit), min(limit, LARGEST)}):
        reply = "sea " * (size // 4)
        reply = reply[: size - len(encoded({"reply": ""}))]
        with judge.provider() as link:
            must_bring(judge, judge.through(link, ASK_MUCH, encoded({"reply": reply})).exchange, reply)


@judges("NE-PANS-006")
def test_any_code_is_passed_on(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)

    def check(code: int) -> None:
        with judge.provider() as link:
            exchange = judge.through(link, ASK, {"reply": "The tide is in.", "errorcode": code}).exchange
            holds = exchange.is_answer and exchange.code == code
            judge.require(holds, f"errorcode {code}, as the provider gave it", exchange.describe(), exchange)

    judge.explore(payloads.codes, check, examples=25)


@judges("NE-PANS-007")
def test_extra_members_are_passed_on(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)

    def check(more: dict[str, Any]) -> None:
        with judge.provider() as link:
            exchange = judge.through(link, ASK, PLAIN_ANSWER | more).exchange
        came = exchange.content if isinstance(exchange.content, dict) else {}
        lost = [name for name, value in more.items() if name not in came or not are_equal(came[name], value)]
        judge.require(not lost, f"the members {more}", f"{exchange.describe()}, with {came}", exchange)

    judge.explore(payloads.extra_members, check, examples=30)


@judges("NE-PANS-008")
def test_members_of_the_hub_are_kept_back(judge: Judge) -> None:
    own = {"error": "low_tide", "field": "tide", "retry_after": 86_399, "seq": 4242}
    with judge.provider() as link:
        is_heard(judge, link)
        for code in (0, 4711):
            passages = [
                judge.through(link, ASK, {"reply": "Low.", "errorcode": code} | own | {"done": done})
                for done in (True, False)
            ]
            exchanges = [passage.exchange for passage in passages]
            came = [exchange.content if isinstance(exchange.content, dict) else {} for exchange in exchanges]
            passed = [name for name, value in own.items() if any(answer.get(name) == value for answer in came)]
            passed += ["done"] if [answer.get("done") for answer in came] == [True, False] else []
            expected = "an answer without the provider's values for error, field, retry_after, seq and done"
            judge.require(not passed, expected, f"the provider's {', '.join(passed)}", *exchanges)


@judges("NE-PANS-014")
def test_lone_surrogates_are_replaced(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)

    def check(text: str) -> None:
        with judge.provider() as link:
            exchange = judge.through(link, ASK, {"reply": text, "errorcode": 0}).exchange
            must_bring(judge, exchange, payloads.without_lone_surrogates(text))

    judge.explore(payloads.broken_texts, check, examples=15)


# -- what is no answer


@judges("NE-PANS-009")
def test_a_malformed_payload_costs_its_client_an_error(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)

    def must_fail(payload: bytes) -> None:
        exchange = answered(judge, payload)
        expected = f"an error, any errorcode but 0, for the payload {excerpt(repr(payload))}"
        judge.require(exchange.is_error, expected, exchange.describe(), exchange)

    for payload in payloads.MALFORMED.values():
        must_fail(payload)
    judge.explore(payloads.malformed_payloads(), must_fail, examples=20)


@judges("NE-PANS-010")
def test_the_link_outlives_a_malformed_payload(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)
        for kind, payload in payloads.MALFORMED.items():
            before = judge.through(link, ASK, payload).exchange
            if before.trouble:
                not_judged(f"the client got no answer for {kind} ({before.detail})")
            call = judge.begin(ASK)
            came = turn(link, call)
            actual = "the hub closed the link" if link.is_closed else "no request came on it"
            judge.require(came is not None, f"the next request on the same link after {kind}", actual, before)
            link.answer(PLAIN_ANSWER)
            must_bring(judge, call.answer(), str(PLAIN_ANSWER["reply"]))


@judges("NE-PANS-011")
def test_a_malformed_length_costs_its_client_an_error(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)
    payload = encoded(PLAIN_ANSWER)
    for kind, digits in payloads.malformed_sizes(len(payload), payload_limit(judge)):
        exchange = answered(judge, payload, digits)
        expected = f"an error, any errorcode but 0, for {kind}: {digits!r}"
        judge.require(exchange.is_error, expected, exchange.describe(), exchange)


@judges("NE-PANS-012")
def test_a_malformed_length_ends_the_link(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)
    payload = encoded(PLAIN_ANSWER)
    for kind, digits in payloads.malformed_sizes(len(payload), payload_limit(judge)):
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


# -- what comes too late, or unasked


@judges("NE-PANS-015")
def test_a_late_answer_reaches_nobody_else(judge: Judge) -> None:
    limit = judge.limit("provider_answer_s", waits=AFTER)
    with judge.provider() as link:
        is_heard(judge, link)
        late = judge.begin(ASK, seconds=limit * AFTER + SLACK_S)
        link.request()
        next_one = judge.begin(ASK | {"message": "And now?"}, seconds=limit * AFTER + SLACK_S + judge.settings.timeout)
        if not late.answer().is_error:
            not_judged(f"the request did not time out ({late.answer().describe()})")
        must_get_its_own(judge, link, next_one)


@judges("NE-PANS-016")
def test_an_answer_for_a_client_that_has_gone_reaches_nobody_else(judge: Judge) -> None:
    size = payloads.SIZE_DIGITS + len(encoded({"reply": LATE}))
    for sent in (0, 4, payloads.SIZE_DIGITS, size // 2, size - 1):
        with judge.provider() as link:
            is_heard(judge, link)
            gone = judge.begin(ASK)
            link.request()
            link.send((b"%08X" % (size - payloads.SIZE_DIGITS) + encoded({"reply": LATE}))[:sent])
            gone.leave()
            next_one = judge.begin(ASK | {"message": "And now?"})
            judge.subject.pause(NOTICE_S)
            must_get_its_own(judge, link, next_one, sent)


def must_get_its_own(judge: Judge, link: Link, call: Call, sent: int = 0) -> None:
    """Sends the late answer, as far as it is not sent yet, and requires that the next client gets no part of it.

    A link that the hub closed is followed by a new one. The next client gets its own text, or an error.
    """
    late = encoded({"reply": LATE})
    link.answered += 1
    link.send((b"%08X" % len(late) + late)[sent:])
    frame = turn(link, call)
    if frame is None and link.is_closed:
        fresh = returned(judge)
        if fresh is None:
            not_judged("the hub closed the link and lets the provider in no more")
        link, frame = fresh, turn(fresh, call)
    if frame is not None:
        link.answer({"reply": OWN})
    exchange = call.answer()
    link.close()
    holds = not (exchange.is_success and exchange.reply != OWN)
    judge.require(holds, f"the client's own text {OWN!r}, or an error", exchange.describe(), exchange)


@judges("NE-PANS-017")
def test_bytes_that_nobody_asked_for_end_the_link(judge: Judge) -> None:
    whole = encoded({"reply": LATE})
    whole = b"%08X" % len(whole) + whole
    for kind, unasked in {
        "a whole answer": whole,
        "a length": whole[:8],
        "a byte": b"0",
        "no answer": b"\x00{",
    }.items():
        with judge.provider() as link:
            is_heard(judge, link)
            link.send(unasked)
            judge.require(link.closes_within(), f"the hub closes the link after {kind} unasked", "it stays open")
    for waiting in (False, True):
        with judge.provider() as link:
            call = judge.begin(ASK)
            link.request()
            if waiting:
                judge.begin(ASK | {"message": "And now?"})
                judge.subject.pause(NOTICE_S)
            link.answer(encoded(PLAIN_ANSWER) + whole, b"%08X" % len(encoded(PLAIN_ANSWER)))
            call.answer()
            expected = "the hub closes the link after a second answer in the same write"
            judge.require(link.closes_within(), expected, "it stays open")
