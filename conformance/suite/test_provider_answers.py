"""What a hub passes on of its provider's answers, and what it makes of those that are none.

Every text here is the suite's own, so it is known exactly whose it is. A provider that broke a rule hangs up behind
the check: nothing of it can reach the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from conformance.evidence import not_judged
from conformance.exchange import are_equal, excerpt
from conformance.provider import payloads
from conformance.provider.payloads import encoded
from conformance.requirement import judges
from conformance.suite.answering import ASK, PLAIN_ANSWER, answered, is_heard, must_bring, turn

if TYPE_CHECKING:
    from conformance.judge import Judge


# -- what is passed on


@judges("NE-PANS-001")
def test_a_reply_arrives_character_for_character(judge: Judge) -> None:
    with judge.provider() as link:
        must_bring(judge, judge.through(link, ASK, PLAIN_ANSWER).exchange, str(PLAIN_ANSWER["reply"]))

    def check(example: tuple[str, bool]) -> None:
        reply, is_ascii = example
        with judge.provider() as link:
            answer = encoded({"reply": reply, "errorcode": 0}, is_ascii=is_ascii)
            must_bring(judge, judge.through(link, ASK, answer).exchange, reply)

    judge.explore(st.tuples(payloads.replies, st.booleans()), check, examples=60)


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

    for payload in judge.each(payloads.MALFORMED.values()):
        must_fail(payload)
    judge.explore(payloads.malformed_payloads(), must_fail, examples=20)


@judges("NE-PANS-010")
def test_the_link_outlives_a_malformed_payload(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)
        for kind, payload in judge.each(payloads.MALFORMED.items()):
            before = judge.through(link, ASK, payload).exchange
            if before.trouble:
                not_judged(f"the client got no answer for {kind} ({before.detail})")
            call = judge.begin(ASK)
            came = turn(link, call)
            actual = "the hub closed the link" if link.is_closed else "no request came on it"
            judge.require(came is not None, f"the next request on the same link after {kind}", actual, before)
            link.answer(PLAIN_ANSWER)
            must_bring(judge, call.answer(), str(PLAIN_ANSWER["reply"]))
