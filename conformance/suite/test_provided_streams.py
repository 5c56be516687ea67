"""Streams whose text the suite's own provider gives: late, in odd characters, in pieces, or not at all.

The text is known to the character here, so that what is lost, cut or given twice is seen without a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.evidence import not_judged
from conformance.judge import SHORT
from conformance.provider.house import answered_by
from conformance.requirement import judges
from conformance.suite.control import plainly_whole
from conformance.suite.test_waiting import long_poll_s

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.exchange import Exchange
    from conformance.judge import Judge
    from conformance.provider.link import Link
    from conformance.stream import Stream

TEXT: Final = "one two three four five six seven eight nine ten eleven twelve"
REPLY: Final = {"reply": TEXT, "errorcode": 0}
OWN_FAILURE: Final = {"reply": "I would rather not.", "errorcode": 4711}
ODD_CHARACTERS: Final = "👩‍👩‍👧 e\u0301\u0323 🇩🇪🇫🇷 \U0001d4b3\U0001d4b4 東京 👍🏽 ñ n\u0303 🏳️‍🌈"
"""Emoji that are joined, flags, combining marks, and characters of the last planes."""
EMOJI_ALONE: Final = "😀👩‍👩‍👧🇩🇪👍🏽🏳️‍🌈🧑‍🚀"
NOT_READY: Final = 17
LET_GO_S: Final = 0.5
"""How long a hub may take to close a connection whose client has left."""
SETTLED_S: Final = 0.1
"""How long it may take, once it has closed the connection, to do what follows from that."""
ARRIVED_S: Final = 0.1
"""How long a poll that gets no answer may take to come to the hub."""
NEARLY: Final = 0.6
REPEATS: Final = 3


def reads_whole(judge: Judge, stream: Stream, text: str, size: int = 3) -> None:
    """Requires that a stream, read to its end, is the text."""
    last = stream.read([size])
    expected = f"the whole text {text!r}, and then the end"
    shown = f"{stream.pieces}" if stream.has_ended else f"{stream.pieces}, and then {last.describe()}"
    judge.require(stream.has_ended and stream.text == text, expected, shown, *stream.polls)


@judges("NE-STREAM-003")
def test_no_poll_before_the_text_is_the_end(judge: Judge) -> None:
    longest = long_poll_s(judge)
    with judge.provider() as link:
        stream = judge.stream(SHORT, path=judge.provided)
        call = stream.begin(seconds=longest + judge.settings.timeout)
        link.request()
        early: list[Exchange] = []
        if call.is_over_within(longest):
            early.append(stream.take(call.answer()))
            call = stream.begin()
        link.answer(REPLY)
        with answered_by(link, lambda _: REPLY):
            early.append(stream.take(call.answer()))
            stream.read([20])
        for exchange in early:
            is_end = exchange.is_success and not exchange.reply
            judge.require(not is_end, "a piece, or an error", exchange.describe(), *stream.polls)


@judges("NE-STREAM-008")
def test_no_piece_is_cut_inside_a_character(judge: Judge) -> None:
    with judge.answering(lambda _: {"reply": ODD_CHARACTERS, "errorcode": 0}):
        twin = judge.post(SHORT, path=judge.provided)
        if not twin.is_success or has_half(twin):
            not_judged(f"the whole reply does not come as it was given ({twin.describe()})")
        stream = judge.stream(SHORT, path=judge.provided)
        for _ in range(stream.most_polls):
            exchange = stream.poll_once(gettokens=1)
            judge.require(not has_half(exchange), "whole characters", exchange.describe(), *stream.polls)
            if exchange.is_error or exchange.trouble or not exchange.reply:
                break
        if len(stream.polls) < 2:
            not_judged(f"the stream has no piece ({exchange.describe()})")


def has_half(exchange: Exchange) -> bool:
    """Whether an answer holds a part of a character: half of a surrogate pair, or of a UTF-8 sequence."""
    try:
        text = exchange.body.decode("utf-8")
    except UnicodeDecodeError:
        return True
    halves = [c for c in str(exchange.reply) + text if "\ud800" <= c <= "\udfff" or c == "\ufffd"]
    return bool(halves)


@judges("NE-STREAM-009")
def test_a_long_character_comes_for_gettokens_1(judge: Judge) -> None:
    with judge.answering(lambda _: {"reply": EMOJI_ALONE, "errorcode": 0}):
        twin = judge.stream(SHORT, path=judge.provided)
        twin.read([1_000])
        if not (twin.has_ended and twin.text == EMOJI_ALONE):
            not_judged(f"the text does not come as it was given in larger pieces ({twin.polls[-1].describe()})")
        reads_whole(judge, judge.stream(SHORT, path=judge.provided), EMOJI_ALONE, size=1)


def waited_in_vain(judge: Judge, link: Link, **fields: Any) -> Stream:
    """A stream whose first poll was not ready; its text has come meanwhile."""
    longest = long_poll_s(judge)
    stream = judge.stream(SHORT, path=judge.provided)
    call = stream.begin(seconds=longest + judge.settings.timeout, **fields)
    link.request()
    is_over = call.is_over_within(longest)
    link.answer(REPLY)
    exchange = stream.take(call.answer())
    if not (is_over and exchange.is_error):
        not_judged(f'the hub answers no poll with "not ready" ({exchange.describe()})')
    if link.is_closed:
        not_judged("the hub closed the link of a provider that took its time")
    return stream


@judges("NE-STREAM-013")
def test_a_poll_that_was_not_ready_loses_nothing(judge: Judge) -> None:
    with judge.provider() as link:
        stream = waited_in_vain(judge, link)
        with answered_by(link, lambda _: REPLY), plainly_whole(judge, SHORT, TEXT, [3], judge.provided):
            reads_whole(judge, stream, TEXT)


@judges("NE-RESUME-011")
def test_a_poll_that_was_not_ready_uses_up_no_index(judge: Judge) -> None:
    with judge.provider() as link:
        stream = waited_in_vain(judge, link, seq=0)
        if stream.polls[-1].code != NOT_READY:
            not_judged(f'the hub does not call it "not ready" ({stream.polls[-1].describe()})')
        with answered_by(link, lambda _: REPLY):
            for seq in (0, 1):
                exchange = stream.poll(gettokens=3, seq=seq)
                holds = exchange.is_success and bool(exchange.reply) and TEXT.startswith(stream.text)
                expected = f"the piece with the index {seq}"
                judge.require(holds, expected, exchange.describe(), *stream.polls)
                if seq == 0:
                    judge.require(exchange.content.get("seq") == 0, '"seq": 0', f"{exchange.content}", *stream.polls)


def provoke(link: Link, stream: Stream, failure: Callable[[Link], None]) -> None:
    """Has the first poll of a stream fail at its provider, before any text."""
    call = stream.begin()
    link.request()
    failure(link)
    exchange = stream.take(call.answer())
    if not exchange.is_error:
        not_judged(f"the failure of the provider is no error for the client ({exchange.describe()})")


@judges("NE-STREAM-015")
@pytest.mark.parametrize(
    "failure",
    [lambda link: link.answer(OWN_FAILURE), lambda link: link.answer(b"no JSON"), lambda link: link.close()],
    ids=["its-own-code", "garbage", "drop"],
)
def test_a_failure_before_the_first_piece_frees_the_key(judge: Judge, failure: Callable[[Link], None]) -> None:
    stream = judge.stream(SHORT, path=judge.provided)
    with judge.provider() as link:
        provoke(link, stream, failure)
    with judge.answering(lambda _: REPLY):
        twin = judge.stream(SHORT, path=judge.provided).poll()
        if not twin.is_success:
            not_judged(f"another key gets no text either ({twin.describe()})")
        exchange = stream.poll(gettokens=3)
        holds = exchange.is_success and bool(exchange.reply) and TEXT.startswith(exchange.reply)
        judge.require(holds, "the first piece of a new generation", exchange.describe(), *stream.polls)
        stream.read([1_000])


@judges("NE-STREAM-016")
def test_a_failure_behind_a_piece_is_repeated(judge: Judge) -> None:
    kept = judge.settings.limits.get("end_kept_s", 0) * NEARLY
    given: list[Mapping[str, Any]] = [{"reply": "one two", "errorcode": 0}, OWN_FAILURE]

    def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
        return given.pop(0) if given and request.get("key") else REPLY

    with judge.desk.vacant():
        link = judge.desk.connect()
        link.log_in(judge.desk.login | {"streaming": True})
        if not link.is_in:
            not_judged("the hub lets no streaming provider in")
        stream = judge.stream(SHORT, path=judge.provided)
        with answered_by(link, answer):
            first, failed = stream.poll_once(gettokens=3), stream.poll_once(gettokens=3)
            if given or failed.is_success or not (first.is_success and first.reply):
                not_judged("the hub does not hand each poll to a streaming provider")
            judge.require(failed.is_error, "the failure of the provider", failed.describe(), *stream.polls)
            for pause in (0, 0, kept if kept <= judge.settings.max_wait else 0):
                judge.subject.pause(pause)
                exchange = stream.poll_once(gettokens=3)
                judge.require(exchange.is_error, "the failure again", exchange.describe(), *stream.polls)


@judges("NE-STREAM-018")
def test_a_repeated_end_asks_the_provider_nothing(judge: Judge) -> None:
    asked: list[Any] = []

    def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(request.get("message"))
        return REPLY

    with judge.answering(answer):
        stream = judge.stream(SHORT, path=judge.provided)
        stream.read([1_000])
        if not (stream.has_ended and asked):
            not_judged(f"the stream does not end ({stream.polls[-1].describe()})")
        before = asked.count(SHORT["message"])
        for _ in range(REPEATS):
            stream.poll_once(gettokens=1_000)
        # What the hub has to ask, it asks before this.
        judge.post(SHORT | {"message": "And now something else."}, path=judge.provided)
    more = asked.count(SHORT["message"]) - before
    actual = f"{more} requests more for {REPEATS} repeated polls"
    judge.require(not more, "no request to the provider for a repeated last poll", actual, *stream.polls)


@judges("NE-STREAM-024")
@pytest.mark.parametrize("polls", [1, 2], ids=["one-poll", "two-polls"])
def test_a_poll_whose_client_left_keeps_its_piece(judge: Judge, polls: int) -> None:
    with judge.provider() as link:
        stream = judge.stream(SHORT, path=judge.provided)
        for number in range(polls):
            call = stream.begin(gettokens=3)
            if number == 0:
                link.request()
            if call.is_over_within(ARRIVED_S):
                not_judged(f"the hub holds no poll ({call.answer().describe()})")
            if not call.is_let_go_within(LET_GO_S):
                not_judged("the hub was not seen to notice that a client left")
            judge.subject.pause(SETTLED_S)
        if link.is_closed:
            not_judged("the hub closed the provider's link when the client had left")
        link.answer(REPLY)
        with answered_by(link, lambda _: REPLY), plainly_whole(judge, SHORT, TEXT, [3], judge.provided):
            reads_whole(judge, stream, TEXT)


@judges("NE-PANS-009")
def test_a_malformed_payload_costs_a_poll_an_error(judge: Judge) -> None:
    with judge.answering(lambda _: REPLY):
        twin = judge.stream(SHORT, path=judge.provided)
        last = twin.read([1_000])
        if twin.text != TEXT:
            not_judged(f"a stream does not bring the provider's text ({last.describe()})")
    stream = judge.stream(SHORT, path=judge.provided)
    with judge.provider() as link:
        call = stream.begin()
        link.request()
        link.answer(b"no JSON")
        exchange = stream.take(call.answer())
        judge.require(exchange.is_error, "an error, any errorcode but 0", exchange.describe(), exchange)
