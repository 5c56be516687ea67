"""Extended: the codes that a hub has for a provider that is away, busy, silent or broken, and for too many streams."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.evidence import not_judged
from conformance.judge import SHORT
from conformance.provider.house import answered_by
from conformance.requirement import judges

if TYPE_CHECKING:
    from conformance.exchange import Exchange
    from conformance.judge import Judge
    from conformance.stream import Stream

AFTER: Final = 1.3
"""The share of a limit after which it must have struck."""
OFFLINE, QUEUE_FULL, TIMEOUT, BROKEN, STREAM_LIMIT = 7, 8, 12, 13, 15
REPLY: Final = {"reply": "One two three four five six.", "errorcode": 0}
OVERFILL: Final = 2
"""So many requests more than may wait are sent."""
ARRIVING_S: Final = 3.0
"""How long requests that are sent at the same time may take to arrive, where the provider may be silent so long."""
MOST_AT_A_TIME: Final = 200
"""A check holds no more connections than this."""
MOST_STREAMS: Final = 1_000
MALFORMED: Final[dict[str, tuple[bytes, bytes | None]]] = {
    "nothing": (b"", None),
    "no-json": (b"no JSON", None),
    "half-an-object": (b'{"reply": "x"', None),
    "array": (b'["reply"]', None),
    "no-reply": (b'{"errorcode": 0}', None),
    "reply-is-a-number": (b'{"reply": 1, "errorcode": 0}', None),
    "reply-is-null": (b'{"reply": null, "errorcode": 0}', None),
    "errorcode-is-text": (b'{"reply": "x", "errorcode": "0"}', None),
    "errorcode-is-null": (b'{"reply": "x", "errorcode": null}', None),
    "errorcode-is-a-fraction": (b'{"reply": "x", "errorcode": 0.5}', None),
    "no-digits": (b"not-hex!", b""),
    "endless-length": (b"{}", b"FFFFFFFF"),
}
"""Answers that are malformed in length, JSON or members: the payload, and the digits where they are not its length."""


def has_code(judge: Judge, code: int, exchange: Exchange) -> None:
    """Requires the code."""
    judge.require(exchange.code == code, f"errorcode {code}", exchange.describe(), exchange)


@judges("NE-CODE-007")
def test_a_service_whose_provider_is_away_is_offline(judge: Judge) -> None:
    away = judge.limit("queue_s", waits=AFTER)
    with judge.desk.vacant():
        judge.subject.pause(away * AFTER)
        has_code(judge, OFFLINE, judge.begin(SHORT, seconds=away + judge.settings.timeout).answer())


@judges("NE-CODE-008")
def test_more_requests_than_may_wait_are_refused(judge: Judge) -> None:
    limit = int(judge.limit("queue_requests", waits=0))
    if limit > MOST_AT_A_TIME:
        not_judged(f"would send {limit} requests at a time, more than {MOST_AT_A_TIME}")
    patience = judge.settings.timeout + ARRIVING_S
    with judge.provider() as link:
        first = judge.begin(SHORT, seconds=2 * patience)
        link.request()
        before = link.answered
        calls = [judge.begin(SHORT, seconds=2 * patience) for _ in range(limit + OVERFILL)]
        until = time.monotonic() + min(ARRIVING_S, judge.settings.limits.get("provider_answer_s", ARRIVING_S) / 2)
        while len(answered := [call for call in calls if call.is_answered]) < OVERFILL and time.monotonic() < until:
            judge.subject.pause(ARRIVING_S / 100)
        refused = [call.answer() for call in answered]
        link.answer(REPLY)
        with answered_by(link, lambda _: REPLY):
            last = [call.answer() for call in (first, *calls)][-1]
        served = link.answered - before
    for exchange in refused:
        has_code(judge, QUEUE_FULL, exchange)
    expected = f"errorcode {QUEUE_FULL} for {OVERFILL} of {limit + OVERFILL} requests that would wait"
    if len(refused) < OVERFILL and served <= limit + 1:
        not_judged("not all of the requests came to the hub")
    judge.require(len(refused) >= OVERFILL, expected, f"all but {len(refused)} of them waited", last)


@judges("NE-CODE-012")
def test_a_silent_provider_has_timed_out(judge: Judge) -> None:
    limit = judge.limit("provider_answer_s")
    with judge.provider() as link:
        call = judge.begin(SHORT, seconds=limit + judge.settings.timeout)
        link.request()
        has_code(judge, TIMEOUT, call.answer())


@judges("NE-CODE-013")
@pytest.mark.parametrize("fault", MALFORMED)
def test_a_malformed_answer_is_a_providers_error(judge: Judge, fault: str) -> None:
    payload, digits = MALFORMED[fault]
    with judge.provider() as link:
        if not judge.through(link, SHORT, REPLY).exchange.is_success:
            not_judged("a right answer of the provider's did not come to the client")
        call = judge.begin(SHORT)
        link.request()
        link.answer(payload, digits)
        has_code(judge, BROKEN, call.answer())


@judges("NE-CODE-013")
@pytest.mark.parametrize("is_in_order", [True, False], ids=["closed", "cut"])
def test_a_provider_that_drops_is_a_providers_error(judge: Judge, is_in_order: bool) -> None:
    with judge.provider() as link:
        call = judge.begin(SHORT)
        link.request()
        link.close() if is_in_order else link.abort()
        has_code(judge, BROKEN, call.answer())


@judges("NE-CODE-015")
def test_a_stream_beyond_the_limit_is_refused(judge: Judge) -> None:
    limit = int(judge.limit("open_streams", waits=0))
    if limit > MOST_STREAMS:
        not_judged(f"would open {limit} streams, more than {MOST_STREAMS}")
    streams: list[Stream] = []
    long = SHORT | {"max_new_len": 64}
    with judge.answering(lambda _: {"reply": "one two three four five six seven eight", "errorcode": 0}):
        try:
            for _ in range(limit + 1):
                streams.append(judge.stream(long, path=judge.provided))
                last = streams[-1].poll_once(gettokens=1)
                if not last.is_success:
                    break
            is_live = goes_on(streams[0])
        finally:
            for stream in streams:
                stream.read([MOST_STREAMS])
    if last.is_success and not is_live:
        not_judged("the first stream was over before the last one was opened")
    judge.require(last.code == STREAM_LIMIT, f"errorcode {STREAM_LIMIT}", stated(last, len(streams)), last)


def goes_on(stream: Stream) -> bool:
    """Whether a stream has another piece."""
    exchange = stream.poll_once(gettokens=1)
    return exchange.is_success and bool(exchange.reply)


def stated(exchange: Exchange, count: Any) -> str:
    return f"{exchange.describe()} for stream {count}"
