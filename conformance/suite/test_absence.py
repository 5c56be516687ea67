"""Providers that stay away, are busy or stay silent: how long a request waits, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.evidence import not_judged
from conformance.requirement import judges
from conformance.suite.answering import (
    AFTER,
    ASK,
    SLACK_S,
    are_queued,
    ask,
    is_heard,
    must_bring,
    shown,
    soon,
    taken,
    text_of,
    turn,
)

if TYPE_CHECKING:
    from conformance.judge import Judge


WAITING: Final = 3
"""How many requests wait: fewer than any queue has room for."""


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
