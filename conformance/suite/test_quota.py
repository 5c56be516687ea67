"""Extended: a service that allows so many generations and no more for a while."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from conformance.evidence import not_judged
from conformance.judge import PASSING_CODES, SHORT
from conformance.requirement import judges

if TYPE_CHECKING:
    from conformance.exchange import Exchange
    from conformance.judge import Judge

QUOTA_EXCEEDED: Final = 9
MOST_REQUESTS: Final = 30
"""A quota that so many requests do not use up is none for a judge."""
TOO_EARLY: Final = 0.5
"""The share of the told wait in which nothing that is over the quota may pass."""
GRACES_S: Final = (0.1, 1.0)
"""How long to wait on top of what the hub told, at each try: it may tell whole seconds, or others use the quota up."""
TRIES: Final = 3


def is_wait(value: object) -> bool:
    """Whether it is a number of seconds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def path_of(judge: Judge) -> str:
    """The path of the service with a quota."""
    if not judge.settings.quota_service:
        not_judged("needs a service with a small quota: --quota-service NAME")
    return judge.subject.path_of(judge.settings.quota_service)


def first_refusal(judge: Judge) -> Exchange:
    """The answer to the first request that does not succeed, from a service that was seen to serve."""
    request = judge.request(SHORT, path=path_of(judge))
    for _ in range(MOST_REQUESTS):
        exchange = judge.subject.send(request)
        if not exchange.is_success:
            break
        judge.subject.succeeded.add(request)
    else:
        not_judged(f"{MOST_REQUESTS} requests did not use the quota up")
    served_before = request in judge.subject.succeeded
    if exchange.trouble or (exchange.code != QUOTA_EXCEEDED and not served_before):
        not_judged(f"the service with a quota does not answer ({exchange.describe()})")
    if exchange.code in PASSING_CODES - {QUOTA_EXCEEDED}:
        not_judged(f"something else is in the way ({exchange.describe()})")
    return exchange


def told_wait(judge: Judge) -> float:
    """Uses the quota up; the seconds that the refusal tells to wait."""
    refusal = first_refusal(judge)
    if refusal.code != QUOTA_EXCEEDED or not is_wait(refusal.content.get("retry_after")):
        not_judged(f"the refusal tells no seconds to wait ({refusal.describe()})")
    return float(refusal.content["retry_after"])


def must_be_refused(judge: Judge, exchange: Exchange) -> None:
    """Requires code 9 and the seconds to wait."""
    wait = exchange.content.get("retry_after") if isinstance(exchange.content, dict) else None
    holds = exchange.code == QUOTA_EXCEEDED and is_wait(wait)
    expected = f"errorcode {QUOTA_EXCEEDED}, and retry_after: a number of 0 or more"
    judge.require(holds, expected, f"{exchange.describe()}, retry_after {wait!r}", exchange)


@judges("NE-CODE-009")
def test_a_request_over_the_quota_is_refused_with_9_and_the_wait(judge: Judge) -> None:
    must_be_refused(judge, first_refusal(judge))


@judges("NE-CODE-009")
def test_a_stream_over_the_quota_is_refused_with_9_and_the_wait(judge: Judge) -> None:
    """A quota may let something pass again at any time but soon after it told a wait."""
    for _ in range(TRIES):
        wait = told_wait(judge)
        began, key = time.monotonic(), judge.new_key()
        exchange = judge.post(SHORT | {"key": key}, path=path_of(judge), keys=(key,))
        if not exchange.is_success or time.monotonic() - began < TOO_EARLY * wait:
            break
    else:
        not_judged("the quota lets requests pass again too soon to be seen used up")
    if exchange.trouble or exchange.code in PASSING_CODES - {QUOTA_EXCEEDED}:
        not_judged(f"something else is in the way ({exchange.describe()})")
    must_be_refused(judge, exchange)


@judges("NE-CODE-009")
def test_who_has_waited_as_long_as_told_is_not_refused_for_the_quota(judge: Judge) -> None:
    for grace in GRACES_S:
        wait = told_wait(judge)
        if wait > judge.settings.max_wait:
            not_judged(f"would wait {wait:g} s, longer than --max-wait {judge.settings.max_wait:g}")
        judge.subject.pause(wait + grace)
        exchange = judge.post(SHORT, path=path_of(judge))
        if exchange.code != QUOTA_EXCEEDED:
            break
    if not (exchange.is_success or exchange.code == QUOTA_EXCEEDED):
        not_judged(f"something else is in the way ({exchange.describe()})")
    expected = "a success, once the seconds have passed that the refusal told"
    judge.require(exchange.is_success, expected, exchange.describe(), exchange)
