"""Answers that come too late, for clients who have gone, or unasked: none of them may reach another client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from conformance.evidence import not_judged
from conformance.provider import payloads
from conformance.provider.payloads import encoded
from conformance.requirement import judges
from conformance.suite.answering import (
    AFTER,
    ASK,
    GLANCE_S,
    LATE,
    NOTICE_S,
    OWN,
    PLAIN_ANSWER,
    SLACK_S,
    ask,
    is_heard,
    returned,
    text_of,
    turn,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.call import Call
    from conformance.judge import Judge
    from conformance.provider.link import Link


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
    with judge.provider() as link:
        is_heard(judge, link)
    for sent in judge.each([0, 4, payloads.SIZE_DIGITS, size // 2, size - 1]):
        with judge.provider() as link:
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
    holds = not exchange.is_success or exchange.reply == OWN
    judge.require(holds, f"the client's own text {OWN!r}, or an error", exchange.describe(), exchange)


@judges("NE-PANS-016")
def test_clients_who_stay_get_their_own_text_whoever_leaves(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)

    def check(clients: list[tuple[str, float]]) -> None:
        with judge.provider() as link:
            calls = {f"Which number is this? {number}": ask(judge, number) for number in range(len(clients))}
            manners = dict(zip(calls, clients, strict=True))
            for message, call in calls.items():
                if manners[message][0] == "leaves at once":
                    call.leave()
            staying = [message for message in calls if manners[message][0] == "stays"]
            answering = link
            while rest := [message for message in staying if not calls[message].is_answered]:
                frame = turn(answering, calls[rest[0]])
                if frame is None and answering.is_closed:
                    answering = returned(judge) or not_judged("the hub lets the provider in no more")
                elif frame is not None:
                    message = str(frame.content.get("message"))
                    how, share = manners.get(message, ("stays", 0.0))
                    answer_in_two(judge, answering, message, share, calls[message].leave if how == "leaves" else None)
            link.close()
            for message in staying:
                exchange = calls[message].answer()
                holds = not exchange.is_success or exchange.reply == text_of(message)
                expected = f"the client's own text {text_of(message)!r}, or an error"
                judge.require(holds, expected, exchange.describe(), exchange)

    manner = st.sampled_from(["stays", "leaves", "leaves at once"])
    some = st.lists(st.tuples(manner, st.floats(0, 1)), min_size=2, max_size=5)
    judge.explore(some.filter(lambda clients: any(how == "stays" for how, _ in clients)), check, examples=12)


def answer_in_two(judge: Judge, link: Link, message: str, share: float, between: Callable[[], None] | None) -> None:
    """Answers a message in two parts; what happens between them is seen by the hub before the second comes."""
    payload = encoded({"reply": text_of(message)})
    whole = b"%08X" % len(payload) + payload
    sent = int(share * len(whole))
    link.send(whole[:sent])
    if between is not None:
        between()
        judge.subject.pause(GLANCE_S)
    link.answered += 1
    link.send(whole[sent:])


@judges("NE-PANS-017")
def test_bytes_that_nobody_asked_for_end_the_link(judge: Judge) -> None:
    whole = encoded({"reply": LATE})
    whole = b"%08X" % len(whole) + whole
    unasked_bytes = {"a whole answer": whole, "a length": whole[:8], "a byte": b"0", "no answer": b"\x00{"}
    for kind, unasked in judge.each(unasked_bytes.items()):
        with judge.provider() as link:
            is_heard(judge, link)
            link.send(unasked)
            judge.require(link.closes_within(), f"the hub closes the link after {kind} unasked", "it stays open")
    for waiting in judge.each([False, True]):
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
    with judge.desk.vacant():
        link = judge.desk.connect()
        link.log_in(judge.desk.login)
        if not link.is_in:
            not_judged("the login was not accepted")
        link.send(whole)
        judge.require(link.closes_within(), "the hub closes a link whose first bytes are unasked", "it stays open")
