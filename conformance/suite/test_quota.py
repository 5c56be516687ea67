"""Extended: a service that allows so many generations and no more for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.evidence import not_judged
from conformance.judge import PASSING_CODES, SHORT
from conformance.requirement import judges

if TYPE_CHECKING:
    from conformance.judge import Judge

QUOTA_EXCEEDED: Final = 9
MOST_REQUESTS: Final = 30
"""A quota that so many requests do not use up is none for a judge."""


def is_wait(value: object) -> bool:
    """Whether it is a number of seconds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


@judges("NE-CODE-009")
def test_a_request_over_the_quota_is_refused_with_9_and_the_wait(judge: Judge) -> None:
    if not judge.settings.quota_service:
        not_judged("needs a service with a small quota: --quota-service NAME")
    request = judge.request(SHORT, path=judge.subject.path_of(judge.settings.quota_service))
    for _ in range(MOST_REQUESTS):
        exchange = judge.subject.send(request)
        if exchange.is_success:
            judge.subject.succeeded.add(request)
            continue
        served_before = request in judge.subject.succeeded
        if exchange.trouble or (exchange.code != QUOTA_EXCEEDED and not served_before):
            not_judged(f"the service with a quota does not answer ({exchange.describe()})")
        if exchange.code in PASSING_CODES - {QUOTA_EXCEEDED}:
            not_judged(f"something else is in the way ({exchange.describe()})")
        wait = exchange.content.get("retry_after") if isinstance(exchange.content, dict) else None
        holds = exchange.code == QUOTA_EXCEEDED and is_wait(wait)
        expected = f"errorcode {QUOTA_EXCEEDED}, and retry_after: a number of 0 or more"
        judge.require(holds, expected, f"{exchange.describe()}, retry_after {wait!r}", exchange)
        return
    not_judged(f"{MOST_REQUESTS} requests did not use the quota up")
