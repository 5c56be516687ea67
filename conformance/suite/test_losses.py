"""Providers that are replaced, drop, stay away or stay silent: what becomes of the requests, in hand and waiting.

A hub is called slow only by its quickest answer of several, against a limit that it told: a machine under load is slow
now and then, a hub that waits for something always.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

from conformance.evidence import not_judged
from conformance.provider import payloads
from conformance.provider.payloads import encoded
from conformance.requirement import judges
from conformance.suite.test_provider_answers import (
    AFTER,
    ASK,
    LATE,
    OWN,
    PLAIN_ANSWER,
    SLACK_S,
    is_heard,
    must_bring,
    returned,
    turn,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.call import Call
    from conformance.exchange import Exchange
    from conformance.judge import Judge
    from conformance.provider.link import Link

WAITING: Final = 3
"""How many requests wait: fewer than any queue has room for."""
SOON: Final = 0.6
"""The share of a limit that a hub which does not wait for it stays below."""
SOON_S: Final = 5.0
"""What is at once, where the limit is long."""
QUEUED_S: Final = 1.0
"""How long the suite looks in the model list for the requests that it has sent to wait."""
FLOOD_BYTES: Final = 1_000_000
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


def ask(judge: Judge, number: int, seconds: float | None = None) -> Call:
    """A request that can be told from the others."""
    return judge.begin({"message": f"Which number is this? {number}"}, seconds=seconds)


def text_of(message: object) -> str:
    """The reply that belongs to a message."""
    return f"It is the answer to {str(message)!r}."


def soon(judge: Judge, *limits: str) -> float:
    """The seconds within which a hub that waits for none of these limits has answered, as far as they are known."""
    return min([SOON_S, judge.settings.timeout, *(judge.settings.limits.get(name, SOON_S) * SOON for name in limits)])


def taken(exchange_of: Callable[[], Exchange]) -> tuple[float, Exchange]:
    """How long an exchange took, and the exchange."""
    began = time.monotonic()
    exchange = exchange_of()
    return time.monotonic() - began, exchange


def are_queued(judge: Judge, number: int) -> None:
    """Waits until so many requests wait at the hub; where its list does not tell, for as long as that surely takes."""
    until = time.monotonic() + QUEUED_S
    while time.monotonic() < until:
        entries = judge.post({"command": "getmodels"}).content
        for entry in entries if isinstance(entries, list) else []:
            is_it = isinstance(entry, dict) and entry.get("name") == judge.settings.provided
            if is_it and isinstance(entry.get("queuelen"), int) and entry["queuelen"] >= number:
                return
        judge.subject.pause(0.02)


def hang_up(link: Link, *, in_order: bool) -> None:
    """Closes a link, with TLS's close-notify or without."""
    if in_order:
        link.close()
    else:
        link.abort()


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
    for sent in DEATHS.values():
        with judge.provider() as link:
            is_heard(judge, link)
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
            holds = exchanges[1].is_error or exchanges[1].reply == text_of("Which number is this? 2")
            judge.require(holds, "the next request gets its own text, or an error", *shown(exchanges[1]))


def handed_over(link: Link, last: Call, message: object, seconds: float = math.inf) -> int:
    """Answers what comes on a link until the last request is over; how often the message was among it."""
    seen = 0
    while frame := turn(link, last, seconds):
        seen += frame.content.get("message") == message
        link.answer({"reply": text_of(frame.content.get("message"))})
    return seen


def shown(exchange: Exchange) -> tuple[str, Exchange]:
    """An exchange in words, and itself."""
    return exchange.describe(), exchange


@judges("NE-LOSS-003")
def test_a_wrong_login_changes_nothing(judge: Judge) -> None:
    with judge.provider() as link:
        is_heard(judge, link)
        for kind, wrong in WRONG_LOGINS.items():
            call = ask(judge, 1)
            link.request()
            intruder = judge.desk.connect()
            intruder.log_in(wrong(judge.desk.login))
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
    times, exchanges = [], []
    for place, sent in DEATHS.items():
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
    most = soon(judge, "provider_answer_s", "queue_s")
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
    with judge.desk.vacant():
        link = serving(judge)
        for number, words in enumerate(last_words):
            call = judge.begin(ASK)
            link.request()
            link.send(words)
            hang_up(link, in_order=number % 2 == 0)
            call.answer()
            link = serving(judge)


def serving(judge: Judge) -> Link:
    """Requires that a fresh login is accepted, and that its provider answers a request; returns its link."""
    link = returned(judge)
    if link is None:
        judge.breaks("OK for a fresh login", "no OK, however often it was tried", is_final=True)
    call = ask(judge, 1)
    frame = turn(link, call)
    judge.require(frame is not None, "the next request reaches the provider", "none came")
    link.answer({"reply": OWN})
    must_bring(judge, call.answer(), OWN)
    return link


@judges("NE-LOSS-006")
def test_what_waits_is_answered_when_the_provider_comes_back(judge: Judge) -> None:
    for in_order in (True, False):
        with judge.provider() as link:
            is_heard(judge, link)
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


# -- waiting


@judges("NE-LOSS-007")
def test_waiting_for_an_absent_provider_ends(judge: Judge) -> None:
    waits = judge.limit("queue_s", waits=AFTER) * AFTER + SLACK_S
    with judge.provider() as link:
        is_heard(judge, link)
        judge.begin(ASK)
        link.request()
        waiting = [ask(judge, number, waits) for number in range(WAITING)]
        are_queued(judge, WAITING)
        link.close()
        waiting.append(ask(judge, WAITING, waits))
        exchanges = [call.answer() for call in waiting]
    for exchange in exchanges:
        judge.require(exchange.is_error, f"an error, any errorcode but 0, within {waits:g} s", *shown(exchange))


@judges("NE-LOSS-008")
def test_a_long_absence_is_answered_at_once(judge: Judge) -> None:
    limit = judge.limit("queue_s", waits=AFTER)
    with judge.provider() as link:
        is_heard(judge, link)
    with judge.desk.vacant():
        judge.subject.pause(limit * AFTER)
        answers = [taken(ask(judge, number).answer) for number in range(WAITING)]
    exchanges = [exchange for _, exchange in answers]
    if any(exchange.is_success for exchange in exchanges):
        not_judged("the hub answers the service by itself while no provider is there")
    for exchange in exchanges:
        judge.require(exchange.is_error, "an error, any errorcode but 0", *shown(exchange))
    quickest, most = min(seconds for seconds, _ in answers), soon(judge, "queue_s")
    judge.require(quickest <= most, f"an error at once, so within {most:g} s", f"after {quickest:.2f} s", *exchanges)


@judges("NE-LOSS-009")
def test_a_request_waits_behind_a_busy_provider(judge: Judge) -> None:
    holds = judge.limit("queue_s", waits=AFTER) * AFTER
    if holds > judge.limit("provider_answer_s", waits=0):
        not_judged("a provider that is busy for longer than queue_s would be called silent: provider_answer_s is short")
    with judge.provider() as link:
        is_heard(judge, link)
        first = ask(judge, 1, holds + judge.settings.timeout)
        link.request()
        second = ask(judge, 2, holds + judge.settings.timeout)
        judge.subject.pause(holds)
        link.answer({"reply": text_of(1)})
        if not first.answer().is_success:
            not_judged(f"the hub took the busy provider for a silent one ({first.answer().describe()})")
        if turn(link, second):
            link.answer({"reply": text_of(2)})
        must_bring(judge, second.answer(), text_of(2))


@judges("NE-LOSS-010")
def test_a_silent_provider_costs_its_client_an_error(judge: Judge) -> None:
    waits = judge.limit("provider_answer_s", waits=AFTER) * AFTER + SLACK_S
    with judge.provider() as link:
        is_heard(judge, link)
        call = judge.begin(ASK, seconds=waits)
        link.request()
        exchange = call.answer()
        link.close()
    judge.require(exchange.is_error, f"an error, any errorcode but 0, within {waits:g} s", *shown(exchange))
