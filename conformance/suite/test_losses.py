"""Providers that are replaced, or drop: what becomes of the request in hand, of those that wait, and of the hub.

A hub is called slow only by its quickest answer of several, against a limit that it told: a machine under load is slow
now and then, a hub that waits for something always.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from conformance.evidence import not_judged
from conformance.provider import payloads
from conformance.provider.payloads import encoded
from conformance.requirement import judges
from conformance.suite.answering import (
    ASK,
    LATE,
    OWN,
    PLAIN_ANSWER,
    are_queued,
    ask,
    handed_over,
    hang_up,
    is_heard,
    must_bring,
    returned,
    shown,
    soon,
    taken,
    text_of,
    turn,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.call import Call
    from conformance.judge import Judge
    from conformance.provider.link import Link


WAITING: Final = 3
"""How many requests wait: fewer than any queue has room for."""
TRIES: Final = 3
"""A hub that was slow more often than that is slow."""
FLOOD_BYTES: Final = 1_000_000
REFUSED_S: Final = 2.0
"""How long a wrong login waits for its refusal: some hubs would wait for more of it."""
HANDED_S: Final = 0.5
"""How long a hub may take to hand a request to the new link, before the old one answers it."""
WHOLE: Final = b"%08X" % len(encoded({"reply": LATE})) + encoded({"reply": LATE})
DEATHS: Final = {
    "before the digits": 0,
    "inside the digits": 4,
    "behind the digits": payloads.SIZE_DIGITS,
    "inside the payload": len(WHOLE) // 2,
    "before the last byte": len(WHOLE) - 1,
}
"""How much of its answer a provider has sent when it drops."""
WRONG_LOGINS: Final[dict[str, Callable[[dict[str, str]], bytes]]] = {
    "a wrong key": lambda login: encoded(login | {"key": f"{login['key']}-wrong"}),
    "an empty key": lambda login: encoded(login | {"key": ""}),
    "no key": lambda login: encoded({"user": login["user"]}),
    "no JSON": lambda _: b"let me in",
}


# -- replacement


@judges("NE-LOSS-001")
def test_a_second_login_replaces_the_first(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)
        before = link
        for _ in range(2):
            other = judge.desk.connect()
            other.log_in(judge.desk.login)
            said = repr(other.greeting[0]) if other.greeting else "nothing, or the end of the connection"
            judge.require(other.is_in, "OK for a second login with the right key", said)
            for number in range(2):
                call = ask(judge, number)
                came = turn_of_both(other, before, call)
                expected = "a new request reaches the provider that logged in last"
                judge.require(came is other, expected, "it reached the one before" if came else "it reached none")
                other.request()
                other.answer({"reply": text_of(number)})
                must_bring(judge, call.answer(), text_of(number))
            before = other


def turn_of_both(other: Link, before: Link, call: Call) -> Link | None:
    """The link on which a request comes first; none where the call is over before."""
    while not call.is_over_within(0.005):
        for each in (other, before):
            if each.has_unread:
                return each
    return None


@judges("NE-LOSS-002")
def test_a_request_is_answered_once_when_its_provider_is_replaced(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)
    for sent in judge.each(DEATHS.values()):
        with judge.provider() as link:
            first = ask(judge, 1)
            message = link.request().content.get("message")
            link.send(WHOLE[:sent])
            other = judge.desk.connect()
            other.log_in(judge.desk.login)
            if not other.is_in:
                not_judged("the hub lets no second provider in")
            handed = handed_over(other, first, message, HANDED_S)
            if not first.is_answered and not link.is_closed:
                link.send(WHOLE[sent:])  # a hub may leave it to the first provider
            first.answer()
            second = ask(judge, 2)
            handed += handed_over(other, second, message)
            exchanges = first.answer(), second.answer()
            link.close()
            own = text_of(message)
            judge.require(handed <= 1, "the request is handed over once at most", f"{handed} times", *exchanges)
            holds = exchanges[0].is_error or (exchanges[0].is_success and exchanges[0].reply in {own, LATE})
            judge.require(holds, "one answer: an error, or the text that a provider gave for it", *shown(exchanges[0]))
            holds = not exchanges[1].is_success or exchanges[1].reply == text_of("Which number is this? 2")
            judge.require(holds, "the next request gets its own text, or an error", *shown(exchanges[1]))


@judges("NE-LOSS-003")
def test_a_wrong_login_changes_nothing(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)
        for kind, wrong in judge.each(WRONG_LOGINS.items()):
            call = ask(judge, 1)
            link.request()
            intruder = judge.desk.connect()
            intruder.log_in(wrong(judge.desk.login), within=REFUSED_S)
            if intruder.is_in:
                not_judged(f"the hub lets a login with {kind} in")
            intruder.close()
            link.answer({"reply": OWN})
            exchange = call.answer()
            holds = exchange.is_success and exchange.reply == OWN and not link.is_closed
            actual = f"{exchange.describe()}; the link is {'closed' if link.is_closed else 'open'}"
            judge.require(holds, f"the provider's answer, and its link open, after {kind}", actual, exchange)


# -- drops


@judges("NE-LOSS-004")
def test_a_drop_is_answered_at_once(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)
    most = soon(judge, "provider_answer_s", "queue_s")
    times, exchanges = [], []
    for place, sent in judge.each(DEATHS.items()):
        for in_order in (True, False):
            with judge.provider() as link:
                call = judge.begin(ASK)
                link.request()
                link.send(WHOLE[:sent])
                hang_up(link, in_order=in_order)
                seconds, exchange = taken(call.answer)
            expected = f"an error, any errorcode but 0, when the provider drops {place}"
            judge.require(exchange.is_error, expected, exchange.describe(), exchange)
            times.append(seconds)
            exchanges.append(exchange)
        if min(times) > most and len(times) > TRIES:
            break
    expected = f"an error at once, so within {most:g} s"
    judge.require(min(times) <= most, expected, f"after {min(times):.2f} s, at the quickest", *exchanges)


@judges("NE-LOSS-005")
def test_a_hub_goes_on_after_any_misbehaviour(judge: Judge) -> None:
    plain = encoded(PLAIN_ANSWER)
    last_words = [b"%08X" % len(payload) + payload for payload in payloads.MALFORMED.values()]
    last_words += [digits + plain for _, digits in payloads.malformed_sizes(len(plain), None)]
    last_words += [*(WHOLE[:sent] for sent in DEATHS.values()), WHOLE, WHOLE + WHOLE, bytes(FLOOD_BYTES)]
    with judge.provider() as link:
        is_heard(judge, link)
    for number, words in judge.each(enumerate(last_words)):
        with judge.desk.vacant():
            link = returned(judge) or not_judged("the hub lets its provider in no more")
            call = judge.begin(ASK)
            link.request()
            link.send(words)
            hang_up(link, in_order=number % 2 == 0)
            call.answer()
            must_serve(judge)


def must_serve(judge: Judge) -> None:
    """Requires that a fresh login is accepted, and that its provider answers a request."""
    link = returned(judge)
    if link is None:
        judge.breaks("OK for a fresh login", "no OK, however often it was tried", is_final=True)
    call = ask(judge, 1)
    frame = turn(link, call)
    judge.require(frame is not None, "the next request reaches the provider", "none came")
    link.answer({"reply": OWN})
    must_bring(judge, call.answer(), OWN)


@judges("NE-LOSS-006")
def test_what_waits_is_answered_when_the_provider_comes_back(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)
    for in_order in judge.each([True, False]):
        with judge.provider() as link:
            judge.begin(ASK)
            link.request()
            waiting = [ask(judge, number) for number in range(WAITING)]
            are_queued(judge, WAITING)
            left = time.monotonic()
            hang_up(link, in_order=in_order)
            back = returned(judge)
            if back is None or time.monotonic() - left > soon(judge, "queue_s"):
                not_judged("the hub let the provider in again too late, or not at all")
            for call in waiting:
                handed_over(back, call, None)
            for number, call in enumerate(waiting):
                must_bring(judge, call.answer(), text_of(f"Which number is this? {number}"))
