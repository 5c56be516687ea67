"""How a hub lets a client wait while the provider thinks: the first byte, the blanks, and how long a poll is held."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from conformance.evidence import not_judged
from conformance.exchange import NO_JSON
from conformance.judge import GETMODELS, SHORT
from conformance.requirement import judges
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.call import Call
    from conformance.exchange import Exchange
    from conformance.judge import Judge
    from conformance.provider.link import Link
    from conformance.stream import Stream

FIRST_BYTE_S: Final = 15.0
"""NE-ANS-014: how soon the first byte of an answer comes."""
SLACK_S: Final = 1.0
AFTER: Final = 1.3
"""The share of a limit after which it must have struck; the rest of it is for slow machines."""
TRIES: Final = 3
WITNESSES: Final = 3
"""So many other requests answered in the meantime show that neither the hub nor the machine stands still."""
HELD_S: Final = 1.0
"""So long a poll is held before it gets its text, where the hub told that it holds one longer."""
HELD_UNTOLD_S: Final = 0.1
NOT_READY: Final = 17
DEFAULTS: Final = {row["name"]: float(row["value"]) for row in spec.limits()}
REPLY: Final = {"reply": "One two three four five six.", "errorcode": 0}


@contextmanager
def thinking(judge: Judge) -> Iterator[Link]:
    """A provider that keeps back what it is asked for; it answers at last, unless the check has done it."""
    with judge.provider() as link:
        yield link
        if not link.is_at_rest:
            link.answer(REPLY)


def held(judge: Judge, link: Link, seconds: float) -> tuple[Stream, Call]:
    """A poll that waits for the provider, with a deadline far behind so many seconds."""
    stream = judge.stream(SHORT, path=judge.provided)
    call = stream.begin(seconds=seconds + judge.settings.timeout)
    link.request()
    return stream, call


def long_poll_s(judge: Judge) -> float:
    """How long the hub may hold a poll, with slack."""
    longest = judge.settings.limits.get("long_poll_s", DEFAULTS["long_poll_s"]) * AFTER + SLACK_S / 2
    if longest > judge.settings.max_wait + SLACK_S:
        not_judged(f"would wait {longest:g} s for long_poll_s, longer than --max-wait {judge.settings.max_wait:g}")
    return longest


@judges("NE-ANS-014")
def test_the_first_byte_comes_before_a_client_gives_up(judge: Judge) -> None:
    longest = FIRST_BYTE_S + SLACK_S
    if judge.settings.max_wait < FIRST_BYTE_S:
        not_judged(f"would wait {FIRST_BYTE_S:g} s, longer than --max-wait {judge.settings.max_wait:g}")
    with thinking(judge) as link:
        call = judge.begin(SHORT, seconds=longest + judge.settings.timeout)
        link.request()
        came = call.is_heard_within(longest)
        is_awake = came or answers_soon(judge)
        link.answer(REPLY)
        exchange = call.answer()
    if not came and not is_awake:
        not_judged("the hub is slow to answer anything now")
    if not came:
        # The hub answered another request promptly meanwhile, so this is no slow moment that a second look would show.
        actual = f"none before the provider's answer, which came later: {exchange.describe()}"
        judge.breaks(f"the first byte of the body within {FIRST_BYTE_S:g} s", actual, exchange, is_final=True)
    whole = exchange.content is not NO_JSON
    judge.require(whole, "white space and then one JSON text", exchange.describe(), exchange)


def answers_soon(judge: Judge) -> bool:
    """Whether the hub answers a request that needs no provider within the slack of a wait, again and again."""
    return all(judge.begin(GETMODELS).is_over_within(SLACK_S) for _ in range(WITNESSES))


@judges("NE-ANS-015")
def test_blanks_go_on_until_the_answer_is_ready(judge: Judge) -> None:
    interval = judge.limit("keep_warm_s", waits=3)
    longest = 2 * interval + min(interval, SLACK_S / 2)
    for _ in range(TRIES):  # a machine may be too slow once
        exchange = with_blanks(judge, interval, longest)
        gap = max((later - earlier for earlier, later in pairwise(exchange.arrivals)), default=0.0)
        if gap <= longest:
            break
    expected = f"a blank each {interval:g} s, and none later than {longest:g} s after the one before"
    judge.require(gap <= longest, expected, f"none for {gap:.2f} s", exchange)


def with_blanks(judge: Judge, interval: float, longest: float) -> Exchange:
    """An answer that began with white space, because its provider thinks for longer than blanks may be apart."""
    with thinking(judge) as link:
        call = judge.begin(SHORT, seconds=longest + FIRST_BYTE_S + judge.settings.timeout)
        link.request()
        began = call.is_heard_within(FIRST_BYTE_S) and not call.is_answered
        if began:
            call.is_over_within(longest + interval / 2)
        link.answer(REPLY)
        exchange = call.answer()
    if not (began and exchange.body[:1].isspace()):
        not_judged("the hub begins no answer with white space")
    return exchange


@judges("NE-STREAM-012")
def test_a_poll_is_held_until_there_is_text(judge: Judge) -> None:
    told = judge.settings.limits.get("long_poll_s")
    pause = HELD_UNTOLD_S if told is None else min(HELD_S, told / 2)
    with thinking(judge) as link:
        stream, call = held(judge, link, pause)
        is_over = call.is_over_within(pause)
        link.answer(REPLY)
        exchange = stream.take(call.answer())
    holds = not is_over and exchange.is_success and bool(exchange.reply)
    late = f"an answer before the provider had given any text: {exchange.describe()}"
    actual = late if is_over else exchange.describe()
    judge.require(holds, f"the first piece, in the poll that waited {pause:g} s for it", actual, exchange)


@judges("NE-STREAM-012")
def test_a_poll_is_not_held_in_silence(judge: Judge) -> None:
    longest = long_poll_s(judge)
    with thinking(judge) as link:
        stream, call = held(judge, link, longest)
        is_quiet = not call.is_heard_within(longest)
        link.answer(REPLY)
        exchange = stream.take(call.answer())
    holds = not is_quiet and not exchange.trouble
    judge.require(holds, f"an error, or white space, within {longest:g} s", f"nothing: {exchange.describe()}", exchange)


@judges("NE-CODE-017")
def test_a_poll_that_waits_in_vain_is_not_ready(judge: Judge) -> None:
    longest = long_poll_s(judge)
    with thinking(judge) as link:
        stream, call = held(judge, link, longest)
        is_over = call.is_over_within(longest)
        is_held_warm = not is_over and call.is_heard_within(0)
        link.answer(REPLY)
        exchange = stream.take(call.answer())
    holds = is_held_warm or (is_over and exchange.code == NOT_READY)
    expected = f"errorcode {NOT_READY}, or white space, within {longest:g} s"
    judge.require(holds, expected, exchange.describe() if is_over else "nothing", exchange)


@judges("NE-STREAM-014")
def test_white_space_does_not_hold_a_poll_for_ever(judge: Judge) -> None:
    longest = judge.limit("provider_answer_s", waits=AFTER) * AFTER + SLACK_S
    with thinking(judge) as link:
        stream, call = held(judge, link, longest)
        is_over = call.is_over_within(longest)
        began = call.is_heard_within(0)
        link.answer(REPLY)
        exchange = stream.take(call.answer())
    if not began or (is_over and not exchange.body[:1].isspace()):
        not_judged("the hub holds no poll with white space")
    expected = f"the end of the poll within {longest:g} s"
    judge.require(is_over, expected, f"white space, and then {exchange.describe()}", exchange)
