"""How long a stream's key lives: its end, its pauses, and what comes after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from conformance.evidence import not_judged
from conformance.judge import SHORT
from conformance.requirement import case, judges
from conformance.suite.control import CONTROLS, plainly_whole
from conformance.suite.test_streams import LONG, OTHER, must_follow

if TYPE_CHECKING:
    from conformance.judge import Judge
    from conformance.stream import Stream

REPEATS: Final = 3
NEARLY: Final = 0.6
"""The share of a limit after which it must still hold; the rest of it is for slow machines."""
AFTER: Final = 1.3
"""The share of a limit after which it must have struck."""
EXPIRED: Final = 18


def ended(judge: Judge) -> Stream:
    """A stream that was polled to its end and had text."""
    stream = judge.stream(SHORT)
    stream.read([20])
    if not (stream.has_ended and stream.pieces):
        not_judged("the stream had no text, or did not end")
    return stream


@judges("NE-STREAM-017")
def test_the_end_is_repeated(judge: Judge) -> None:
    stream = ended(judge)
    waits = judge.settings.limits.get("end_kept_s", 0) * NEARLY
    for pause in (0, 0, waits if waits <= judge.settings.max_wait else 0):
        judge.subject.pause(pause)
        exchange = stream.poll(gettokens=20)
        repeated = exchange.is_success and exchange.reply == ""
        judge.require(repeated, "the end again: an empty reply, errorcode 0", exchange.describe(), *stream.polls)


@judges("NE-STREAM-019")
def test_another_message_after_the_end_starts_anew(judge: Judge) -> None:
    other = SHORT | {"message": OTHER["message"]}
    if not judge.succeeds(other).reply:
        not_judged("the model gives the other message an empty reply")
    stream = ended(judge)
    fresh = judge.stream(other, stream.key)
    exchange = fresh.poll(gettokens=20)
    has_text = exchange.is_success and exchange.reply != ""
    if not (has_text or all(judge.stream(other).poll(gettokens=20).reply for _ in range(CONTROLS))):
        not_judged("the other message brings no first piece under a key of its own either")
    judge.require(has_text, "the first piece of a new generation", exchange.describe(), *stream.polls, *fresh.polls)


@judges("NE-STREAM-020")
def test_a_pause_loses_nothing(judge: Judge) -> None:
    waits = judge.limit("stream_idle_s", waits=2 * NEARLY) * NEARLY
    with judge.known_text(LONG) as text, plainly_whole(judge, LONG, text, sizes=[2, 20]):
        stream = begun(judge)
        judge.subject.pause(waits)
        stream.poll(gettokens=2)
        judge.subject.pause(waits)  # together longer than the limit, which counts from the last poll
        stream.read([20])
        must_follow(judge, stream, text)
        judge.require(stream.has_ended, f"the rest of {text!r}", stream.polls[-1].describe(), *stream.polls)


def begun(judge: Judge) -> Stream:
    """A stream with one piece delivered and more to come."""
    stream = judge.stream(LONG)
    if not stream.poll(gettokens=2).is_success or stream.has_ended:
        not_judged("the stream has no second piece")
    return stream


@judges("NE-STREAM-021")
def test_an_abandoned_stream_does_not_go_on(judge: Judge) -> None:
    waits = judge.limit("stream_idle_s", waits=AFTER) * AFTER
    with judge.known_text(LONG) as text, plainly_whole(judge, LONG, text, sizes=[2, 4]):
        stream = begun(judge)
        rest = text.removeprefix(stream.text)
        if not rest.strip() or text.startswith(rest[:8]):
            not_judged("the rest of the text looks like its beginning")
        judge.subject.pause(waits)
        exchange = stream.poll_once(gettokens=4)
        goes_on = exchange.is_success and exchange.reply != "" and rest.startswith(exchange.reply)
        expected = "an error, or a new generation from its beginning"
        judge.require(not (goes_on or exchange.trouble), expected, exchange.describe(), *stream.polls)


@pytest.mark.parametrize(
    "limits", [case("NE-CODE-018", ("stream_idle_s",)), case("NE-STREAM-022", ("stream_idle_s", "end_kept_s"))]
)
def test_a_dropped_key_expires_and_is_new_again(judge: Judge, limits: tuple[str, ...]) -> None:
    waits = sum(judge.limit(name, waits=AFTER) * AFTER for name in limits)
    if waits > judge.settings.max_wait:
        not_judged(f"would wait {waits:g} s, longer than --max-wait {judge.settings.max_wait:g}")
    stream = begun(judge)
    judge.subject.pause(waits)
    if len(limits) == 1:
        for _ in range(2):
            exchange = stream.poll_once()
            judge.require(exchange.code == EXPIRED, f"errorcode {EXPIRED}", exchange.describe(), *stream.polls)
        return
    exchange = stream.poll(gettokens=4)
    has_text = exchange.is_success and exchange.reply != ""
    judge.require(has_text, "the first piece of a new generation", exchange.describe(), *stream.polls)
